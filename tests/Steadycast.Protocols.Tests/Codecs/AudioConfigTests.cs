using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class AudioConfigTests
{
    [Theory]
    // ffmpeg 5.1 writes an explicit "no SBR" after its AAC LC; OBS and phones write two bytes.
    [InlineData("121056e500", "mp4a.40.2", 44100, 2, 1024)]
    [InlineData("1210", "mp4a.40.2", 44100, 2, 1024)]
    [InlineData("118856e500", "mp4a.40.2", 48000, 1, 1024)]
    [InlineData("11b056e500", "mp4a.40.2", 48000, 6, 1024)]
    [InlineData("11b856e500", "mp4a.40.2", 48000, 8, 1024)]
    // 3.1: channel configuration 0 and a program config element with "Lavc59.37.100" as its comment.
    [InlineData("118004c8010020000d4c61766335392e33372e31303056e500", "mp4a.40.2", 48000, 4, 1024)]
    // 960 samples per frame; a rate written out.
    [InlineData("1214", "mp4a.40.2", 44100, 2, 960)]
    [InlineData("1780 5622 10", "mp4a.40.2", 44100, 2, 1024)]
    // HE-AAC: hierarchical, then backward compatible; version 2 of one channel, both ways.
    [InlineData("2B920800", "mp4a.40.5", 44100, 2, 2048)]
    [InlineData("131056E598", "mp4a.40.5", 48000, 2, 2048)]
    [InlineData("EB098800", "mp4a.40.29", 48000, 2, 2048)]
    [InlineData("130856E59D4880", "mp4a.40.29", 48000, 2, 2048)]
    public void An_AudioSpecificConfig_tells_rate_and_channels(
        string hex, string codecs, int rate, int channels, int samples)
    {
        var track = TrackDescription.Of(new TrackConfig(2, Codec.Aac, Hex.Bytes(hex)));
        Assert.Equal(
            (codecs, rate, channels, samples),
            (track.CodecsString, track.SampleRate, track.Channels, track.SamplesPerFrame));
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("1680")]
    [InlineData("1240")]
    [InlineData("1200")]
    public void A_malformed_AudioSpecificConfig_is_refused(string hex) =>
        Assert.Throws<CodecFormatException>(() => AacConfig.Parse(Hex.Bytes(hex)));

    [Theory]
    // Written by ffmpeg's ADTS muxer for the same streams, lengths apart.
    [InlineData("1210", 100, "FFF1508 00D7FFC")]
    [InlineData("1188", 8184, "FFF14C 43FFFFFC")]
    [InlineData("2B920800", 1, "FFF15C 80011FFC")]
    public void An_ADTS_header_says_the_core(string hex, int length, string expected)
    {
        var aac = AacConfig.Parse(Hex.Bytes(hex));
        var header = new byte[aac.AdtsHeaderLength];
        aac.WriteAdtsHeader(header, length);
        Assert.Equal(expected.Replace(" ", ""), Convert.ToHexString(header));
    }

    [Fact]
    public void A_program_config_stands_before_each_frame_in_ADTS()
    {
        var aac = AacConfig.Parse(Hex.Bytes("118004c8010020000d4c61766335392e33372e31303056e500"));
        var header = new byte[aac.AdtsHeaderLength];
        aac.WriteAdtsHeader(header, 10);
        // As ffmpeg 5.1 writes it, but for its comment, which is of no bytes here.
        Assert.Equal("A0990020040000" + "00", Convert.ToHexString(header.AsSpan(7)));
        Assert.Equal((10 + header.Length) << 5 | 0x1F, (header[4] << 8) | header[5]);
    }

    [Fact]
    public void What_ADTS_cannot_say_is_refused()
    {
        var header = new byte[7];
        Assert.Throws<CodecFormatException>(() => AacConfig.Parse(Hex.Bytes("1210")).WriteAdtsHeader(header, 8185));
        Assert.Throws<CodecFormatException>(
            () => AacConfig.Parse(Hex.Bytes("B98800")).WriteAdtsHeader(header, 100));
    }

    [Fact]
    public void An_Opus_header_is_read()
    {
        var opus = OpusConfig.Parse(Hex.Bytes("4F70757348656164 01 02 3801 80BB0000 0100 00"));
        Assert.Equal((2, 312, 48000, (short)1), (opus.Channels, opus.PreSkip, opus.InputSampleRate, opus.OutputGain));
        Assert.Equal(1, opus.Mapping.Length);
        Assert.Throws<CodecFormatException>(
            () => OpusConfig.Parse(Hex.Bytes("4F70757348656164 01 06 3801 80BB0000 0000 01 0402")));
    }

    [Theory]
    [InlineData("08", 960)] // SILK, 20 ms
    [InlineData("18", 2880)]
    [InlineData("80", 120)] // CELT, 2.5 ms
    [InlineData("99", 1920)] // two frames of 20 ms
    [InlineData("9B06", 5760)] // six of them: 120 ms, the most
    [InlineData("9B07", 0)]
    [InlineData("9B00", 0)]
    [InlineData("9B", 0)]
    [InlineData("", 0)]
    public void An_Opus_packet_says_its_length(string hex, int samples) =>
        Assert.Equal(samples, OpusPacket.SamplesOf(Hex.Bytes(hex)));

    [Fact]
    public void Any_bytes_are_a_config_or_a_format_exception() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            try
            {
                AacConfig.Parse(bytes ?? []);
            }
            catch (CodecFormatException)
            {
                // The one exception that the reader may throw.
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
