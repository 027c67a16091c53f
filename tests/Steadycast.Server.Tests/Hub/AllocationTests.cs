using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

public sealed class AllocationTests
{
    private const int WarmUp = 3_000;
    private const int Measured = 10_000;

    // On a loaded machine a few kilobytes are, once, the runtime's own; the smallest object per message would be 24 bytes.
    private const long RuntimesOwn = 2 * Measured;

    [Fact]
    public async Task Nothing_is_allocated_per_message_by_publisher_player_or_feed()
    {
        using var meters = new PlainMeters();
        await using var hub = new StreamHub(
            new HubOptions(), TimeProvider.System, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        hub.Publish(Show, new PublisherInfo("p"), out Publication? publication);
        hub.TrySubscribe(Show, new SubscriptionOptions(SubscriptionKind.Player), out Subscription? player);
        hub.TrySubscribe(Show, new SubscriptionOptions(SubscriptionKind.Feed), out Subscription? feed);
        MediaMessage[] messages = [Keyframe(0, 90_000), .. Enumerable.Repeat(Picture(0, 12_000), 49), Sound(0, 300)];

        long publisherBytes = 0, playerBytes = 0, feedBytes = 0;
        for (int i = 0; i < WarmUp + Measured; i++)
        {
            if (i == WarmUp)
                publisherBytes = playerBytes = feedBytes = 0;
            long before = GC.GetAllocatedBytesForCurrentThread();
            publication!.Append(messages[i % messages.Length] with { Timestamp = (uint)i * 20 });
            publisherBytes += GC.GetAllocatedBytesForCurrentThread() - before;

            before = GC.GetAllocatedBytesForCurrentThread();
            while (player!.Pending() is { IsEmpty: false } bytes)
                player.Advance(bytes.Length);
            playerBytes += GC.GetAllocatedBytesForCurrentThread() - before;

            before = GC.GetAllocatedBytesForCurrentThread();
            while (feed!.TryReadMessage(out _))
            {
            }

            feedBytes += GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.All([publisherBytes, playerBytes, feedBytes], bytes => Assert.InRange(bytes, 0, RuntimesOwn));
    }

    [Fact]
    public async Task Nothing_is_allocated_per_message_of_a_publisher_that_waits()
    {
        using var meters = new PlainMeters();
        var time = new ManualTime();
        await using var hub = new StreamHub(
            new HubOptions(), time, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        hub.Publish(Show, new PublisherInfo("main"), out Publication? main);
        hub.Publish(Show, new PublisherInfo("standby", Role: PublisherRole.Standby), out Publication? standby);
        MediaMessage[] messages = [Keyframe(0, 90_000), .. Enumerable.Repeat(Picture(0, 12_000), 49), Sound(0, 300)];
        long allocated = 0;
        for (int i = 0; i < WarmUp + Measured; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(20));
            MediaMessage message = messages[i % messages.Length] with { Timestamp = (uint)i * 20 };
            main!.Append(message);
            long before = GC.GetAllocatedBytesForCurrentThread();
            standby!.Append(message);
            allocated += i < WarmUp ? 0 : GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.InRange(allocated, 0, RuntimesOwn);
        Assert.True(main!.IsOnAir);
    }

    [Fact]
    public async Task Nothing_is_allocated_per_wake()
    {
        using var meters = new PlainMeters();
        await using var hub = new StreamHub(
            new HubOptions(), TimeProvider.System, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        hub.Publish(Show, new PublisherInfo("p"), out Publication? publication);
        hub.TrySubscribe(Show, new SubscriptionOptions(SubscriptionKind.Player), out Subscription? player);
        var read = new SemaphoreSlim(0);
        long allocated = 0;
        int wakes = 0;
        Task playing = Task.Run(async () =>
        {
            ValueTask<bool> waiting = player!.WaitAsync();
            while (await waiting)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                while (player.Pending() is { IsEmpty: false } bytes)
                    player.Advance(bytes.Length);
                waiting = player.WaitAsync();
                if (++wakes > 100)
                    allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                read.Release();
            }
        });

        MediaMessage message = Keyframe(0, 5_000);
        for (int i = 0; i < 2_000; i++)
        {
            publication!.Append(message);
            await read.WaitAsync();
        }

        await hub.DisposeAsync();
        await playing;

        Assert.True(wakes > 1_000);
        // A thread that joins the pool while this runs makes its own statics, once; an object per wake would be 24 bytes.
        Assert.InRange(allocated, 0, wakes);
    }

    /// <summary>Meters that nobody listens to: listeners of tests allocate.</summary>
    private sealed class PlainMeters : IMeterFactory
    {
        private readonly List<Meter> meters = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            meters.Add(meter);
            return meter;
        }

        public void Dispose() => meters.ForEach(m => m.Dispose());
    }
}
