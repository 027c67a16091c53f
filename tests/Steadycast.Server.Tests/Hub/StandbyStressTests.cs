using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

/// <summary>Two publishers on threads of their own that come, go and pause at will, and players that read on.</summary>
public sealed class StandbyStressTests
{
    private const int MessagesEach = 40_000;
    private const int KeyframeEvery = 20;
    private const int LastOfAll = 1_000_000;

    [Fact]
    public async Task Each_turn_on_air_is_unbroken_whoever_writes_when()
    {
        using var meters = new TestMeters();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        // So short that threads of a busy machine take over from each other by their pauses alone.
        var options = new HubOptions
        {
            Standby = new StandbyOptions { TakeoverSeconds = 0.0005, ReturnSeconds = 0.0005 },
            MaxLagBytes = 64 << 20,
            MaxLogBytes = 64 << 20,
        };
        await using var hub = new StreamHub(
            options, TimeProvider.System, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        Assert.True(hub.TrySubscribe(
            Show, new SubscriptionOptions(SubscriptionKind.Feed), out Subscription? subscription));
        Task<int> reading = Task.Run(() => ReadAsync(subscription, deadline.Token));

        await Task.WhenAll(
            Task.Run(() => Publish(hub, PublisherRole.Main)), Task.Run(() => Publish(hub, PublisherRole.Standby)));
        hub.Publish(Show, new PublisherInfo("last"), out Publication? last);
        Append(last!, PublisherRole.Main, LastOfAll);

        Assert.True(await reading > 10, "nobody took over from anybody");
        await hub.DisposeAsync();
        Assert.Equal(0, hub.Memory.RentedBytes);
    }

    private static void Publish(StreamHub hub, PublisherRole role)
    {
        var random = new Random((int)role);
        Publication? publication = null;
        for (int number = 0; number < MessagesEach; number++)
        {
            if (publication is null || random.Next(4000) == 0)
            {
                publication?.Dispose();
                var info = new PublisherInfo(role.ToString(), Role: role);
                Assert.Equal(PublishOutcome.Accepted, hub.Publish(Show, info, out publication));
            }

            Append(publication!, role, number);
            if (random.Next(300) == 0)
                Thread.Yield();
        }

        publication!.Dispose();
    }

    private static void Append(Publication publication, PublisherRole role, int number)
    {
        byte[] payload = new byte[200];
        (payload[0], payload[1]) = ((byte)(number % KeyframeEvery == 0 ? 0x17 : 0x27), 1);
        payload[5] = (byte)role;
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(6), number);
        Assert.True(publication.Append(new MediaMessage(RtmpMessageType.Video, (uint)number, payload)));
    }

    /// <returns>How many turns there were.</returns>
    private static async Task<int> ReadAsync(Subscription subscription, CancellationToken deadline)
    {
        int turns = 0;
        int turn = 0;
        (int Role, int Number) last = default;
        using (subscription)
        {
            while (last.Number != LastOfAll)
            {
                Assert.True(await subscription.WaitAsync(deadline));
                while (subscription.TryReadMessage(out LogMessage message))
                {
                    ReadOnlySpan<byte> payload = message.Payload.Span;
                    (int Role, int Number) now = (payload[5], BinaryPrimitives.ReadInt32BigEndian(payload[6..]));
                    if (message.PublicationNumber != turn)
                        Assert.Equal(0, now.Number % KeyframeEvery);
                    else if (!message.Flags.HasFlag(LogMessageFlags.AfterSkip))
                        Assert.Equal((last.Role, last.Number + 1), now);
                    turns += message.PublicationNumber != turn ? 1 : 0;
                    (turn, last) = (message.PublicationNumber, now);
                }
            }
        }

        return turns;
    }
}
