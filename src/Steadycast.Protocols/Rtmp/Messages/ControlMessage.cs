using System.Buffers.Binary;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>The event types of user control messages (7.1.7).</summary>
public enum UserControlEvent : ushort
{
    StreamBegin = 0,
    StreamEof = 1,
    StreamDry = 2,
    SetBufferLength = 3,
    StreamIsRecorded = 4,
    PingRequest = 6,
    PingResponse = 7,
}

/// <summary>A user control message: an event and its first four bytes, a message stream id or a timestamp.</summary>
public readonly record struct UserControl(UserControlEvent Event, uint Value)
{
    private const int Length = 6;

    /// <summary>False when the payload is too short to be one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out UserControl message)
    {
        message = default;
        if (payload.Length < Length)
            return false;
        message = new UserControl(
            (UserControlEvent)BinaryPrimitives.ReadUInt16BigEndian(payload),
            BinaryPrimitives.ReadUInt32BigEndian(payload[2..]));
        return true;
    }

    internal void Write(MessageWriter writer)
    {
        Span<byte> payload = stackalloc byte[Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)Event);
        BinaryPrimitives.WriteUInt32BigEndian(payload[2..], Value);
        writer.WriteControl(RtmpMessageType.UserControl, payload);
    }
}

/// <summary>The protocol control messages whose payload begins with one 32-bit number (5.4).</summary>
internal static class ControlMessage
{
    /// <summary>"The limit type Dynamic" (5.4.5): what every server sends.</summary>
    private const byte DynamicLimit = 2;

    public static bool TryRead(ReadOnlySpan<byte> payload, out uint value) =>
        BinaryPrimitives.TryReadUInt32BigEndian(payload, out value);

    public static void Write(MessageWriter writer, RtmpMessageType type, uint value)
    {
        Span<byte> payload = stackalloc byte[5];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        payload[4] = DynamicLimit;
        writer.WriteControl(type, type == RtmpMessageType.SetPeerBandwidth ? payload : payload[..4]);
    }
}
