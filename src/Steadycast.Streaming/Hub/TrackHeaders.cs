using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>The metadata and the sequence header of each track, as last sent; immutable.</summary>
/// <param name="Items">Metadata first, then video, then audio: the order in which players want them.</param>
internal sealed record TrackHeaders(TrackHeader[] Items)
{
    /// <summary>Metadata, and up to 8 tracks.</summary>
    public const int MaxItems = 9;

    public static readonly TrackHeaders None = new([]);

    public TrackHeader? Find(int key)
    {
        foreach (TrackHeader item in Items)
            if (item.Key == key)
                return item;
        return null;
    }

    /// <summary>Whether this very header is in force.</summary>
    public bool Has(in MediaMessage message, in MessageKind kind) =>
        Find(kind.HeaderKey) is { } same && message.Payload.Span.SequenceEqual(same.Payload);

    /// <summary>With one added or replaced; null when there is no room for one more.</summary>
    public TrackHeaders? With(TrackHeader header)
    {
        TrackHeader[] others = [.. Items.Where(i => i.Key != header.Key)];
        return others.Length < MaxItems ? new TrackHeaders([.. others.Append(header).OrderBy(i => i.Key)]) : null;
    }
}

/// <summary>One message that a subscriber must have before media of its track.</summary>
/// <param name="Key">Which one it is: see <see cref="MessageKind.HeaderKey"/>.</param>
internal sealed record TrackHeader(
    int Key,
    RtmpMessageType Type,
    LogMessageFlags Flags,
    uint WireTimestamp,
    byte[] Payload)
{
    public static TrackHeader Of(in MediaMessage message, in MessageKind kind) =>
        new(kind.HeaderKey, message.Type, kind.Flags, message.Timestamp, message.Payload.ToArray());
}
