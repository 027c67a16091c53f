using System.Buffers;

namespace Steadycast.Protocols.Codecs;

/// <summary>
/// AV1CodecConfigurationRecord (AV1 in ISO base media 1.2, section 2.3) and the sequence header in it.
/// </summary>
/// <param name="SequenceHeader">Its payload; empty when the record carries none: then the first keyframe does.</param>
/// <param name="Width">max_frame_width of the sequence header; 0 when the record carries none.</param>
/// <param name="IsReducedStill">As the sequence header says.</param>
public sealed record Av1Config(
    byte Profile,
    byte Level,
    bool HighTier,
    int BitDepth,
    int Width,
    int Height,
    bool IsReducedStill,
    ReadOnlyMemory<byte> SequenceHeader)
{
    private const string Subject = "av1C";
    private const byte MarkerAndVersion = 0x81;
    private const int HeaderLength = 4;

    /// <summary><c>av01.0.08M.10</c> (section 5 of the binding).</summary>
    public string CodecsString => $"av01.{Profile}.{Level:00}{(HighTier ? 'H' : 'M')}.{BitDepth:00}";

    /// <exception cref="CodecFormatException">Not such a record.</exception>
    public static Av1Config Parse(ReadOnlyMemory<byte> record)
    {
        var span = record.Span;
        if (span.Length < HeaderLength) throw new CodecFormatException(Subject, span.Length, "Ends too early");
        if (span[0] != MarkerAndVersion)
            throw new CodecFormatException(Subject, 0, $"Version {span[0]:x2}; 81 is known");
        var profile = (byte)(span[1] >> 5);
        var highBitDepth = (span[2] & 0x40) != 0;
        var twelveBit = (span[2] & 0x20) != 0;
        var depth = highBitDepth ? profile == 2 && twelveBit ? 12 : 10 : 8;
        var payload = FindSequenceHeader(span[HeaderLength..]);
        var sequence = payload.IsEmpty ? null : Av1SequenceHeader.Parse(payload.Span);
        return new Av1Config(
            profile,
            (byte)(span[1] & 0x1F),
            (span[2] & 0x80) != 0,
            depth,
            sequence?.Width ?? 0,
            sequence?.Height ?? 0,
            sequence?.IsReducedStill ?? false,
            payload);
    }

    /// <summary>The record that a sequence header asks for, with the header in it.</summary>
    /// <param name="payload">The sequence header's payload.</param>
    /// <exception cref="CodecFormatException">It is not one.</exception>
    public static byte[] RecordOf(ReadOnlySpan<byte> payload)
    {
        var header = Av1SequenceHeader.Parse(payload);
        var output = new ArrayBufferWriter<byte>(HeaderLength + 4 + payload.Length);
        ReadOnlySpan<byte> fixedPart =
        [
            MarkerAndVersion,
            (byte)((header.Profile << 5) | header.Level),
            (byte)((header.HighTier ? 0x80 : 0) | (header.HighBitDepth ? 0x40 : 0) | (header.TwelveBit ? 0x20 : 0)
                | (header.Monochrome ? 0x10 : 0) | (header.SubsamplingX ? 8 : 0) | (header.SubsamplingY ? 4 : 0)
                | header.ChromaSamplePosition),
            0,
        ];
        output.Write(fixedPart);
        new Av1Obu(Av1Obu.SequenceHeader << 3, 0, payload).Write(output);
        return output.WrittenSpan.ToArray();
    }

    private static ReadOnlyMemory<byte> FindSequenceHeader(ReadOnlySpan<byte> obus)
    {
        foreach (var obu in Av1Obus.Of(obus))
        {
            if (obu.Type == Av1Obu.SequenceHeader) return obu.Payload.ToArray();
        }

        return default;
    }
}
