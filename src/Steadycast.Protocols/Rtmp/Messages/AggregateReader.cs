using System.Buffers.Binary;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>
/// Splits an aggregate message (7.1.6): tags as in FLV files, each followed by its size. "The timestamps are offset so
/// that the first equals the aggregate's own."
/// </summary>
internal struct AggregateReader
{
    //  1 type, 3 size, 3 + 1 timestamp (low 24 bits, then high 8), 3 stream id | payload | 4 back pointer
    private const int HeaderBytes = 11;
    private const int BackPointerBytes = 4;

    private readonly RtmpMessage _aggregate;
    private readonly uint _offset;
    private int _at;

    public AggregateReader(in RtmpMessage aggregate)
    {
        _aggregate = aggregate;
        ReadOnlySpan<byte> payload = aggregate.Payload.Span;
        _offset = payload.Length < HeaderBytes ? 0 : aggregate.Timestamp - ReadTimestamp(payload);
    }

    /// <summary>The next message; false at the end. A cut-off tail ends it too: what came whole is good.</summary>
    public bool TryRead(out RtmpMessage message)
    {
        message = default;
        ReadOnlyMemory<byte> rest = _aggregate.Payload[Math.Min(_at, _aggregate.Payload.Length)..];
        if (rest.Length < HeaderBytes)
            return false;
        ReadOnlySpan<byte> header = rest.Span;
        int length = (int)ReadUInt24(header[1..]);
        if (rest.Length - HeaderBytes < length)
            return false;

        _at += HeaderBytes + length + BackPointerBytes;
        message = _aggregate with
        {
            Type = (RtmpMessageType)header[0],
            Timestamp = ReadTimestamp(header) + _offset,
            Payload = rest.Slice(HeaderBytes, length),
        };
        return true;
    }

    private static uint ReadTimestamp(ReadOnlySpan<byte> header) => ReadUInt24(header[4..]) | (uint)header[7] << 24;

    private static uint ReadUInt24(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32BigEndian(bytes) >> 8;
}
