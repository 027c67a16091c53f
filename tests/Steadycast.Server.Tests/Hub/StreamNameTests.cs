using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Hub;

public sealed class StreamNameTests
{
    [Theory]
    [InlineData("live", "live")]
    [InlineData("live/show", "live/show")]
    [InlineData("live/show/", "live/show")]
    [InlineData("/live/show", "live/show")]
    [InlineData("a_b.c~d-E9/x", "a_b.c~d-E9/x")]
    [InlineData("%6Cive/sh%6fw", "live/show")]
    [InlineData("live/instance/show", "live/instance/show")]
    public void A_name_is_read(string text, string value)
    {
        Assert.True(StreamName.TryParse(text, out StreamName name, out _));

        Assert.Equal(value, name.Value);
        Assert.True(StreamName.TryParse(name.Value, out StreamName again, out _));
        Assert.Equal(name, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("live//show")]
    [InlineData("live/../etc")]
    [InlineData("..")]
    [InlineData("live/.")]
    [InlineData("live/%2e%2e/etc")]
    [InlineData("live%2fshow")]
    [InlineData("live/show%00")]
    [InlineData("live/show%")]
    [InlineData("live/show%4")]
    [InlineData("live/show%zz")]
    [InlineData("live/%252e")]
    [InlineData("live/sh ow")]
    [InlineData("live\\show")]
    [InlineData("live/show?key=secret")]
    [InlineData("live/caf\u00e9")]
    [InlineData("live/show\r\n")]
    [InlineData("live/index.m3u8")]
    [InlineData("live/7.M4S")]
    [InlineData("streams.json")]
    [InlineData("live/.hidden")]
    [InlineData("live/upload.tmp")]
    [InlineData("a/b/c/d/e/f/g/h/i")]
    public void Anything_else_has_a_fault_that_does_not_repeat_it(string text)
    {
        Assert.False(StreamName.TryParse(text, out StreamName name, out string? fault));

        Assert.Equal(default, name);
        Assert.DoesNotContain("secret", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(127, 128, true)]
    [InlineData(128, 128, false)]
    [InlineData(129, 1, false)]
    [InlineData(1, 129, false)]
    [InlineData(100_000, 1, false)]
    public void Lengths_are_bounded(int app, int name, bool isRead) =>
        Assert.Equal(isRead, StreamName.TryParse(new string('a', app) + "/" + new string('b', name), out _, out _));

    [Theory]
    [InlineData("live/show", "live/show")]
    [InlineData("a b\r\n\u001b[31m", @"a\u0020b\u000d\u000a\u001b[31m")]
    [InlineData("\u202eevil", @"\u202eevil")]
    public void What_was_refused_is_escaped_for_the_log(string text, string escaped) =>
        Assert.Equal(escaped, StreamName.Escape(text));

    [Fact]
    public void Every_name_that_may_be_published_is_one_that_a_segment_store_takes() =>
        Prop.ForAll(
            Gen.Elements(
                "live", "a", "show.1", ".x", "seg.ts", "b.m4s", "c.tmp", "..", "", new string('n', 128), "%2e%2e", "d.")
                .NonEmptyListOf()
                .Select(parts => string.Join('/', parts))
                .ToArbitrary(),
            text => !StreamName.TryParse(text, out StreamName name, out _) || ObjectName.IsStream(name.Value))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_logged_is_short() => Assert.InRange(StreamName.Escape(new string('\n', 100_000)).Length, 1, 80);
}
