using System.Buffers;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Mp4;
using Steadycast.TestPeers;

namespace Steadycast.Protocols.Tests.Mp4;

public sealed class InitSegmentTests
{
    private const string Avcc =
        "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800";

    private const string Hvcc =
        "01016000000090000000 00003cf000fcfdf8f800000f 02" +
        "210001002942010101600000030090000003000003003ca00a480b9c9596566924caf01680800001f480003a9804" +
        "27000100034E0105";

    private static readonly TrackConfig Avc = new(1, Codec.H264, Hex.Bytes(Avcc));
    private static readonly TrackConfig Hevc = new(1, Codec.H265, Hex.Bytes(Hvcc));
    private static readonly TrackConfig Av1 = new(1, Codec.Av1, Hex.Bytes("81004c000a0b000000043d06d4daf94040"));
    private static readonly TrackConfig Aac = new(2, Codec.Aac, Hex.Bytes("1210"));
    private static readonly TrackConfig Aac96 = new(2, Codec.Aac, Hex.Bytes("1010"));

    private static readonly TrackConfig HeAacV2 = new(2, Codec.Aac, Hex.Bytes("eb8a0800"));
    private static readonly TrackConfig Mp3 = new(2, Codec.Mp3, Hex.Bytes("FFFB0000"));
    private static readonly TrackConfig Mp3Low = new(2, Codec.Mp3, Hex.Bytes("FFF300C0"));

    private static readonly TrackConfig Opus =
        new(2, Codec.Opus, Hex.Bytes("4F70757348656164 01 02 3801 80BB0000 0000 00"));

    public static TheoryData<string, TrackConfig[]> Layouts => new()
    {
        { "init-h264-aac.txt", [Avc, Aac] },
        { "init-h265-aac96.txt", [Hevc, Aac96] },
        { "init-av1-opus.txt", [Av1, Opus] },
        { "init-aac-only.txt", [Aac] },
        { "init-he-aac-v2-only.txt", [HeAacV2] },
        { "init-mp3-only.txt", [Mp3] },
        { "init-mp3-22050-only.txt", [Mp3Low] },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Every_byte_is_as_reviewed(string golden, TrackConfig[] tracks)
    {
        var dump = BoxDump.Of(Write(tracks));
        Assert.Equal(GoldenFile.Expected(golden, dump), dump);
    }

    [Fact]
    public void The_name_follows_from_the_content()
    {
        var first = Write(Avc, Aac);
        Assert.Equal(first, Write(Avc with { }, Aac));
        Assert.Matches("^init-[0-9a-f]{8}[.]mp4$", InitSegment.NameOf(first));
        Assert.NotEqual(InitSegment.NameOf(first), InitSegment.NameOf(Write(Avc)));
    }

    [Fact]
    public void Lengths_of_NAL_units_are_said_to_be_four_whatever_the_publisher_used()
    {
        var twoByteLengths = Hex.Bytes(Avcc);
        twoByteLengths[4] = 0xFD;
        var init = Write(Avc with { Record = twoByteLengths });
        Assert.True(BoxReader.TryFind(init, "moov/trak/mdia/minf/stbl/stsd", out var s));
        Assert.Equal(0xFF, s[s.IndexOf("avcC"u8) + 8]);
    }

    [Fact]
    public void A_codec_without_a_sample_entry_is_refused() =>
        Assert.Throws<CodecFormatException>(() => Write(new TrackConfig(1, Codec.Vp9, default)));

    private static byte[] Write(params TrackConfig[] tracks)
    {
        var output = new ArrayBufferWriter<byte>();
        InitSegment.Write(output, [.. tracks.Select(Mp4Track.Of)]);
        return output.WrittenSpan.ToArray();
    }
}
