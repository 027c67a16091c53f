namespace Steadycast.Protocols.Codecs;

/// <summary>What containers and playlists say of a track, read from its configuration record.</summary>
public sealed record TrackDescription
{
    public required TrackConfig Config { get; init; }

    /// <summary>RFC 6381: <c>avc1.64001f</c>, <c>hvc1.1.6.L93.B0</c>, <c>mp4a.40.2</c>.</summary>
    public required string CodecsString { get; init; }

    /// <summary>Luma samples as shown, cropping applied; 0 for audio.</summary>
    public int Width { get; init; }

    public int Height { get; init; }

    /// <summary>Frames per second as the encoder declares; 0: audio, or not declared.</summary>
    public double FrameRate { get; init; }

    /// <summary>Hz; 0 for video. <c>AccessUnit.SamplePosition</c> counts in it.</summary>
    public int SampleRate { get; init; }

    public int Channels { get; init; }

    /// <summary>Samples per audio access unit, of Opus the usual number; 0 for video.</summary>
    public int SamplesPerFrame { get; init; }

    /// <summary>Bytes per NAL unit length as the publisher sends them; 0 where there are none.</summary>
    public int NalLengthSize { get; init; }

    /// <exception cref="CodecFormatException">
    /// The record is malformed, or the codec is one that is not packaged.
    /// </exception>
    public static TrackDescription Of(TrackConfig config)
    {
        switch (config.Codec)
        {
            case Codec.H264:
                var avc = H264Config.Parse(config.Record);
                return Video(config, avc.CodecsString, avc.Sps.Width, avc.Sps.Height, avc.Sps.FrameRate) with
                {
                    NalLengthSize = avc.NalLengthSize,
                };
            case Codec.H265:
                var hevc = H265Config.Parse(config.Record);
                return Video(config, hevc.CodecsString, hevc.Sps.Width, hevc.Sps.Height, hevc.Sps.FrameRate) with
                {
                    NalLengthSize = hevc.NalLengthSize,
                };
            case Codec.Av1:
                var av1 = Av1Config.Parse(config.Record);
                return Video(config, av1.CodecsString, av1.Width, av1.Height, 0);
            case Codec.Aac:
                var aac = AacConfig.Parse(config.Record);
                return Audio(config, aac.CodecsString, aac.SampleRate, aac.Channels, aac.SamplesPerFrame);
            case Codec.Opus:
                var opus = OpusConfig.Parse(config.Record);
                return Audio(config, "opus", OpusConfig.SampleRate, opus.Channels, OpusConfig.UsualSamplesPerFrame);
            case Codec.Mp3:
                var mp3 = Mp3Config.Parse(config.Record.Span);
                // What HLS calls it; hls.js knows it by this name and no other, whatever the container.
                return Audio(config, "mp4a.40.34", mp3.SampleRate, mp3.Channels, mp3.SamplesPerFrame);
            default:
                throw new CodecFormatException(config.Codec.ToString(), 0, "This codec is carried, not packaged");
        }
    }

    /// <summary>Samples of one audio access unit; 0 for bytes that are none.</summary>
    public int SamplesOf(ReadOnlySpan<byte> accessUnit) => Config.Codec switch
    {
        Codec.Opus => OpusPacket.SamplesOf(accessUnit),
        Codec.Mp3 => Mp3Config.SamplesOf(accessUnit),
        _ => accessUnit.IsEmpty ? 0 : SamplesPerFrame,
    };

    private static TrackDescription Video(TrackConfig config, string codecs, int width, int height, double rate) =>
        new() { Config = config, CodecsString = codecs, Width = width, Height = height, FrameRate = rate };

    private static TrackDescription Audio(TrackConfig config, string codecs, int rate, int channels, int samples) =>
        new()
        {
            Config = config,
            CodecsString = codecs,
            SampleRate = rate,
            Channels = channels,
            SamplesPerFrame = samples,
        };
}
