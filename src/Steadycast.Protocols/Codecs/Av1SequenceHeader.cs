namespace Steadycast.Protocols.Codecs;

/// <summary>sequence_header_obu (AV1, 5.5), as far as av1C and a playlist ask.</summary>
/// <param name="IsReducedStill">Every frame is a key frame that is shown, and does not say so itself.</param>
/// <param name="Width">max_frame_width.</param>
public sealed record Av1SequenceHeader(
    byte Profile,
    byte Level,
    bool HighTier,
    bool HighBitDepth,
    bool TwelveBit,
    bool Monochrome,
    bool SubsamplingX,
    bool SubsamplingY,
    byte ChromaSamplePosition,
    bool IsReducedStill,
    int Width,
    int Height)
{
    private const string Subject = "AV1 sequence header";

    /// <summary>Levels above 3.3 have a tier.</summary>
    private const int LastLevelWithoutTier = 7;

    /// <summary>Also seq_force_screen_content_tools' and seq_force_integer_mv's "in each frame" (6.4.2).</summary>
    private const int SelectedPerFrame = 2;

    private const int Bt709 = 1;
    private const int Srgb = 13;
    private const int IdentityMatrix = 0;

    /// <param name="payload">What follows the OBU's header and size.</param>
    /// <exception cref="CodecFormatException">It ends too early, or says what no decoder knows.</exception>
    public static Av1SequenceHeader Parse(ReadOnlySpan<byte> payload)
    {
        var bits = new BitReader(payload, Subject, skipEmulationPrevention: false);
        var profile = (byte)bits.Bits(3);
        if (profile > 2) throw bits.Fault($"Profile {profile}; 0 to 2 are known");
        bits.Skip(1);
        var isReduced = bits.Flag();
        var (level, tier) = isReduced ? ((byte)bits.Bits(5), false) : ReadOperatingPoints(ref bits);
        var widthBits = (int)bits.Bits(4) + 1;
        var heightBits = (int)bits.Bits(4) + 1;
        var width = (int)bits.Bits(widthBits) + 1;
        var height = (int)bits.Bits(heightBits) + 1;
        SkipTools(ref bits, isReduced);
        var (high, twelve) = (bits.Flag(), false);
        if (profile == 2 && high) twelve = bits.Flag();
        var color = ReadColor(ref bits, profile, twelve);
        return new Av1SequenceHeader(
            profile, level, tier, high, twelve, color.Monochrome, color.X, color.Y, color.Position, isReduced, width,
            height);
    }

    /// <summary>Level and tier of the first operating point, as av1C and the codec string have them.</summary>
    private static (byte Level, bool HighTier) ReadOperatingPoints(ref BitReader bits)
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
        (byte, bool) first = default;
        for (var i = 0; i < points; i++)
        {
            bits.Skip(12);
            var level = (byte)bits.Bits(5);
            var tier = level > LastLevelWithoutTier && bits.Flag();
            if (hasDecoderModel && bits.Flag()) bits.Skip((2 * delayBits) + 1);
            if (hasDisplayDelay && bits.Flag()) bits.Skip(4);
            if (i == 0) first = (level, tier);
        }

        return first;
    }

    /// <summary>From frame_id_numbers_present_flag to enable_restoration.</summary>
    private static void SkipTools(ref BitReader bits, bool isReduced)
    {
        if (!isReduced && bits.Flag()) bits.Skip(4 + 3);
        bits.Skip(3);
        if (!isReduced)
        {
            bits.Skip(4);
            var hasOrderHint = bits.Flag();
            if (hasOrderHint) bits.Skip(2);
            var screenContent = bits.Flag() ? SelectedPerFrame : (int)bits.Bit();
            if (screenContent > 0 && !bits.Flag()) bits.Skip(1);
            if (hasOrderHint) bits.Skip(3);
        }

        bits.Skip(3);
    }

    /// <summary>color_config (5.5.2).</summary>
    private static (bool Monochrome, bool X, bool Y, byte Position) ReadColor(
        ref BitReader bits, byte profile, bool twelveBit)
    {
        var isMonochrome = profile != 1 && bits.Flag();
        var (primaries, transfer, matrix) = (2, 2, 2);
        if (bits.Flag()) (primaries, transfer, matrix) = ((int)bits.Bits(8), (int)bits.Bits(8), (int)bits.Bits(8));
        if (isMonochrome)
        {
            bits.Skip(1);
            return (true, true, true, 0);
        }

        if (primaries == Bt709 && transfer == Srgb && matrix == IdentityMatrix) return (false, false, false, 0);
        bits.Skip(1);
        var (x, y) = profile switch
        {
            0 => (true, true),
            1 => (false, false),
            _ when !twelveBit => (true, false),
            _ => bits.Flag() ? (true, bits.Flag()) : (false, false),
        };
        return (false, x, y, x && y ? (byte)bits.Bits(2) : (byte)0);
    }
}
