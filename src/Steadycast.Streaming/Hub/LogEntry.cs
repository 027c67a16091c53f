using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>One line of the index beside the log: where a message lies in its slab, and what it is.</summary>
internal struct LogEntry
{
    /// <summary>Where its first chunk header lies in the slab.</summary>
    public int Offset;

    /// <summary>Chunk headers and payload.</summary>
    public int Length;

    public int PayloadLength;

    public int PublicationNumber;

    /// <summary>Milliseconds on the stream's timeline.</summary>
    public long TimeMs;

    /// <summary>When it came into the log, as a timestamp of the hub's clock.</summary>
    public long AppendedAt;

    /// <summary>When it came from its publisher: earlier, where a standby's buffer lay between.</summary>
    public long ArrivedAt;

    public uint WireTimestamp;

    public RtmpMessageType Type;

    public LogMessageFlags Flags;

    /// <summary>Whether a subscriber may begin with it.</summary>
    public bool IsJoinPoint;

    public readonly int End => Offset + Length;
}
