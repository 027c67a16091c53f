using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Server.Tests.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Tests.Relay;

public sealed class UpstreamHealthTests
{
    [Fact]
    public async Task Who_takes_no_connection_is_unhealthy_until_it_does()
    {
        await using TestDoor door = TestDoor.Open();
        TestDoor upstream = TestDoor.Open();
        Upstream watched = At(upstream.Port);
        await using UpstreamHealth health = Watch(door, watched, allowPrivate: true);
        health.Start();
        await door.UntilAsync(() => watched.Verdict.CheckedAt is not null);
        Assert.True(watched.Verdict.IsHealthy);

        await upstream.DisposeAsync();
        await door.UntilAsync(() => LetTimePass(door) && !watched.Verdict.IsHealthy);

        Assert.Equal("connection refused", watched.Verdict.Error);
    }

    [Fact]
    public async Task Who_may_not_be_dialled_is_unhealthy()
    {
        await using TestDoor door = TestDoor.Open();
        Upstream watched = At(door.Port);
        await using UpstreamHealth health = Watch(door, watched, allowPrivate: false);

        health.Start();
        await door.UntilAsync(() => !watched.Verdict.IsHealthy);

        Assert.Contains("127.0.0.1 is this machine", watched.Verdict.Error, StringComparison.Ordinal);
        Assert.Equal(0, door.Transport.ConnectionCount);
    }

    private static bool LetTimePass(TestDoor door)
    {
        door.Time.Advance(TimeSpan.FromSeconds(1));
        return true;
    }

    private static UpstreamHealth Watch(TestDoor door, Upstream upstream, bool allowPrivate) => new(
        [upstream],
        new HealthCheckOptions { Enabled = true, IntervalSec = 1, TimeoutSec = 60 },
        door.Transport,
        new AddressGuard(allowPrivate),
        door.Time,
        NullLogger.Instance);

    private static Upstream At(int port) => new(
        new UpstreamAddress(false, "127.0.0.1", port, "", ""),
        1,
        new CircuitBreaker(new CircuitBreakerOptions(), TimeProvider.System));
}
