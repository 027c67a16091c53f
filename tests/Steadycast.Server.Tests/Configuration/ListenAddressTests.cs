using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Tests.Configuration;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData(":1935", ":1935")]
    [InlineData("127.0.0.1:80", "127.0.0.1:80")]
    [InlineData("localhost:80", "127.0.0.1:80")]
    [InlineData("[::1]:80", "[::1]:80")]
    [InlineData("0.0.0.0:80", "0.0.0.0:80")]
    [InlineData("[::]:80", ":80")]
    [InlineData(":0", ":0")]
    public void An_address_is_read(string text, string expected) =>
        Assert.Equal(expected, ListenAddress.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("80")]
    [InlineData(":")]
    [InlineData(":65536")]
    [InlineData(":-1")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("[127.0.0.1]:80")]
    [InlineData("host.example:80")]
    [InlineData("[:80")]
    public void What_is_no_address_is_refused_with_a_next_step(string text)
    {
        Assert.False(ListenAddress.TryParse(text, out _, out var fault));
        Assert.Contains("; write", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(":80", "127.0.0.1:80", true)]
    [InlineData("127.0.0.1:80", "127.0.0.1:80", true)]
    [InlineData("127.0.0.1:80", "127.0.0.2:80", false)]
    [InlineData(":80", ":81", false)]
    [InlineData(":0", ":0", false)]
    public void Two_addresses_collide_when_one_machine_cannot_bind_both(string a, string b, bool expected) =>
        Assert.Equal(expected, ListenAddress.Parse(a).Collides(ListenAddress.Parse(b)));
}
