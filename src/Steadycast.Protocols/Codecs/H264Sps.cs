namespace Steadycast.Protocols.Codecs;

/// <summary>What a container needs of a sequence parameter set (H.264, 7.3.2.1.1 and E.1.1).</summary>
/// <param name="ConstraintFlags">The byte between profile and level.</param>
/// <param name="Width">Luma samples, cropping applied.</param>
/// <param name="Height">As above; both fields of an interlaced picture.</param>
/// <param name="FrameRate">Frames per second from the VUI; 0 when it has none.</param>
public sealed record H264Sps(
    byte ProfileIdc, byte ConstraintFlags, byte LevelIdc, int Width, int Height, double FrameRate)
{
    /// <summary>chroma_format_idc: 1 is 4:2:0.</summary>
    public byte ChromaFormat { get; private init; } = 1;

    public byte BitDepthLuma { get; private init; } = 8;

    public byte BitDepthChroma { get; private init; } = 8;

    private const string Subject = "H.264 SPS";
    private const byte ExtendedSar = 255;

    /// <summary>16384 luma samples: above every level of the standard.</summary>
    private const int MaxMacroblocks = 1024;

    /// <param name="nal">The whole NAL unit with its header byte.</param>
    /// <exception cref="CodecFormatException">Not an SPS, or one with an impossible size.</exception>
    public static H264Sps Parse(ReadOnlySpan<byte> nal)
    {
        if (nal.IsEmpty || H264Nal.TypeOf(nal) != H264Nal.Sps)
            throw new CodecFormatException(Subject, 0, "Another type of NAL unit");
        var bits = new BitReader(nal[1..], Subject, skipEmulationPrevention: true);
        var profile = (byte)bits.Bits(8);
        var constraints = (byte)bits.Bits(8);
        var level = (byte)bits.Bits(8);
        bits.Unsigned(31);
        uint chromaFormat = 1;
        var separatePlanes = false;
        var depths = (Luma: 8, Chroma: 8);
        if (HasChromaFormat(profile)) depths = ReadChroma(ref bits, out chromaFormat, out separatePlanes);

        bits.Unsigned(12);
        var pocType = bits.Unsigned(2);
        if (pocType == 0)
        {
            bits.Unsigned(12);
        }
        else if (pocType == 1)
        {
            bits.Flag();
            bits.Signed();
            bits.Signed();
            var cycle = bits.Unsigned(255);
            for (var i = 0; i < cycle; i++) bits.Signed();
        }

        bits.Unsigned(64);
        bits.Flag();
        var widthInMbs = (int)bits.Unsigned(MaxMacroblocks - 1) + 1;
        var heightInMapUnits = (int)bits.Unsigned(MaxMacroblocks - 1) + 1;
        var framesOnly = bits.Flag();
        if (!framesOnly) bits.Flag();
        bits.Flag();

        var width = widthInMbs * 16;
        var height = heightInMapUnits * (framesOnly ? 16 : 32);
        if (bits.Flag())
        {
            // Table 6-1 and equations 7-19 to 7-22: cropping counts in chroma samples, and in field lines.
            var monochrome = separatePlanes || chromaFormat == 0;
            var unitX = !monochrome && chromaFormat is 1 or 2 ? 2 : 1;
            var unitY = (!monochrome && chromaFormat == 1 ? 2 : 1) * (framesOnly ? 1 : 2);
            width -= unitX * (int)(bits.Unsigned(16384) + bits.Unsigned(16384));
            height -= unitY * (int)(bits.Unsigned(16384) + bits.Unsigned(16384));
        }

        if (width <= 0 || height <= 0) throw bits.Fault($"A picture of {width}x{height}");
        return new H264Sps(profile, constraints, level, width, height, ReadFrameRate(bits))
        {
            ChromaFormat = (byte)(chromaFormat & 3),
            BitDepthLuma = (byte)depths.Luma,
            BitDepthChroma = (byte)depths.Chroma,
        };
    }

    private static bool HasChromaFormat(byte profile) =>
        profile is 100 or 110 or 122 or 244 or 44 or 83 or 86 or 118 or 128 or 138 or 139 or 134 or 135;

    private static (int Luma, int Chroma) ReadChroma(
        ref BitReader bits, out uint chromaFormat, out bool separatePlanes)
    {
        chromaFormat = bits.Unsigned(3);
        separatePlanes = chromaFormat == 3 && bits.Flag();
        var depths = ((int)bits.Unsigned(6) + 8, (int)bits.Unsigned(6) + 8);
        bits.Flag();
        if (!bits.Flag()) return depths;
        for (var list = 0; list < (chromaFormat == 3 ? 12 : 8); list++)
        {
            if (bits.Flag()) SkipScalingList(ref bits, list < 6 ? 16 : 64);
        }

        return depths;
    }

    private static void SkipScalingList(ref BitReader bits, int size)
    {
        int last = 8, next = 8;
        for (var i = 0; i < size; i++)
        {
            if (next != 0) next = (last + bits.Signed() + 256) & 0xFF;
            if (next != 0) last = next;
        }
    }

    /// <summary>The VUI up to its timing; whatever is wrong with it costs only the frame rate.</summary>
    private static double ReadFrameRate(BitReader bits)
    {
        try
        {
            if (!bits.Flag()) return 0;
            SkipVuiHead(ref bits);
            if (!bits.Flag()) return 0;
            var ticks = bits.Bits(32);
            var scale = bits.Bits(32);
            // A tick is a field (E.2.1), so a frame is two.
            return ticks == 0 || scale == 0 ? 0 : scale / (2.0 * ticks);
        }
        catch (CodecFormatException)
        {
            return 0;
        }
    }

    /// <summary>From the aspect ratio to chroma location: all that H.264's VUI has before its timing.</summary>
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
    }
}
