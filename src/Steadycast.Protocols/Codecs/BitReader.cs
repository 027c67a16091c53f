namespace Steadycast.Protocols.Codecs;

/// <summary>
/// Reads bits, most significant first, and Exp-Golomb codes; optionally without emulation prevention bytes.
/// </summary>
/// <param name="subject">What is read, for exceptions.</param>
/// <param name="skipEmulationPrevention">For NAL units: leaves out the 03 of 00 00 03 (H.264, 7.3.1).</param>
internal ref struct BitReader(ReadOnlySpan<byte> bytes, string subject, bool skipEmulationPrevention)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _byte;
    private int _bit;
    private int _zeros;

    /// <summary>Bits taken so far, prevention bytes included.</summary>
    public readonly int Position => (_byte * 8) + _bit;

    public readonly int Remaining => (_bytes.Length * 8) - Position;

    public uint Bit()
    {
        if (_bit == 0 && _byte < _bytes.Length)
        {
            if (skipEmulationPrevention && _zeros >= 2 && _bytes[_byte] == 3)
            {
                _byte++;
                _zeros = 0;
            }

            if (_byte < _bytes.Length) _zeros = _bytes[_byte] == 0 ? _zeros + 1 : 0;
        }

        if (_byte >= _bytes.Length) throw new CodecFormatException(subject, _bytes.Length, "Ends too early");
        var bit = (uint)(_bytes[_byte] >> (7 - _bit)) & 1;
        if (++_bit == 8)
        {
            _bit = 0;
            _byte++;
        }

        return bit;
    }

    public bool Flag() => Bit() != 0;

    /// <summary>0 to 32 bits.</summary>
    public uint Bits(int count)
    {
        uint value = 0;
        for (var i = 0; i < count; i++) value = (value << 1) | Bit();
        return value;
    }

    public void Skip(int count)
    {
        for (var i = 0; i < count; i++) Bit();
    }

    /// <summary>ue(v), at most <paramref name="max"/>.</summary>
    public uint Unsigned(uint max = uint.MaxValue - 1)
    {
        var zeros = 0;
        while (!Flag())
        {
            if (++zeros > 31) throw Fault("An Exp-Golomb code of more than 32 bits");
        }

        var value = (uint)((1UL << zeros) - 1) + Bits(zeros);
        return value <= max ? value : throw Fault($"A value of {value} where {max} is the most");
    }

    /// <summary>se(v).</summary>
    public int Signed()
    {
        var code = Unsigned();
        return (code & 1) != 0 ? (int)((code + 1) / 2) : -(int)(code / 2);
    }

    public readonly CodecFormatException Fault(string message) => new(subject, _byte, message);
}
