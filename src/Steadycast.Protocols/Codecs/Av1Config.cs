namespace Steadycast.Protocols.Codecs;

/// <summary>
/// AV1CodecConfigurationRecord (AV1 in ISO base media 1.2, section 2.3) and its sequence header's size.
/// </summary>
/// <param name="Width">max_frame_width of the sequence header; 0 when the record carries none.</param>
public sealed record Av1Config(byte Profile, byte Level, bool HighTier, int BitDepth, int Width, int Height)
{
    private const string Subject = "av1C";
    private const int HeaderLength = 4;
    private const int SequenceHeader = 1;

    /// <summary><c>av01.0.08M.10</c> (section 5 of the binding).</summary>
    public string CodecsString => $"av01.{Profile}.{Level:00}{(HighTier ? 'H' : 'M')}.{BitDepth:00}";

    /// <exception cref="CodecFormatException">Not such a record.</exception>
    public static Av1Config Parse(ReadOnlyMemory<byte> record)
    {
        var span = record.Span;
        if (span.Length < HeaderLength) throw new CodecFormatException(Subject, span.Length, "Ends too early");
        if (span[0] != 0x81) throw new CodecFormatException(Subject, 0, $"Version {span[0]:x2}; 81 is known");
        var profile = (byte)(span[1] >> 5);
        var highBitDepth = (span[2] & 0x40) != 0;
        var twelveBit = (span[2] & 0x20) != 0;
        var depth = highBitDepth ? profile == 2 && twelveBit ? 12 : 10 : 8;
        var (width, height) = ReadSize(span[HeaderLength..]);
        return new Av1Config(profile, (byte)(span[1] & 0x1F), (span[2] & 0x80) != 0, depth, width, height);
    }

    private static (int Width, int Height) ReadSize(ReadOnlySpan<byte> obus)
    {
        if (obus.Length < 2 || ((obus[0] >> 3) & 0x0F) != SequenceHeader) return (0, 0);
        var at = (obus[0] & 0x04) != 0 ? 2 : 1;
        // obu_size as leb128 when obu_has_size_field; its value does not matter, the record ends soon anyway.
        if ((obus[0] & 0x02) != 0)
        {
            while (at < obus.Length && (obus[at] & 0x80) != 0) at++;
            at++;
        }

        if (at >= obus.Length) throw new CodecFormatException(Subject, at, "Ends too early");
        return ReadSequenceHeader(new BitReader(obus[at..], Subject, skipEmulationPrevention: false));
    }

    /// <summary>sequence_header_obu up to the size (AV1, 5.5.1).</summary>
    private static (int Width, int Height) ReadSequenceHeader(BitReader bits)
    {
        bits.Skip(4);
        if (bits.Flag())
        {
            bits.Skip(5);
        }
        else
        {
            var delayBits = 0;
            var hasDecoderModel = false;
            if (bits.Flag())
            {
                bits.Skip(64);
                if (bits.Flag()) bits.Unsigned();
                hasDecoderModel = bits.Flag();
                if (hasDecoderModel)
                {
                    delayBits = (int)bits.Bits(5) + 1;
                    bits.Skip(42);
                }
            }

            var hasDisplayDelay = bits.Flag();
            var points = bits.Bits(5) + 1;
            for (var i = 0; i < points; i++)
            {
                bits.Skip(12);
                if (bits.Bits(5) > 7) bits.Flag();
                if (hasDecoderModel && bits.Flag()) bits.Skip((2 * delayBits) + 1);
                if (hasDisplayDelay && bits.Flag()) bits.Skip(4);
            }
        }

        var widthBits = (int)bits.Bits(4) + 1;
        var heightBits = (int)bits.Bits(4) + 1;
        return ((int)bits.Bits(widthBits) + 1, (int)bits.Bits(heightBits) + 1);
    }
}
