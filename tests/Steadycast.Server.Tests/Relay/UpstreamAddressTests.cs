using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Tests.Relay;

public sealed class UpstreamAddressTests
{
    [Theory]
    [InlineData("rtmp://h", "rtmp://h/live", "show?a=1")]
    [InlineData("rtmp://h/", "rtmp://h/live", "show?a=1")]
    [InlineData("rtmps://h:8443/app", "rtmps://h:8443/app", "show?a=1")]
    [InlineData("rtmp://h/app/", "rtmp://h/app", "show?a=1")]
    [InlineData("rtmp://h/app/KEY?backup=1", "rtmp://h/app", "KEY?backup=1")]
    [InlineData("rtmp://h/a/b/KEY", "rtmp://h/a/b", "KEY")]
    [InlineData("rtmp://[::1]:1936", "rtmp://[::1]:1936/live", "show?a=1")]
    public void What_the_address_leaves_out_is_the_client_s(string text, string tcUrl, string name)
    {
        Assert.True(UpstreamAddress.TryParse(text, out UpstreamAddress? address));

        var url = address.Of("live", "show?a=1");

        Assert.Equal((tcUrl, name), (url.TcUrl, url.Name));
    }

    [Theory]
    [InlineData("rtmp://h/app/KEY", "rtmp://h/app/***")]
    [InlineData("rtmp://h/app?key=1", "rtmp://h/app")]
    [InlineData("rtmp://h", "rtmp://h/")]
    public void Its_text_shows_no_key(string text, string shown)
    {
        Assert.True(UpstreamAddress.TryParse(text, out UpstreamAddress? address));

        Assert.Equal(shown, address.ToString());
    }

    [Theory]
    [InlineData("http://h/app")]
    [InlineData("h:1935")]
    [InlineData("rtmp://")]
    [InlineData("")]
    public void Other_addresses_are_not_taken(string text) => Assert.False(UpstreamAddress.TryParse(text, out _));
}
