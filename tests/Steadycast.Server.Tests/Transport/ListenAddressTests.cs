using Steadycast.Streaming.Transport;

namespace Steadycast.Server.Tests.Transport;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData(":1935", "", 1935)]
    [InlineData("0.0.0.0:1935", "0.0.0.0", 1935)]
    [InlineData("[::]:1935", "::", 1935)]
    [InlineData("[::1]:0", "::1", 0)]
    [InlineData("localhost:65535", "localhost", 65535)]
    public void What_an_operator_writes_is_read_and_written_back(string text, string host, int port)
    {
        Assert.True(ListenAddress.TryParse(text, out ListenAddress? address, out _));

        Assert.Equal(new ListenAddress(host, port), address);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("1935")]
    [InlineData("localhost")]
    [InlineData("::1:1935")]
    [InlineData("[::1:1935")]
    [InlineData(":65536")]
    [InlineData(":-1")]
    [InlineData(":+1")]
    [InlineData(": 80")]
    [InlineData("host:")]
    [InlineData("host:http")]
    public void Anything_else_has_a_fault(string text)
    {
        Assert.False(ListenAddress.TryParse(text, out _, out string? fault));

        Assert.NotEmpty(fault);
    }
}
