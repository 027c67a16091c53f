using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

/// <summary>Publishers and subscribers on all threads at once; every byte that a subscriber reads is checked.</summary>
/// <remarks>A payload holds its number and is filled with a byte made of it: a slab used too early shows at
/// once.</remarks>
public sealed class HubStressTests
{
    private const int MessagesPerStream = 60_000;
    private const int FirstChunkHeader = 12;

    [Theory]
    [InlineData(1 << 20, 1 << 18)]
    [InlineData(8 << 20, 4 << 20)]
    public async Task Subscribers_at_all_speeds_read_unharmed_messages_in_order(int maxLogBytes, int maxLagBytes)
    {
        using var meters = new TestMeters();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var options = new HubOptions
        {
            MaxLogBytes = maxLogBytes,
            MaxLagBytes = maxLagBytes,
            PublishConflict = PublishConflict.Takeover,
        };
        await using var hub = new StreamHub(
            options, TimeProvider.System, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        StreamName[] names = [Name("a"), Name("b")];
        using var finished = new CancellationTokenSource();

        var readers = new List<Task<long>>();
        foreach (StreamName name in names)
        {
            for (int i = 0; i < 12; i++)
                readers.Add(ReadAsync(hub, name, seed: i, deadline.Token));
            readers.Add(ComeAndGoAsync(hub, name, finished.Token));
        }

        await Task.WhenAll(names.Select((n, i) => Task.Run(() => Publish(hub, n, seed: i), deadline.Token)));
        await finished.CancelAsync();
        long[] read = await Task.WhenAll(readers).WaitAsync(deadline.Token);

        Assert.All(read, r => Assert.True(r > 0));
        Assert.InRange(hub.Memory.RentedBytes, 0, (long)names.Length * maxLogBytes);
        await hub.DisposeAsync();
        Assert.Equal(0, hub.Memory.RentedBytes);
    }

    private static void Publish(StreamHub hub, StreamName name, int seed)
    {
        var random = new Random(seed);
        byte[] buffer = new byte[300_000];
        Publication? publication = null;
        for (int number = 1; number <= MessagesPerStream; number++)
        {
            bool isNew = publication is null || random.Next(1500) == 0;
            if (isNew && random.Next(2) == 0)
                publication?.Dispose();
            if (isNew)
                hub.Publish(name, new PublisherInfo("p"), out publication);
            bool isLast = number == MessagesPerStream;
            bool isKeyframe = isNew || isLast || number % 40 == 0;
            int size = random.Next(100) == 0 ? random.Next(60_000, 300_000) : random.Next(20, 6_000);
            Fill(buffer.AsSpan(0, size), isKeyframe, isLast, number);
            var message = new MediaMessage(RtmpMessageType.Video, (uint)number, buffer.AsMemory(0, size));
            Assert.True(publication!.Append(message));
            if (random.Next(50) == 0)
                Thread.Yield();
        }
    }

    private static void Fill(Span<byte> payload, bool isKeyframe, bool isLast, int number)
    {
        payload.Fill((byte)(number * 7));
        (payload[0], payload[1], payload[2]) = ((byte)(isKeyframe ? 0x17 : 0x27), 1, (byte)(isLast ? 1 : 0));
        BinaryPrimitives.WriteInt32BigEndian(payload[5..], number);
    }

    private static async Task<long> ReadAsync(StreamHub hub, StreamName name, int seed, CancellationToken deadline)
    {
        var random = new Random(seed);
        SubscriptionKind kind = seed % 3 == 0 ? SubscriptionKind.Feed : SubscriptionKind.Player;
        Assert.True(hub.TrySubscribe(name, new SubscriptionOptions(kind), out Subscription? subscription));
        using (subscription)
        {
            var checker = new Checker();
            while (!checker.IsFinished)
            {
                Assert.True(await subscription.WaitAsync(deadline));
                if (kind == SubscriptionKind.Feed)
                    while (subscription.TryReadMessage(out LogMessage message))
                        checker.Check(message.Payload.Span);
                else
                    ReadBytes(subscription, checker);
                if (random.Next(seed + 1) > 2)
                    await Task.Yield();
                if (random.Next(200) < seed)
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 5)), TimeProvider.System, deadline);
            }

            return checker.Read;
        }
    }

    private static async Task<long> ComeAndGoAsync(StreamHub hub, StreamName name, CancellationToken finished)
    {
        long read = 1;
        while (!finished.IsCancellationRequested)
        {
            Assert.True(hub.TrySubscribe(
                name, new SubscriptionOptions(SubscriptionKind.Player), out Subscription? subscription));
            using (subscription)
            {
                var checker = new Checker();
                ReadBytes(subscription, checker);
                read += checker.Read;
            }

            await Task.Yield();
        }

        return read;
    }

    private static void ReadBytes(Subscription subscription, Checker checker)
    {
        while (subscription.Pending() is { IsEmpty: false } pending)
        {
            ReadOnlySpan<byte> bytes = pending.Span;
            while (!bytes.IsEmpty)
            {
                Assert.Equal(6, bytes[0]);
                int length = bytes[4] << 16 | bytes[5] << 8 | bytes[6];
                bytes = bytes[FirstChunkHeader..];
                int first = Math.Min(length, StreamHub.ChunkSize);
                checker.Check(bytes[..first]);
                bytes = bytes[first..];
                for (length -= first; length > 0; length -= StreamHub.ChunkSize)
                {
                    Assert.Equal(0xC6, bytes[0]);
                    int part = Math.Min(length, StreamHub.ChunkSize);
                    checker.CheckMore(bytes.Slice(1, part));
                    bytes = bytes[(1 + part)..];
                }
            }

            subscription.Advance(pending.Length);
        }
    }

    private sealed class Checker
    {
        private int last;

        public long Read { get; private set; }

        public bool IsFinished { get; private set; }

        public void Check(ReadOnlySpan<byte> payload)
        {
            int number = BinaryPrimitives.ReadInt32BigEndian(payload[5..]);
            bool isKeyframe = payload[0] == 0x17;
            Assert.True(number == last + 1 || (number > last && isKeyframe), $"{number} after {last}");
            last = number;
            Read++;
            IsFinished |= payload[2] == 1;
            CheckMore(payload[9..]);
        }

        public void CheckMore(ReadOnlySpan<byte> payload) =>
            Assert.Equal(-1, payload.IndexOfAnyExcept((byte)(last * 7)));
    }
}
