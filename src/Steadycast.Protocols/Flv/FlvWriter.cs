using System.Buffers;
using System.Buffers.Binary;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Protocols.Flv;

/// <summary>Writes messages as RTMP carries them into the bytes of an FLV file. See <see cref="FlvReader"/>.</summary>
public static class FlvWriter
{
    private const int MaxBodyBytes = 0xFFFFFF;

    /// <summary>The file header with its empty "previous tag size".</summary>
    public static void WriteHeader(IBufferWriter<byte> output, bool hasAudio, bool hasVideo)
    {
        ReadOnlySpan<byte> header = [(byte)'F', (byte)'L', (byte)'V', 1, 0, 0, 0, 0, 9, 0, 0, 0, 0];
        var span = output.GetSpan(header.Length);
        header.CopyTo(span);
        span[4] = (byte)((hasAudio ? 4 : 0) | (hasVideo ? 1 : 0));
        output.Advance(header.Length);
    }

    /// <summary>One tag with its trailing size.</summary>
    /// <exception cref="ArgumentException">Not audio, video or AMF0 data, or over 16777215 bytes.</exception>
    public static void WriteTag(IBufferWriter<byte> output, in MediaMessage message)
    {
        if (message.Type is not (RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.DataAmf0))
            throw new ArgumentException($"A message of type {message.Type} has no FLV tag", nameof(message));
        var body = message.Payload.Span;
        if (body.Length > MaxBodyBytes)
            throw new ArgumentException($"{body.Length} bytes do not fit a tag", nameof(message));
        var head = output.GetSpan(11);
        BinaryPrimitives.WriteUInt32BigEndian(head, ((uint)message.Type << 24) | (uint)body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], (message.Timestamp << 8) | (message.Timestamp >> 24));
        head.Slice(8, 3).Clear();
        output.Advance(11);
        output.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(4), (uint)body.Length + 11);
        output.Advance(4);
    }
}
