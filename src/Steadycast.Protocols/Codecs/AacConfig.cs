namespace Steadycast.Protocols.Codecs;

/// <summary>AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), as far as containers ask.</summary>
/// <param name="ObjectType">Audio object type of the core: 2 is AAC LC.</param>
/// <param name="Extension">5: SBR is signalled (HE-AAC); 29: SBR with parametric stereo; 0: neither.</param>
/// <param name="CoreSampleRate">What the core decodes to, in Hz; ADTS says this one.</param>
/// <param name="SampleRate">What comes out, in Hz: twice the core's with signalled SBR.</param>
/// <param name="ChannelConfiguration">0: the layout is in a program config element.</param>
/// <param name="Channels">What comes out; parametric stereo makes two of one.</param>
/// <param name="SamplesPerFrame">Of the output rate: 1024 or 960, twice that with signalled SBR.</param>
/// <param name="ProgramConfig">
/// With channel configuration 0: the program config element as it stands before a frame in ADTS, its comment left out.
/// </param>
public sealed record AacConfig(
    int ObjectType,
    int Extension,
    int CoreSampleRate,
    int SampleRate,
    int ChannelConfiguration,
    int Channels,
    int SamplesPerFrame,
    ReadOnlyMemory<byte> ProgramConfig)
{
    /// <summary>The fixed and variable ADTS header without CRC (1.A.2.2).</summary>
    private const int AdtsFixedLength = 7;

    private const string Subject = "AudioSpecificConfig";
    private const int Sbr = 5;
    private const int ParametricStereo = 29;
    private const int SyncExtension = 0x2B7;
    private const int MaxAdtsFrame = 0x1FFF;
    private const int ProgramConfigElement = 5;
    private const int ElementIdBits = 3;

    private static readonly int[] SampleRates =
        [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

    private static readonly int[] ChannelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8];

    /// <summary>RFC 6381: <c>mp4a.40.2</c>; HE-AAC is <c>.5</c>, version 2 <c>.29</c>.</summary>
    public string CodecsString => $"mp4a.40.{(Extension != 0 ? Extension : ObjectType)}";

    /// <summary>
    /// How much <see cref="WriteAdtsHeader"/> writes: 7 bytes, and the program config element if there is one.
    /// </summary>
    public int AdtsHeaderLength => AdtsFixedLength + ProgramConfig.Length;

    /// <exception cref="CodecFormatException">Too short, a reserved rate, or a layout without channels.</exception>
    public static AacConfig Parse(ReadOnlyMemory<byte> record)
    {
        var bits = new BitReader(record.Span, Subject, skipEmulationPrevention: false);
        var objectType = ReadObjectType(ref bits);
        var core = ReadSampleRate(ref bits);
        var channelConfiguration = (int)bits.Bits(4);
        var output = core;
        var extension = 0;
        if (objectType is Sbr or ParametricStereo)
        {
            // Hierarchical signalling: the extension first, then the core (1.6.5.2).
            extension = objectType;
            output = ReadSampleRate(ref bits);
            objectType = ReadObjectType(ref bits);
        }

        var frame = 1024;
        var channels = ChannelCounts.ElementAtOrDefault(channelConfiguration);
        byte[] programConfig = [];
        if (IsGeneralAudio(objectType))
        {
            if (bits.Flag()) frame = 960;
            if (bits.Flag()) bits.Skip(14);
            bits.Flag();
            if (channelConfiguration == 0) (channels, programConfig) = ReadProgramConfig(ref bits);
            if (extension == 0) extension = ReadSyncExtension(bits, ref output);
        }

        if (channels == 0) throw bits.Fault($"Channel configuration {channelConfiguration} has no channels");
        if (extension == ParametricStereo && channels == 1) channels = 2;
        // SBR makes twice the samples; with the output at the core's rate it is "downsampled SBR".
        var samples = extension != 0 && output == 2 * core ? 2 * frame : frame;
        return new AacConfig(
            objectType,
            extension,
            core,
            samples == frame ? core : output,
            channelConfiguration,
            channels,
            samples,
            programConfig);
    }

    /// <summary>The ADTS header before one raw frame.</summary>
    /// <param name="destination">At least <see cref="AdtsHeaderLength"/> bytes.</param>
    /// <param name="frameLength">Length of the raw frame, without this header.</param>
    /// <exception cref="CodecFormatException">
    /// ADTS cannot say it: an object type above 4, a rate or layout outside its tables, a frame over 8184 bytes.
    /// </exception>
    public void WriteAdtsHeader(Span<byte> destination, int frameLength)
    {
        var rateIndex = Array.IndexOf(SampleRates, CoreSampleRate);
        if (ObjectType is < 1 or > 4 || rateIndex < 0 || ChannelConfiguration > 7)
        {
            throw new CodecFormatException(
                "ADTS", 0, $"Cannot say object type {ObjectType}, {CoreSampleRate} Hz, layout {ChannelConfiguration}");
        }

        var length = frameLength + AdtsHeaderLength;
        if (length > MaxAdtsFrame) throw new CodecFormatException("ADTS", 3, $"A frame of {length} bytes; 8191 fit");
        // FFF, MPEG-4, layer 0, no CRC | profile 2, rate 4, private 1, channels 3, four flags
        // | length 13 | fullness 11 | frames 2
        destination[0] = 0xFF;
        destination[1] = 0xF1;
        destination[2] = (byte)(((ObjectType - 1) << 6) | (rateIndex << 2) | (ChannelConfiguration >> 2));
        destination[3] = (byte)(((ChannelConfiguration & 3) << 6) | (length >> 11));
        destination[4] = (byte)(length >> 3);
        destination[5] = (byte)(((length & 7) << 5) | 0x1F);
        // Buffer fullness 7FF: variable rate.
        destination[6] = 0xFC;
        ProgramConfig.Span.CopyTo(destination[AdtsFixedLength..]);
    }

    private static int ReadObjectType(ref BitReader bits)
    {
        var type = (int)bits.Bits(5);
        return type == 31 ? 32 + (int)bits.Bits(6) : type;
    }

    private static int ReadSampleRate(ref BitReader bits)
    {
        var index = (int)bits.Bits(4);
        var rate = index == 15 ? (int)bits.Bits(24) : SampleRates.ElementAtOrDefault(index);
        return rate is >= 7350 and <= 192000 ? rate : throw bits.Fault($"A sample rate of {rate} Hz (index {index})");
    }

    private static bool IsGeneralAudio(int objectType) =>
        objectType is >= 1 and <= 4 or 6 or 7 or 17 or >= 19 and <= 23;

    /// <summary>Backward compatible signalling of SBR and PS after the core's configuration (1.6.2.1).</summary>
    private static int ReadSyncExtension(BitReader bits, ref int output)
    {
        if (bits.Remaining < 16 || bits.Bits(11) != SyncExtension || ReadObjectType(ref bits) != Sbr) return 0;
        if (bits.Remaining < 5 || !bits.Flag()) return 0;
        output = ReadSampleRate(ref bits);
        return bits.Remaining >= 12 && bits.Bits(11) == 0x548 && bits.Flag() ? ParametricStereo : Sbr;
    }

    /// <summary>
    /// program_config_element (4.4.1.1): its channels, and itself after its element id and byte-aligned.
    /// </summary>
    private static (int Channels, byte[] Element) ReadProgramConfig(ref BitReader bits)
    {
        var start = bits;
        bits.Skip(10);
        var front = (int)bits.Bits(4);
        var side = (int)bits.Bits(4);
        var back = (int)bits.Bits(4);
        var lfe = (int)bits.Bits(2);
        var associated = (int)bits.Bits(3);
        var coupling = (int)bits.Bits(4);
        if (bits.Flag()) bits.Skip(4);
        if (bits.Flag()) bits.Skip(4);
        if (bits.Flag()) bits.Skip(3);
        var channels = lfe;
        for (var i = 0; i < front + side + back; i++)
        {
            channels += bits.Flag() ? 2 : 1;
            bits.Skip(4);
        }

        bits.Skip((4 * lfe) + (4 * associated) + (5 * coupling));
        var length = bits.Position - start.Position;
        bits.Skip((8 - (bits.Position % 8)) % 8);
        bits.Skip(8 * (int)bits.Bits(8));

        // 3 bits of element id, the element, alignment, and an empty comment's length.
        var element = new byte[((ElementIdBits + length + 7) / 8) + 1];
        element[0] = ProgramConfigElement << (8 - ElementIdBits);
        for (var i = ElementIdBits; i < ElementIdBits + length; i++)
            element[i / 8] |= (byte)(start.Bit() << (7 - (i % 8)));
        return (channels, element);
    }
}
