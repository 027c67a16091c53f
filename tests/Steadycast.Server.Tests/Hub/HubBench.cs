using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Hub;

/// <summary>A hub on a still clock, and messages for it.</summary>
internal sealed class HubBench : IAsyncDisposable
{
    public static readonly StreamName Show = Name("live/show");

    public HubBench(HubOptions? options = null) => Hub = new StreamHub(
        options ?? new HubOptions(), Time, new HubMetrics(Meters), NullLogger<StreamHub>.Instance);

    public ManualTime Time { get; } = new();

    public TestMeters Meters { get; } = new();

    public StreamHub Hub { get; }

    public static byte[] VideoHeader { get; } = [0x17, 0, 0, 0, 0, 1, 100, 0, 31];

    public static byte[] AudioHeader { get; } = [0xAF, 0, 0x12, 0x10];

    public static byte[] Metadata { get; } = [.. "\x02\0\x0aonMetaData"u8, 8, 0, 0, 0, 0, 0, 0, 9];

    public static StreamName Name(string text)
    {
        Assert.True(StreamName.TryParse(text, out StreamName name, out _));
        return name;
    }

    public static MediaMessage Video(byte[] payload, uint at) => new(RtmpMessageType.Video, at, payload);

    public static MediaMessage Audio(byte[] payload, uint at) => new(RtmpMessageType.Audio, at, payload);

    public static MediaMessage Data(byte[] payload, uint at) => new(RtmpMessageType.DataAmf0, at, payload);

    public static MediaMessage Keyframe(uint at, int size = 100, byte fill = 1) => Video(Coded(0x17, size, fill), at);

    public static MediaMessage Picture(uint at, int size = 50, byte fill = 2) => Video(Coded(0x27, size, fill), at);

    public static MediaMessage Sound(uint at, int size = 20, byte fill = 3)
    {
        byte[] payload = new byte[Math.Max(size, 2)];
        payload.AsSpan().Fill(fill);
        (payload[0], payload[1]) = (0xAF, 1);
        return Audio(payload, at);
    }

    public Publication Publish(StreamName? name = null, string connection = "p")
    {
        Assert.Equal(PublishOutcome.Accepted, Hub.Publish(name ?? Show, new PublisherInfo(connection), out var taken));
        return taken!;
    }

    public Subscription Subscribe(SubscriptionKind kind = SubscriptionKind.Player, StreamName? name = null)
    {
        Assert.True(Hub.TrySubscribe(name ?? Show, new SubscriptionOptions(kind), out Subscription? subscription));
        return subscription;
    }

    /// <summary>Metadata and both sequence headers.</summary>
    public static void AppendHeaders(Publication publication, uint at = 0)
    {
        publication.Append(Data(Metadata, at));
        publication.Append(Video(VideoHeader, at));
        publication.Append(Audio(AudioHeader, at));
    }

    /// <summary>What a player would be sent now, parsed: see <see cref="ParsedMessage.ToString"/>.</summary>
    public static string Read(Subscription subscription) =>
        string.Join(' ', Bytes(subscription).Select(m => m.ToString()));

    public static List<ParsedMessage> Bytes(Subscription subscription)
    {
        var parser = new ChunkParser();
        while (subscription.Pending() is { IsEmpty: false } bytes)
        {
            parser.Feed(bytes.Span);
            subscription.Advance(bytes.Length);
        }

        parser.AssertComplete();
        return parser.Messages;
    }

    public static List<LogMessage> Messages(Subscription subscription)
    {
        var messages = new List<LogMessage>();
        while (subscription.TryReadMessage(out LogMessage message))
            messages.Add(message with { Payload = message.Payload.ToArray() });
        return messages;
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        Meters.Dispose();
    }

    private static byte[] Coded(byte first, int size, byte fill)
    {
        byte[] payload = new byte[Math.Max(size, 5)];
        payload.AsSpan().Fill(fill);
        (payload[0], payload[1], payload[2], payload[3], payload[4]) = (first, 1, 0, 0, 0);
        return payload;
    }
}
