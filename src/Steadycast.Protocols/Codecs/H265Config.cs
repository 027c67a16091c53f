using System.Collections.Immutable;

namespace Steadycast.Protocols.Codecs;

/// <summary>HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1), its first SPS read.</summary>
/// <param name="NalLengthSize">
/// Bytes per NAL unit length in the access units that came with this record: 1, 2 or 4.
/// </param>
/// <param name="VideoParameterSets">NAL units without length or start code.</param>
/// <param name="SequenceParameterSets">As above.</param>
/// <param name="PictureParameterSets">As above.</param>
public sealed record H265Config(
    int NalLengthSize,
    ImmutableArray<ReadOnlyMemory<byte>> VideoParameterSets,
    ImmutableArray<ReadOnlyMemory<byte>> SequenceParameterSets,
    ImmutableArray<ReadOnlyMemory<byte>> PictureParameterSets,
    H265Sps Sps)
{
    private const string Subject = "hvcC";
    private const int LengthSizeOffset = 21;
    private const int ArraysOffset = 22;

    /// <summary>More parameter sets than any encoder has.</summary>
    private const int MaxSets = 64;

    /// <summary>RFC 6381 after ISO/IEC 14496-15 annex E: <c>hvc1.1.6.L93.B0</c>.</summary>
    public string CodecsString => Sps.CodecsString("hvc1");

    /// <exception cref="CodecFormatException">Not such a record, or one without an SPS that can be read.</exception>
    public static H265Config Parse(ReadOnlyMemory<byte> record)
    {
        var span = record.Span;
        if (span.Length <= ArraysOffset) throw new CodecFormatException(Subject, span.Length, "Ends too early");
        // 0 was written by encoders of the draft's time; the layout is the same.
        if (span[0] > 1) throw new CodecFormatException(Subject, 0, $"Version {span[0]}; 1 is known");
        var lengthSize = (span[LengthSizeOffset] & 3) + 1;
        if (lengthSize == 3) throw new CodecFormatException(Subject, LengthSizeOffset, "NAL unit lengths of 3 bytes");

        var vps = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var sps = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var pps = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var at = ArraysOffset + 1;
        var sets = 0;
        for (var array = 0; array < span[ArraysOffset]; array++)
        {
            if (span.Length - at < 3) throw new CodecFormatException(Subject, at, "Ends too early");
            var type = span[at] & 0x3F;
            var count = (span[at + 1] << 8) | span[at + 2];
            at += 3;
            sets += count;
            if (sets > MaxSets) throw new CodecFormatException(Subject, at, $"More than {MaxSets} parameter sets");
            for (var i = 0; i < count; i++)
            {
                var set = H264Config.ReadSet(record, ref at, Subject);
                var list = type switch { H265Nal.Vps => vps, H265Nal.Sps => sps, H265Nal.Pps => pps, _ => null };
                list?.Add(set);
            }
        }

        if (sps.Count == 0) throw new CodecFormatException(Subject, ArraysOffset, "No sequence parameter set");
        return new H265Config(
            lengthSize, vps.ToImmutable(), sps.ToImmutable(), pps.ToImmutable(), H265Sps.Parse(sps[0].Span));
    }
}
