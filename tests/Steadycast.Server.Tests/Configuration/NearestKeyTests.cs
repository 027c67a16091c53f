using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

public sealed class NearestKeyTests
{
    [Theory]
    [InlineData("listenAddr", "listen_addr")]
    [InlineData("listen-address", "listen_addr")]
    [InlineData("htp_addr", "http_addr")]
    [InlineData("colour", null)]
    public void The_nearest_known_key_is_found_when_one_is_near(string written, string? expected) =>
        Assert.Equal(expected, NearestKey.Find(written, ["listen_addr", "http_addr", "segment_seconds"]));
}
