namespace Steadycast.Protocols.Codecs;

/// <summary>
/// The part of an MPEG audio layer III frame's header that stays the same over a stream (ISO/IEC 11172-3, 2.4.1.3, and
/// 13818-3 for the low sampling frequencies).
/// </summary>
/// <remarks>
/// <code>
/// sync 11 | version 2 | layer 2 | no CRC 1 | bit rate 4 | sampling frequency 2 | padding 1 | private 1
///         | mode 2 | mode extension 2 | copyright 1 | original 1 | emphasis 2
/// </code>
/// RTMP has no configuration record for MP3: <see cref="Record"/>, its first frame's header with everything that may
/// change from frame to frame made 0, stands for one.
/// </remarks>
/// <param name="IsMpeg1">32 kHz and up; else the low sampling frequencies of MPEG-2, or "2.5".</param>
public sealed record Mp3Config(bool IsMpeg1, int SampleRate, int Channels, ReadOnlyMemory<byte> Record)
{
    private const string Subject = "MP3 frame header";
    private const int HeaderLength = 4;
    private const int Mpeg25 = 0;
    private const int Mpeg1 = 3;
    private const int LayerIII = 1;
    private const int Mono = 3;

    private static readonly int[] SampleRates = [44100, 48000, 32000];

    private static readonly int[] Mpeg1KilobitsPerSecond =
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

    private static readonly int[] Mpeg2KilobitsPerSecond =
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

    public int SamplesPerFrame => IsMpeg1 ? 1152 : 576;

    /// <summary>From a frame, or from a <see cref="Record"/>.</summary>
    /// <exception cref="CodecFormatException">Not the header of a layer III frame.</exception>
    public static Mp3Config Parse(ReadOnlySpan<byte> header)
    {
        if (header.Length < HeaderLength) throw new CodecFormatException(Subject, header.Length, "Ends too early");
        var version = (header[1] >> 3) & 3;
        var rate = (header[2] >> 2) & 3;
        if (header[0] != 0xFF || (header[1] & 0xE0) != 0xE0 || version == 1)
            throw new CodecFormatException(Subject, 0, "No synchronisation word of a known version");
        if (((header[1] >> 1) & 3) != LayerIII) throw new CodecFormatException(Subject, 1, "Not layer III");
        if (rate == SampleRates.Length) throw new CodecFormatException(Subject, 2, "A reserved sampling frequency");
        var mode = header[3] >> 6;
        byte[] record =
            [0xFF, (byte)(header[1] | 1), (byte)(rate << 2), (byte)(mode == Mono ? Mono << 6 : 0)];
        return new Mp3Config(
            version == Mpeg1,
            SampleRates[rate] >> (version == Mpeg1 ? 0 : version == Mpeg25 ? 2 : 1),
            mode == Mono ? 1 : 2,
            record);
    }

    /// <summary>Samples of the frames that the bytes are; 0 when they are not whole frames of one stream.</summary>
    public static int SamplesOf(ReadOnlySpan<byte> frames)
    {
        var samples = 0;
        ReadOnlyMemory<byte> record = default;
        while (!frames.IsEmpty)
        {
            if (!TryReadFrame(frames, out var config, out var length)) return 0;
            if (record.IsEmpty) record = config.Record;
            if (length > frames.Length || !record.Span.SequenceEqual(config.Record.Span)) return 0;
            samples += config.SamplesPerFrame;
            frames = frames[length..];
        }

        return samples;
    }

    private static bool TryReadFrame(ReadOnlySpan<byte> bytes, out Mp3Config config, out int length)
    {
        (config, length) = (null!, 0);
        try
        {
            config = Parse(bytes);
        }
        catch (CodecFormatException)
        {
            return false;
        }

        // 0 is "free format", which nobody sends; 15 is forbidden.
        var rates = config.IsMpeg1 ? Mpeg1KilobitsPerSecond : Mpeg2KilobitsPerSecond;
        var index = bytes[2] >> 4;
        if (index == 0 || index == rates.Length) return false;
        var padding = (bytes[2] >> 1) & 1;
        length = (config.SamplesPerFrame / 8 * rates[index] * 1000 / config.SampleRate) + padding;
        return true;
    }
}
