using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>One message as read from a stream's log.</summary>
/// <param name="Type">Audio, Video or DataAmf0.</param>
/// <param name="TimeMs">Milliseconds on the stream's timeline: 64 bits, goes on when a publisher is replaced.</param>
/// <param name="WireTimestamp">Milliseconds as the publisher sent them: 32 bits, any start, wraps.</param>
/// <param name="PublicationNumber">Counts the stream's publishers from 1; another number, another publisher.</param>
/// <param name="Flags">What the message is.</param>
/// <param name="ArrivedAt">
/// When it came from its publisher, as a timestamp of the hub's clock; a replayed header has the time of what it is
/// replayed for.
/// </param>
/// <param name="Payload">
/// The FLV tag body (data messages: without <c>@setDataFrame</c>). Valid until the subscription is read again or
/// disposed. A view into the log for payloads up to 64 KiB, a copy in the subscription's own buffer for larger ones.
/// </param>
public readonly record struct LogMessage(
    RtmpMessageType Type,
    long TimeMs,
    uint WireTimestamp,
    int PublicationNumber,
    LogMessageFlags Flags,
    long ArrivedAt,
    ReadOnlyMemory<byte> Payload)
{
    /// <summary>A video picture that decoding can start with.</summary>
    public bool IsKeyframe => Flags.Has(LogMessageFlags.Keyframe);

    /// <summary>A decoder configuration, audio or video.</summary>
    public bool IsSequenceHeader => Flags.Has(LogMessageFlags.SequenceHeader);

    /// <summary>onMetaData.</summary>
    public bool IsMetadata => Flags.Has(LogMessageFlags.Metadata);
}

/// <summary>What a message is, seen once by the publisher's thread.</summary>
[Flags]
public enum LogMessageFlags : byte
{
    None = 0,

    /// <summary>A video picture of the first track that decoding can start with.</summary>
    Keyframe = 1,

    /// <summary>A decoder configuration.</summary>
    SequenceHeader = 2,

    /// <summary>onMetaData.</summary>
    Metadata = 4,

    /// <summary>A sequence header or metadata, byte for byte the one before it.</summary>
    Repeated = 8,

    /// <summary>Given to a subscriber out of its place, because it was sent before the subscriber's place.</summary>
    Replayed = 16,

    /// <summary>The first message after a skip: the subscriber was too slow and missed what lay between.</summary>
    AfterSkip = 32,
}

/// <summary>Asks for a flag without boxing: Enum.HasFlag allocates in code that is not optimised yet.</summary>
internal static class LogMessageFlagsExtensions
{
    public static bool Has(this LogMessageFlags flags, LogMessageFlags flag) => (flags & flag) == flag;
}
