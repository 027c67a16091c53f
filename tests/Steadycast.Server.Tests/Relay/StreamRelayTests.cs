using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Server.Tests.Hub;
using Steadycast.Server.Tests.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Relay;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Relay;

/// <summary>A door whose streams go on to other doors, all of them on real sockets.</summary>
public sealed class StreamRelayTests : IAsyncDisposable
{
    private static readonly RelayTimes Times = new() { Failover = TimeSpan.FromSeconds(2) };

    private readonly List<IAsyncDisposable> _open = [];

    [Fact]
    public async Task A_stream_arrives_upstream_as_it_was_published()
    {
        TestDoor upstream = Keep(TestDoor.Open());
        TestDoor door = Relay(At(upstream));
        await using RtmpPublisher publisher = await door.PublishAsync("live/show?a=1&key=secret");
        Arrivals arrivals = Listen(upstream, "live/show");

        await SendAsync(publisher, Data(Metadata, 0), Video(VideoHeader, 0), Keyframe(0, 100_000), Sound(20), Picture(40));

        Assert.Equal("M0 H0 K0 A20 P40", await arrivals.ReadAsync(5, door.Deadline));
    }

    [Fact]
    public async Task When_an_upstream_dies_the_next_one_goes_on_from_its_keyframe()
    {
        TestDoor one = TestDoor.Open();
        TestDoor two = Keep(TestDoor.Open());
        TestDoor door = Relay(At(one), At(two));
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        Arrivals first = Listen(one, "live/show");
        await SendAsync(publisher, Video(VideoHeader, 0), Keyframe(0), Picture(40), Picture(80));
        Assert.Equal("H0 K0 P40 P80", await first.ReadAsync(4, door.Deadline));

        Arrivals second = Listen(two, "live/show");
        await one.DisposeAsync();
        await SendAsync(publisher, Picture(120), Keyframe(160), Picture(200));

        Assert.Equal("H0 K0 P40 P80 P120 K160 P200", await second.ReadAsync(7, door.Deadline));
        Assert.False(publisher.Ended.IsCompleted);
        Assert.Equal(1, door.Meters.Sum("steadycast_relay_resumes_total"));
    }

    [Fact]
    public async Task Who_refuses_is_passed_over_before_the_publisher_is_answered()
    {
        TestDoor refuses = Keep(TestDoor.Open([new PublishRule("live/show", "key")]));
        TestDoor takes = Keep(TestDoor.Open());
        TestDoor door = Relay(At(refuses), At(takes));

        await using RtmpPublisher publisher = await door.PublishAsync("live/show");

        Assert.Equal("live/show", Assert.Single(takes.Hub.Streams).Name.Value);
        Assert.Equal(1, door.Meters.Sum("rtmp_relay_upstream_errors_total", "error_type=refused"));
    }

    [Fact]
    public async Task When_nobody_takes_the_stream_its_publisher_is_told_before_it_sends()
    {
        TestDoor refuses = Keep(TestDoor.Open([new PublishRule("live/show", "key")]));
        TestDoor door = Relay(At(refuses));

        var refused = await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync("live/show"));

        Assert.Contains(StatusCode.PublishRejected, refused.Message, StringComparison.Ordinal);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_connections") == 0);
        Assert.All(door.Hub.Streams, stream => Assert.Null(stream.Publication));
    }

    [Fact]
    public async Task A_stream_that_nobody_takes_back_ends_with_a_reason()
    {
        TestDoor upstream = TestDoor.Open();
        TestDoor door = Relay(At(upstream));
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");

        await upstream.DisposeAsync();

        var refused = await Assert.ThrowsAsync<RtmpRefusedException>(() => publisher.Ended);
        Assert.Contains("could not be sent on", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_publisher_after_another_is_sent_on()
    {
        TestDoor upstream = Keep(TestDoor.Open());
        TestDoor door = Relay(At(upstream, "other"));
        for (int i = 0; i < 3; i++)
        {
            await using RtmpPublisher publisher = await door.PublishAsync("live/show");
            Arrivals arrivals = Listen(upstream, "other/show");
            await SendAsync(publisher, Video(VideoHeader, 0), Keyframe(0));

            Assert.Matches("^H[0-9]+ K[0-9]+$", await arrivals.ReadAsync(2, door.Deadline));
        }

        await door.UntilAsync(() => door.Meters.Sum("steadycast_relay_upstream_sessions") == 0);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable open in Enumerable.Reverse(_open))
            await open.DisposeAsync();
    }

    private TestDoor Relay(params UpstreamAddress[] upstreams) =>
        Keep(TestDoor.Open(route: (hub, transport, meters) => Keep(Route(hub, transport, meters, upstreams))));

    private static StreamRelay Route(StreamHub hub, SocketTransport transport, TestMeters meters, UpstreamAddress[] upstreams)
    {
        var pool = new UpstreamPool(
            upstreams.Select(u => new Upstream(
                u, 1, new CircuitBreaker(new CircuitBreakerOptions(), TimeProvider.System))),
            UpstreamStrategy.LeastSessions,
            Random.Shared);
        var parts = new RelayParts(
            transport, new RtmpDialOptions(), Times, new RelayMetrics(meters), TimeProvider.System, NullLogger.Instance);
        return new StreamRelay(
            hub, new RouteTable([new Route("*", pool, new RetryPolicy(new RetryOptions()))]), parts);
    }

    private static UpstreamAddress At(TestDoor door, string app = "") => new(false, "127.0.0.1", door.Port, app, "");

    private T Keep<T>(T open) where T : IAsyncDisposable
    {
        _open.Add(open);
        return open;
    }

    private static async Task SendAsync(RtmpPublisher publisher, params MediaMessage[] messages)
    {
        foreach (MediaMessage message in messages)
            await publisher.SendAsync(message);
    }

    /// <summary>What arrives in the hub of a door from now on.</summary>
    private Arrivals Listen(TestDoor door, string stream)
    {
        var recorder = new SubscriptionOptions(SubscriptionKind.Recorder);
        Assert.True(door.Hub.TrySubscribe(Name(stream), recorder, out Subscription? subscription));
        return Keep(new Arrivals(subscription));
    }

    private sealed class Arrivals : IAsyncDisposable
    {
        private readonly Channel<string> _arrived = Channel.CreateUnbounded<string>();
        private readonly Subscription _subscription;
        private readonly Task _listening;

        public Arrivals(Subscription subscription)
        {
            _subscription = subscription;
            _listening = ListenAsync();
        }

        public async Task<string> ReadAsync(int count, CancellationToken cancellationToken)
        {
            var read = new List<string>();
            while (read.Count < count)
                read.Add(await _arrived.Reader.ReadAsync(cancellationToken));
            return string.Join(' ', read);
        }

        public async ValueTask DisposeAsync()
        {
            _subscription.Close();
            await _listening;
            _subscription.Dispose();
        }

        private async Task ListenAsync()
        {
            while (await _subscription.WaitAsync())
            {
                while (_subscription.TryReadMessage(out LogMessage m))
                {
                    var parsed = new ParsedMessage((byte)m.Type, m.WireTimestamp, m.Payload.ToArray());
                    _arrived.Writer.TryWrite(parsed.ToString());
                }
            }
        }
    }
}
