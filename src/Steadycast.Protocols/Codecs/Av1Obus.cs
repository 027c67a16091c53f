using System.Buffers;

namespace Steadycast.Protocols.Codecs;

/// <summary>The open bitstream units of one AV1 temporal unit in the low-overhead format (AV1, 5.2).</summary>
/// <remarks><c>foreach (var obu in Av1Obus.Of(payload))</c>; allocates nothing.</remarks>
public ref struct Av1Obus
{
    private const string Subject = "OBUs";
    private const int MaxSizeBytes = 8;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;

    private Av1Obus(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public Av1Obu Current { get; private set; }

    public static Av1Obus Of(ReadOnlySpan<byte> bytes) => new(bytes);

    public readonly Av1Obus GetEnumerator() => this;

    /// <exception cref="CodecFormatException">No OBU, or one that reaches past the end.</exception>
    public bool MoveNext()
    {
        if (_at == _bytes.Length) return false;
        var start = _at;
        var header = _bytes[_at++];
        if ((header & Av1Obu.ForbiddenBit) != 0) throw Fault(start, "The forbidden bit is set");
        byte extension = 0;
        if ((header & Av1Obu.ExtensionFlag) != 0)
        {
            if (_at == _bytes.Length) throw Fault(_at, "Ends too early");
            extension = _bytes[_at++];
        }

        // Without a size it reaches to the end: only the last one may be so (AV1 in ISO base media, 2.4).
        var size = (header & Av1Obu.SizeFlag) != 0 ? ReadSize() : (ulong)(_bytes.Length - _at);
        if (size > (ulong)(_bytes.Length - _at)) throw Fault(_at, "A size reaches past the end of the temporal unit");
        Current = new Av1Obu(header, extension, _bytes.Slice(_at, (int)size));
        _at += (int)size;
        return true;
    }

    /// <summary>leb128 (4.10.5).</summary>
    private ulong ReadSize()
    {
        ulong value = 0;
        for (var i = 0; i < MaxSizeBytes; i++)
        {
            if (_at == _bytes.Length) throw Fault(_at, "Ends too early");
            var b = _bytes[_at++];
            value |= (ulong)(b & 0x7F) << (7 * i);
            if ((b & 0x80) == 0) return value;
        }

        throw Fault(_at, "A size of more than eight bytes");
    }

    private static CodecFormatException Fault(int at, string message) => new(Subject, at, message);
}

/// <summary>One open bitstream unit: its header byte, its extension byte where it has one, and what follows.</summary>
public readonly ref struct Av1Obu(byte header, byte extension, ReadOnlySpan<byte> payload)
{
    internal const byte ForbiddenBit = 0x80;
    internal const byte ExtensionFlag = 0x04;
    internal const byte SizeFlag = 0x02;

    public const int SequenceHeader = 1;
    public const int TemporalDelimiter = 2;
    public const int FrameHeader = 3;
    public const int Metadata = 5;
    public const int Frame = 6;
    public const int Padding = 15;

    /// <summary>obu_type (6.2.2).</summary>
    public int Type => (header >> 3) & 0x0F;

    public ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>Writes it with its size, also where it came without.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        Span<byte> head = stackalloc byte[2 + 5];
        head[0] = (byte)(header | SizeFlag);
        var length = 1;
        if ((header & ExtensionFlag) != 0) head[length++] = extension;
        for (var size = (uint)Payload.Length; ; size >>= 7)
        {
            head[length++] = (byte)(size > 0x7F ? size | 0x80 : size);
            if (size <= 0x7F) break;
        }

        output.Write(head[..length]);
        output.Write(Payload);
    }
}
