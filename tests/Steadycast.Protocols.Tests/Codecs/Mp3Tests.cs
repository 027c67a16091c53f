using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class Mp3Tests
{
    [Theory]
    // LAME by way of ffmpeg's FLV: 44.1, 48, 22.05 (MPEG-2) and 8 kHz ("2.5"); joint stereo and mono; with a CRC.
    [InlineData("FFFB9064", "FFFB0000", 44100, 2, 1152)]
    [InlineData("FFFA94C4", "FFFB04C0", 48000, 1, 1152)]
    [InlineData("FFFB9800", "FFFB0800", 32000, 2, 1152)]
    [InlineData("FFF340C4", "FFF300C0", 22050, 1, 576)]
    [InlineData("FFE318C4", "FFE308C0", 8000, 1, 576)]
    public void A_frame_header_stands_for_the_configuration_record(
        string hex, string record, int rate, int channels, int samples)
    {
        var config = Mp3Config.Parse(Hex.Bytes(hex));
        Assert.Equal(record, Convert.ToHexString(config.Record.Span));
        Assert.Equal((rate, channels, samples), (config.SampleRate, config.Channels, config.SamplesPerFrame));
        var track = TrackDescription.Of(new TrackConfig(2, Codec.Mp3, config.Record));
        Assert.Equal(("mp4a.40.34", rate, channels), (track.CodecsString, track.SampleRate, track.Channels));
    }

    [Theory]
    [InlineData("")]
    [InlineData("FFFB90")]
    [InlineData("FEFB9064")]
    [InlineData("FFEB9064")] // a reserved version
    [InlineData("FFFD9064")] // layer II
    [InlineData("FFFB9C64")] // a reserved sampling frequency
    public void What_is_no_layer_III_is_refused(string hex) =>
        Assert.Throws<CodecFormatException>(() => Mp3Config.Parse(Hex.Bytes(hex)));

    [Theory]
    [InlineData("FFFB9064", 417, 1152)] // 128 kbit/s at 44.1 kHz, without padding and with
    [InlineData("FFFB9264", 418, 1152)]
    [InlineData("FFF340C4", 104, 576)] // 32 kbit/s at 22.05 kHz
    [InlineData("FFFB9064", 416, 0)] // cut off
    [InlineData("FFFB0064", 417, 0)] // free format
    [InlineData("FFFBF064", 417, 0)]
    public void Only_whole_frames_have_samples(string header, int length, int samples)
    {
        var frame = new byte[length];
        Hex.Bytes(header).CopyTo(frame, 0);
        Assert.Equal(samples, Mp3Config.SamplesOf(frame));
        if (samples == 0) return;
        Assert.Equal(2 * samples, Mp3Config.SamplesOf([.. frame, .. frame]));
        Assert.Equal(0, Mp3Config.SamplesOf([.. frame, 0]));
    }
}
