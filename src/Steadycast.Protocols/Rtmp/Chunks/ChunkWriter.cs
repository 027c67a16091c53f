using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.Rtmp.Chunks;

/// <summary>
/// Writes one message as chunks: a type 0 header with the absolute timestamp, then type 3 headers. It keeps no state
/// between messages, so the bytes are the same for every receiver and a receiver may join at any message.
/// </summary>
/// <remarks>The extended timestamp is repeated on type 3 chunks, as FFmpeg and Adobe's players expect.</remarks>
public static class ChunkWriter
{
    /// <summary>The chunk size of a connection until one is set (5.4.1).</summary>
    public const int InitialChunkSize = 128;

    private const uint ExtendedTimestamp = 0xFFFFFF;
    private const int MessageHeaderBytes = 11;

    /// <summary>
    /// How many bytes <see cref="Write(Span{byte}, int, RtmpMessageType, uint, uint, ReadOnlySpan{byte}, int)"/> fills.
    /// </summary>
    public static int Measure(int chunkStreamId, uint timestamp, int payloadLength, int chunkSize)
    {
        int basic = BasicHeaderBytes(chunkStreamId);
        int extended = timestamp >= ExtendedTimestamp ? 4 : 0;
        int continuations = payloadLength == 0 ? 0 : (payloadLength - 1) / chunkSize;
        return basic + MessageHeaderBytes + extended + payloadLength + continuations * (basic + extended);
    }

    public static void Write(
        IBufferWriter<byte> output,
        int chunkStreamId,
        RtmpMessageType type,
        uint messageStreamId,
        uint timestamp,
        ReadOnlySpan<byte> payload,
        int chunkSize)
    {
        Span<byte> span = output.GetSpan(Measure(chunkStreamId, timestamp, payload.Length, chunkSize));
        output.Advance(Write(span, chunkStreamId, type, messageStreamId, timestamp, payload, chunkSize));
    }

    /// <summary>Writes to the front of the destination and returns how many bytes.</summary>
    /// <param name="chunkStreamId">2 to 65,599.</param>
    /// <param name="payload">At most 16,777,215 bytes.</param>
    /// <param name="chunkSize">What was last announced to the receiver.</param>
    public static int Write(
        Span<byte> destination,
        int chunkStreamId,
        RtmpMessageType type,
        uint messageStreamId,
        uint timestamp,
        ReadOnlySpan<byte> payload,
        int chunkSize)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, 0xFFFFFF, nameof(payload));
        bool extended = timestamp >= ExtendedTimestamp;

        int at = WriteBasicHeader(destination, 0, chunkStreamId);
        WriteUInt24(destination[at..], extended ? ExtendedTimestamp : timestamp);
        WriteUInt24(destination[(at + 3)..], (uint)payload.Length);
        destination[at + 6] = (byte)type;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[(at + 7)..], messageStreamId);
        at += MessageHeaderBytes;

        while (true)
        {
            if (extended)
            {
                BinaryPrimitives.WriteUInt32BigEndian(destination[at..], timestamp);
                at += 4;
            }

            int length = Math.Min(chunkSize, payload.Length);
            payload[..length].CopyTo(destination[at..]);
            at += length;
            payload = payload[length..];
            if (payload.IsEmpty)
                return at;
            at += WriteBasicHeader(destination[at..], 3, chunkStreamId);
        }
    }

    private static int BasicHeaderBytes(int chunkStreamId) => chunkStreamId switch { < 64 => 1, < 320 => 2, _ => 3 };

    private static int WriteBasicHeader(Span<byte> destination, int format, int chunkStreamId)
    {
        int length = BasicHeaderBytes(chunkStreamId);
        if (length == 1)
        {
            destination[0] = (byte)(format << 6 | chunkStreamId);
        }
        else if (length == 2)
        {
            destination[0] = (byte)(format << 6);
            destination[1] = (byte)(chunkStreamId - 64);
        }
        else
        {
            destination[0] = (byte)(format << 6 | 1);
            BinaryPrimitives.WriteUInt16LittleEndian(destination[1..], (ushort)(chunkStreamId - 64));
        }

        return length;
    }

    private static void WriteUInt24(Span<byte> destination, uint value)
    {
        destination[0] = (byte)(value >> 16);
        destination[1] = (byte)(value >> 8);
        destination[2] = (byte)value;
    }
}
