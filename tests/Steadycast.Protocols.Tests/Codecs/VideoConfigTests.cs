using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

/// <summary>Records as ffmpeg 5.1 writes them; the expected values are what ffprobe says of the same files.</summary>
public sealed class VideoConfigTests
{
    public static readonly TheoryData<string, string, string, int, int, double> Avc = new()
    {
        { "x264 baseline", "0142c00dffe100186742c00dd90141fb0110000003001000000303c0f142a48001000568cb83cb20",
            "avc1.42c00d", 320, 240, 30 },
        { "x264 high, cropped, NTSC rate",
            "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800",
            "avc1.64000d", 322, 182, 30000 / 1001.0 },
        { "x264 1080 of 1088", "0142c02affe100186742c02ada01e0089f970110000003001000000780f1832a01000468ce0fc8",
            "avc1.42c02a", 1920, 1080, 60 },
        { "x264 interlaced, cropped in fields",
            "0164001effe1001a6764001eacd940b424fd6022000003000200000300643e28532c01000668fba3cb22c0fdf8f800",
            "avc1.64001e", 720, 572, 25 },
        { "x264 4:4:4 with scaling lists",
            "01f4000cffe1001a67f4000c919b282833dc7e0220000003002000000601e28532c001000868ebe3c44c000440fff8f800",
            "avc1.f4000c", 318, 178, 24 },
        { "x264 10 bit",
            "016e000cffe1001a676e000ca6cd941419f9f011000003000100000300320f14299601000668ebe3cb22c0fdfafa00",
            "avc1.6e000c", 320, 180, 25 },
    };

    public static readonly TheoryData<string, string, string, int, int, double> HevcSps = new()
    {
        { "x265 main, cropped, NTSC rate",
            "42010101600000030090000003000003003ca00a480b9c9596566924caf01680800001f480003a9804",
            "hvc1.1.6.L60.90", 322, 182, 30000 / 1001.0 },
        { "x265 main10, high tier, scaling lists",
            "420101222000000300900000030000030099a00280802d1365959529385e02d0100000030010000003032080",
            "hvc1.2.4.H153.90", 1280, 720, 50 },
        { "x265 4:4:4",
            "4201020408000003009e0800000300003c000090014901739ef2cacc566924caf0168080000003008000000c84",
            "hvc1.4.10.L60.9E.8", 322, 182, 25 },
    };

    [Theory]
    [MemberData(nameof(Avc))]
    public void An_avcC_tells_codec_size_and_rate(
        string name, string hex, string codecs, int width, int height, double rate)
    {
        var record = Hex.Bytes(hex);
        var track = TrackDescription.Of(new TrackConfig(1, Codec.H264, record));
        Assert.Equal((name, codecs, width, height), (name, track.CodecsString, track.Width, track.Height));
        Assert.Equal(rate, track.FrameRate, 1e-9);
        Assert.Equal(4, track.NalLengthSize);
        EveryCutIsRefusedOrRead(record, bytes => H264Config.Parse(bytes));
    }

    [Theory]
    [MemberData(nameof(HevcSps))]
    public void An_HEVC_parameter_set_tells_codec_size_and_rate(
        string name, string hex, string codecs, int width, int height, double rate)
    {
        var sps = Hex.Bytes(hex);
        var record = Hvcc(sps);
        var track = TrackDescription.Of(new TrackConfig(1, Codec.H265, record));
        Assert.Equal((name, codecs, width, height), (name, track.CodecsString, track.Width, track.Height));
        Assert.Equal(rate, track.FrameRate, 1e-9);
        EveryCutIsRefusedOrRead(record, bytes => H265Config.Parse(bytes));
    }

    [Theory]
    [InlineData("81004c000a0b000000043d06d4daf94040", "av01.0.00M.10", 322, 182)]
    [InlineData("81000c000a0b000000043d06d402f80040", "av01.0.00M.08", 322, 182)]
    [InlineData("81090c00", "av01.0.09M.08", 0, 0)]
    public void An_av1C_tells_codec_and_size(string hex, string codecs, int width, int height)
    {
        var record = Hex.Bytes(hex);
        var track = TrackDescription.Of(new TrackConfig(1, Codec.Av1, record));
        Assert.Equal((codecs, width, height), (track.CodecsString, track.Width, track.Height));
        EveryCutIsRefusedOrRead(record, bytes => Av1Config.Parse(bytes));
    }

    [Fact]
    public void A_broken_VUI_costs_only_the_frame_rate()
    {
        var whole = Hex.Bytes("6742c00dd90141fb0110000003001000000303c0f142a480");
        var sps = H264Sps.Parse(whole.AsSpan(0, 9));
        Assert.Equal((320, 240, 0.0), (sps.Width, sps.Height, sps.FrameRate));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("0042c00dffe1", 0)]
    [InlineData("0142c00dfee1001867", 4)]
    [InlineData("0142c00dffe0 00", 5)]
    [InlineData("0142c00dffe1 FFFF67", 6)]
    [InlineData("0142c00dffe1 0000 01", 6)]
    public void A_malformed_avcC_is_refused_with_its_place(string hex, int offset) =>
        Assert.Equal(offset, Assert.Throws<CodecFormatException>(() => H264Config.Parse(Hex.Bytes(hex))).Offset);

    [Fact]
    public void A_codec_that_is_only_carried_is_refused() =>
        Assert.Throws<CodecFormatException>(() => TrackDescription.Of(new TrackConfig(1, Codec.Vp9, default)));

    [Fact]
    public void Damaged_records_throw_only_the_format_exception() =>
        Prop.ForAll<int, int, byte>((which, place, value) =>
        {
            var all = Avc.Select(row => (Codec: Codec.H264, Record: Hex.Bytes(row.Data.Item2)))
                .Concat(HevcSps.Select(row => (Codec.H265, Hvcc(Hex.Bytes(row.Data.Item2)))))
                .ToArray();
            var (codec, record) = all[(which & 0xFFFF) % all.Length];
            record[(place & 0xFFFF) % record.Length] ^= value;
            try
            {
                TrackDescription.Of(new TrackConfig(1, codec, record));
            }
            catch (CodecFormatException)
            {
                // The one exception that a reader may throw.
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static byte[] Hvcc(byte[] sps) =>
    [
        .. Hex.Bytes("01016000000090000000 00003cf000fcfdf8f800000f 01 a1 0001"), 0, (byte)sps.Length, .. sps,
    ];

    private static void EveryCutIsRefusedOrRead(byte[] record, Action<ReadOnlyMemory<byte>> parse)
    {
        for (var cut = 0; cut < record.Length; cut++)
        {
            try
            {
                parse(record.AsMemory(0, cut));
            }
            catch (CodecFormatException e)
            {
                Assert.InRange(e.Offset, 0, cut);
            }
        }
    }
}
