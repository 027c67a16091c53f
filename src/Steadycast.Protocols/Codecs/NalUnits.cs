using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.Codecs;

/// <summary>The NAL units of one access unit, each after its 4-byte length (ISO/IEC 14496-15, 4.3.3).</summary>
/// <remarks><c>foreach (var nal in NalUnits.Of(payload))</c>; allocates nothing; empty units are passed over.</remarks>
public ref struct NalUnits
{
    private const string Subject = "NAL units";

    private readonly ReadOnlySpan<byte> _accessUnit;
    private readonly int _lengthSize;
    private int _at;
    private ReadOnlySpan<byte> _current;

    private NalUnits(ReadOnlySpan<byte> accessUnit, int lengthSize)
    {
        _accessUnit = accessUnit;
        _lengthSize = lengthSize;
    }

    public readonly ReadOnlySpan<byte> Current => _current;

    /// <param name="lengthSize">Bytes per length: 4 everywhere behind the ingest, 1, 2 or 4 in front of it.</param>
    public static NalUnits Of(ReadOnlySpan<byte> accessUnit, int lengthSize = 4) => new(accessUnit, lengthSize);

    public readonly NalUnits GetEnumerator() => this;

    /// <exception cref="CodecFormatException">A length reaches past the end.</exception>
    public bool MoveNext()
    {
        do
        {
            if (_at == _accessUnit.Length) return false;
            if (!TryReadLength(_accessUnit[_at..], _lengthSize, out var length))
                throw new CodecFormatException(Subject, _at, "A length reaches past the end of the access unit");
            _current = _accessUnit.Slice(_at + _lengthSize, length);
            _at += _lengthSize + length;
        }
        while (_current.IsEmpty);
        return true;
    }

    /// <summary>Whether the lengths add up to the access unit and there is at least one NAL unit.</summary>
    public static bool AreWellFormed(ReadOnlySpan<byte> accessUnit, int lengthSize = 4)
    {
        var any = false;
        while (!accessUnit.IsEmpty)
        {
            if (!TryReadLength(accessUnit, lengthSize, out var length)) return false;
            accessUnit = accessUnit[(lengthSize + length)..];
            any |= length > 0;
        }

        return any;
    }

    /// <summary>Writes an access unit with lengths of another size as one with 4-byte lengths.</summary>
    /// <exception cref="CodecFormatException">A length reaches past the end.</exception>
    public static void WriteWithFourByteLengths(
        IBufferWriter<byte> output, ReadOnlySpan<byte> accessUnit, int lengthSize)
    {
        foreach (var nal in Of(accessUnit, lengthSize))
        {
            BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), nal.Length);
            output.Advance(4);
            output.Write(nal);
        }
    }

    private static bool TryReadLength(ReadOnlySpan<byte> bytes, int lengthSize, out int length)
    {
        length = 0;
        if (bytes.Length < lengthSize) return false;
        uint value = 0;
        for (var i = 0; i < lengthSize; i++) value = (value << 8) | bytes[i];
        if (value > bytes.Length - lengthSize) return false;
        length = (int)value;
        return true;
    }
}

/// <summary>nal_unit_type of H.264 (table 7-1).</summary>
public static class H264Nal
{
    public const int IdrSlice = 5;
    public const int Sei = 6;
    public const int Sps = 7;
    public const int Pps = 8;
    public const int AccessUnitDelimiter = 9;

    public static int TypeOf(ReadOnlySpan<byte> nal) => nal[0] & 0x1F;
}

/// <summary>nal_unit_type of H.265 (table 7-1).</summary>
public static class H265Nal
{
    /// <summary>16 to 23 are random access points (IRAP): BLA, IDR, CRA and two reserved.</summary>
    public const int FirstIrap = 16;
    public const int LastIrap = 23;
    public const int Vps = 32;
    public const int Sps = 33;
    public const int Pps = 34;
    public const int AccessUnitDelimiter = 35;
    public const int PrefixSei = 39;
    public const int SuffixSei = 40;

    public static int TypeOf(ReadOnlySpan<byte> nal) => (nal[0] >> 1) & 0x3F;
}
