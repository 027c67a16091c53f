using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

public sealed class ScalarReaderTests
{
    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("30s", 30)]
    [InlineData("1.5s", 1.5)]
    [InlineData("5m", 300)]
    [InlineData("1h30m", 5400)]
    [InlineData("2d", 172800)]
    public void A_duration_is_read_with_its_unit(string text, double seconds) =>
        Assert.Equal(
            TimeSpan.FromSeconds(seconds), ScalarReader.Read(text, typeof(TimeSpan), ValueKind.Duration, out _, out _));

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("5m5h")]
    [InlineData("-1s")]
    [InlineData("999999999d999999999h")]
    public void What_is_no_duration_is_refused(string text)
    {
        Assert.Null(ScalarReader.Read(text, typeof(TimeSpan), ValueKind.Duration, out var fault, out _));
        Assert.Equal("is not a duration", fault);
    }

    [Theory]
    [InlineData("1024", 1024L)]
    [InlineData("64KiB", 65536L)]
    [InlineData("16 MiB", 16777216L)]
    [InlineData("2GB", 2000000000L)]
    public void A_size_is_read_with_its_unit(string text, long bytes) =>
        Assert.Equal(bytes, ScalarReader.Read(text, typeof(long), ValueKind.Size, out _, out _));

    [Theory]
    [InlineData("64Kib")]
    [InlineData("-1")]
    [InlineData("999999999999999999GiB")]
    public void What_is_no_size_is_refused(string text) =>
        Assert.Null(ScalarReader.Read(text, typeof(long), ValueKind.Size, out _, out _));

    [Theory]
    [InlineData(0.2, "200ms")]
    [InlineData(30, "30s")]
    [InlineData(90, "90s")]
    [InlineData(300, "5m")]
    [InlineData(7200, "2h")]
    public void A_duration_is_written_as_it_would_be_read(double seconds, string text) =>
        Assert.Equal(text, ScalarReader.Write(TimeSpan.FromSeconds(seconds)));
}
