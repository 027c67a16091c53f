using System.Buffers;
using System.Buffers.Binary;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.TestPeers.Rtmp;

/// <summary>
/// The bytes that a client sends, put together by hand: every header form that the protocol knows, right or wrong. It
/// shares no code with the chunk writer under test.
/// </summary>
public sealed class RtmpScript
{
    private readonly List<byte> _bytes = [];
    private int _chunkSize = 128;

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public RtmpScript Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>C0, C1 and C2 of a simple handshake, the same bytes each time.</summary>
    public RtmpScript Handshake()
    {
        byte[] hello = new byte[1536];
        for (int i = 8; i < hello.Length; i++)
            hello[i] = (byte)(i * 31);
        return Raw(3).Raw(hello).Raw(hello);
    }

    /// <summary>A chunk's header, with the extended timestamp when the field needs one.</summary>
    public RtmpScript Header(
        int format, int csid, uint time = 0, int length = 0, RtmpMessageType type = default, uint streamId = 0)
    {
        Basic(format, csid);
        bool extended = time >= 0xFFFFFF;
        if (format < 3)
            UInt24(extended ? 0xFFFFFF : time);
        if (format < 2)
        {
            UInt24((uint)length);
            _bytes.Add((byte)type);
        }

        if (format < 1)
        {
            byte[] id = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(id, streamId);
            _bytes.AddRange(id);
        }

        return extended ? UInt32(time) : this;
    }

    /// <summary>
    /// A whole message in chunks of the script's chunk size: a header of the format with this time field, then type 3.
    /// </summary>
    /// <param name="repeatExtended">Whether type 3 chunks repeat an extended timestamp.</param>
    public RtmpScript Message(
        int csid,
        RtmpMessageType type,
        uint time,
        byte[] payload,
        uint streamId = 0,
        int format = 0,
        bool repeatExtended = true)
    {
        Header(format, csid, time, payload.Length, type, streamId);
        for (int at = 0; at < payload.Length; at += _chunkSize)
        {
            if (at > 0)
                Header(3, csid, repeatExtended ? time : 0);
            Raw(payload.AsSpan(at, Math.Min(_chunkSize, payload.Length - at)));
        }

        return this;
    }

    /// <summary>SetChunkSize, obeyed by the script from here on.</summary>
    public RtmpScript SetChunkSize(int size)
    {
        Control(RtmpMessageType.SetChunkSize, (uint)size);
        _chunkSize = size;
        return this;
    }

    /// <summary>A control message of one number.</summary>
    public RtmpScript Control(RtmpMessageType type, uint value)
    {
        byte[] payload = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, value);
        return Message(2, type, 0, payload);
    }

    /// <summary>A command, its object or null first among the values.</summary>
    public RtmpScript Command(
        int csid, uint streamId, string name, double transaction, params ReadOnlySpan<Amf0Value> values) =>
        Message(csid, RtmpMessageType.CommandAmf0, 0, CommandBytes(name, transaction, values), streamId);

    /// <summary>A command in the envelope of AMF 3: type 17 and one byte 0.</summary>
    public RtmpScript CommandAmf3(
        int csid, uint streamId, string name, double transaction, params ReadOnlySpan<Amf0Value> values)
    {
        byte[] payload = [0, .. CommandBytes(name, transaction, values)];
        return Message(csid, RtmpMessageType.CommandAmf3, 0, payload, streamId);
    }

    public static byte[] CommandBytes(string name, double transaction, params ReadOnlySpan<Amf0Value> values)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(buffer);
        amf.WriteString(name);
        amf.WriteNumber(transaction);
        foreach (Amf0Value value in values)
            amf.WriteValue(value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Data as publishers send it: <c>@setDataFrame</c> before the name.</summary>
    public static byte[] MetadataBytes(Amf0Value metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(buffer);
        amf.WriteString("@setDataFrame");
        amf.WriteString("onMetaData");
        amf.WriteValue(metadata);
        return buffer.WrittenSpan.ToArray();
    }

    private void Basic(int format, int csid)
    {
        if (csid < 64)
            Raw((byte)(format << 6 | csid));
        else if (csid < 320)
            Raw((byte)(format << 6), (byte)(csid - 64));
        else
            Raw((byte)(format << 6 | 1), (byte)(csid - 64), (byte)((csid - 64) >> 8));
    }

    private void UInt24(uint value) => Raw((byte)(value >> 16), (byte)(value >> 8), (byte)value);

    private RtmpScript UInt32(uint value) =>
        Raw((byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value);
}
