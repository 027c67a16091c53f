using System.Text;

namespace Steadycast.Protocols.Codecs;

/// <summary>What a container needs of a sequence parameter set (H.265, 7.3.2.2, 7.3.3 and E.2.1).</summary>
/// <param name="CompatibilityFlags">general_profile_compatibility_flag[0] in the most significant bit.</param>
/// <param name="ConstraintFlags">The 48 bits from general_progressive_source_flag on.</param>
/// <param name="Width">Luma samples, the conformance window applied.</param>
/// <param name="Height">As above.</param>
/// <param name="FrameRate">Pictures per second from the VUI; 0 when it has none.</param>
public sealed record H265Sps(
    byte ProfileSpace,
    bool HighTier,
    byte ProfileIdc,
    uint CompatibilityFlags,
    ulong ConstraintFlags,
    byte LevelIdc,
    int Width,
    int Height,
    double FrameRate)
{
    /// <summary>chroma_format_idc: 1 is 4:2:0.</summary>
    public byte ChromaFormat { get; private init; } = 1;

    public byte BitDepthLuma { get; private init; } = 8;

    public byte BitDepthChroma { get; private init; } = 8;

    public byte TemporalLayers { get; private init; } = 1;

    public bool IsTemporalNested { get; private init; }

    private const string Subject = "H.265 SPS";
    private const uint MaxSide = 16384;
    private const byte ExtendedSar = 255;

    /// <param name="nal">The whole NAL unit with its two header bytes.</param>
    /// <exception cref="CodecFormatException">Not an SPS, or one with an impossible size.</exception>
    public static H265Sps Parse(ReadOnlySpan<byte> nal)
    {
        if (nal.Length < 2 || H265Nal.TypeOf(nal) != H265Nal.Sps)
            throw new CodecFormatException(Subject, 0, "Another type of NAL unit");
        var bits = new BitReader(nal[2..], Subject, skipEmulationPrevention: true);
        bits.Skip(4);
        var maxSubLayers = (int)bits.Bits(3);
        var isNested = bits.Flag();
        var space = (byte)bits.Bits(2);
        var tier = bits.Flag();
        var profile = (byte)bits.Bits(5);
        var compatibility = bits.Bits(32);
        var constraints = ((ulong)bits.Bits(16) << 32) | bits.Bits(32);
        var level = (byte)bits.Bits(8);
        SkipSubLayers(ref bits, maxSubLayers);

        bits.Unsigned(15);
        var chromaFormat = bits.Unsigned(3);
        var separatePlanes = chromaFormat == 3 && bits.Flag();
        var width = (int)bits.Unsigned(MaxSide);
        var height = (int)bits.Unsigned(MaxSide);
        if (bits.Flag())
        {
            // Table 6-1: the window counts in chroma samples.
            var unitX = !separatePlanes && chromaFormat is 1 or 2 ? 2 : 1;
            var unitY = !separatePlanes && chromaFormat == 1 ? 2 : 1;
            width -= unitX * (int)(bits.Unsigned(MaxSide) + bits.Unsigned(MaxSide));
            height -= unitY * (int)(bits.Unsigned(MaxSide) + bits.Unsigned(MaxSide));
        }

        if (width <= 0 || height <= 0) throw bits.Fault($"A picture of {width}x{height}");
        var rate = ReadFrameRate(bits, maxSubLayers);
        var depths = ((byte)(bits.Unsigned(8) + 8), (byte)(bits.Unsigned(8) + 8));
        return new H265Sps(space, tier, profile, compatibility, constraints, level, width, height, rate)
        {
            ChromaFormat = (byte)(chromaFormat & 3),
            BitDepthLuma = depths.Item1,
            BitDepthChroma = depths.Item2,
            TemporalLayers = (byte)(maxSubLayers + 1),
            IsTemporalNested = isNested,
        };
    }

    /// <summary>
    /// ISO/IEC 14496-15, annex E.3: space and profile, reversed compatibility, tier and level, constraints.
    /// </summary>
    public string CodecsString(string sampleEntry)
    {
        uint reversed = 0;
        for (var i = 0; i < 32; i++) reversed |= ((CompatibilityFlags >> i) & 1) << (31 - i);
        var text = new StringBuilder(sampleEntry).Append('.');
        if (ProfileSpace > 0) text.Append((char)('A' + ProfileSpace - 1));
        text.Append($"{ProfileIdc}.{reversed:X}.{(HighTier ? 'H' : 'L')}{LevelIdc}");
        // Trailing bytes that are zero may be left out, and are by everyone.
        for (var left = ConstraintFlags << 16; left != 0; left <<= 8) text.Append($".{left >> 56:X}");
        return text.ToString();
    }

    private static void SkipSubLayers(ref BitReader bits, int maxSubLayers)
    {
        if (maxSubLayers == 0) return;
        var present = bits.Bits(16);
        for (var i = 0; i < maxSubLayers; i++)
        {
            if ((present & (0x8000u >> (2 * i))) != 0) bits.Skip(88);
            if ((present & (0x4000u >> (2 * i))) != 0) bits.Skip(8);
        }
    }

    /// <summary>
    /// All between the size and the VUI's timing; whatever is wrong with it costs only the frame rate.
    /// </summary>
    private static double ReadFrameRate(BitReader bits, int maxSubLayers)
    {
        try
        {
            SkipToVui(ref bits, maxSubLayers);
            if (!bits.Flag()) return 0;
            SkipVuiHead(ref bits);
            if (!bits.Flag()) return 0;
            var ticks = bits.Bits(32);
            var scale = bits.Bits(32);
            return ticks == 0 || scale == 0 ? 0 : scale / (double)ticks;
        }
        catch (CodecFormatException)
        {
            return 0;
        }
    }

    private static void SkipToVui(ref BitReader bits, int maxSubLayers)
    {
        bits.Unsigned(8);
        bits.Unsigned(8);
        var pocBits = (int)bits.Unsigned(12) + 4;
        var layers = bits.Flag() ? maxSubLayers + 1 : 1;
        for (var i = 0; i < layers * 3; i++) bits.Unsigned();
        for (var i = 0; i < 6; i++) bits.Unsigned(32);
        if (bits.Flag() && bits.Flag()) SkipScalingLists(ref bits);
        bits.Skip(2);
        if (bits.Flag())
        {
            bits.Skip(8);
            bits.Unsigned(3);
            bits.Unsigned(3);
            bits.Flag();
        }

        SkipReferenceSets(ref bits);
        if (bits.Flag())
        {
            var count = bits.Unsigned(32);
            for (var i = 0; i < count; i++) bits.Skip(pocBits + 1);
        }

        bits.Skip(2);
    }

    /// <summary>scaling_list_data, 7.3.4.</summary>
    private static void SkipScalingLists(ref BitReader bits)
    {
        for (var size = 0; size < 4; size++)
        {
            for (var matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1)
            {
                if (!bits.Flag())
                {
                    bits.Unsigned(5);
                    continue;
                }

                if (size > 1) bits.Signed();
                for (var i = 0; i < Math.Min(64, 1 << (4 + (size << 1))); i++) bits.Signed();
            }
        }
    }

    /// <summary>num_short_term_ref_pic_sets times st_ref_pic_set, 7.3.7.</summary>
    private static void SkipReferenceSets(ref BitReader bits)
    {
        var sets = (int)bits.Unsigned(64);
        var deltas = 0;
        for (var set = 0; set < sets; set++)
        {
            if (set > 0 && bits.Flag())
            {
                bits.Flag();
                bits.Unsigned();
                // Equation 7-61 and 7-62: this set has as many pictures as flags here say, of the set before plus one.
                var kept = 0;
                for (var i = 0; i <= deltas; i++)
                {
                    var used = bits.Flag();
                    if (used || bits.Flag()) kept++;
                }

                deltas = kept;
                continue;
            }

            var negative = (int)bits.Unsigned(16);
            var positive = (int)bits.Unsigned(16);
            deltas = negative + positive;
            for (var i = 0; i < deltas; i++)
            {
                bits.Unsigned();
                bits.Flag();
            }
        }
    }

    private static void SkipVuiHead(ref BitReader bits)
    {
        if (bits.Flag() && bits.Bits(8) == ExtendedSar) bits.Skip(32);
        if (bits.Flag()) bits.Flag();
        if (bits.Flag())
        {
            bits.Skip(4);
            if (bits.Flag()) bits.Skip(24);
        }

        if (bits.Flag())
        {
            bits.Unsigned(5);
            bits.Unsigned(5);
        }

        bits.Skip(3);
        if (!bits.Flag()) return;
        for (var i = 0; i < 4; i++) bits.Unsigned();
    }
}
