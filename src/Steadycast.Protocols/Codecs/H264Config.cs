using System.Collections.Immutable;

namespace Steadycast.Protocols.Codecs;

/// <summary>AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), its first SPS read.</summary>
/// <param name="NalLengthSize">
/// Bytes per NAL unit length in the access units that came with this record: 1, 2 or 4.
/// </param>
/// <param name="SequenceParameterSets">NAL units without length or start code.</param>
/// <param name="PictureParameterSets">As above.</param>
public sealed record H264Config(
    int NalLengthSize,
    ImmutableArray<ReadOnlyMemory<byte>> SequenceParameterSets,
    ImmutableArray<ReadOnlyMemory<byte>> PictureParameterSets,
    H264Sps Sps)
{
    private const string Subject = "avcC";
    private const int LengthSizeOffset = 4;
    private const int FirstSetOffset = 6;

    /// <summary>RFC 6381: <c>avc1.PPCCLL</c> of the first SPS.</summary>
    public string CodecsString =>
        $"avc1.{Sps.ProfileIdc:x2}{Sps.ConstraintFlags:x2}{Sps.LevelIdc:x2}";

    /// <exception cref="CodecFormatException">Not such a record, or one without an SPS that can be read.</exception>
    public static H264Config Parse(ReadOnlyMemory<byte> record)
    {
        var span = record.Span;
        if (span.Length < FirstSetOffset) throw new CodecFormatException(Subject, span.Length, "Ends too early");
        if (span[0] != 1) throw new CodecFormatException(Subject, 0, $"Version {span[0]}; 1 is known");
        var lengthSize = (span[LengthSizeOffset] & 3) + 1;
        if (lengthSize == 3) throw new CodecFormatException(Subject, LengthSizeOffset, "NAL unit lengths of 3 bytes");
        var at = FirstSetOffset;
        var sps = ReadSets(record, ref at, span[FirstSetOffset - 1] & 0x1F);
        if (at >= span.Length) throw new CodecFormatException(Subject, at, "Ends too early");
        var ppsCount = span[at++];
        var pps = ReadSets(record, ref at, ppsCount);
        if (sps.IsEmpty) throw new CodecFormatException(Subject, FirstSetOffset - 1, "No sequence parameter set");
        return new H264Config(lengthSize, sps, pps, H264Sps.Parse(sps[0].Span));
    }

    private static ImmutableArray<ReadOnlyMemory<byte>> ReadSets(ReadOnlyMemory<byte> record, ref int at, int count)
    {
        var sets = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++) sets.Add(ReadSet(record, ref at, Subject));
        return sets.MoveToImmutable();
    }

    /// <summary>One parameter set after its 16-bit length, as avcC and hvcC both have it.</summary>
    internal static ReadOnlyMemory<byte> ReadSet(ReadOnlyMemory<byte> record, ref int at, string subject)
    {
        var span = record.Span;
        if (span.Length - at < 2) throw new CodecFormatException(subject, at, "Ends too early");
        var length = (span[at] << 8) | span[at + 1];
        if (length == 0) throw new CodecFormatException(subject, at, "An empty parameter set");
        if (span.Length - at - 2 < length)
            throw new CodecFormatException(subject, at, "A parameter set reaches past the end");
        var set = record.Slice(at + 2, length);
        at += 2 + length;
        return set;
    }
}
