using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Mp4;
using Steadycast.TestPeers;

namespace Steadycast.Protocols.Tests.Mp4;

public sealed class MediaFragmentTests
{
    private static readonly FragmentTrack Video = new(1, 0x1_0000_0000, 0,
    [
        new FragmentSample(3003, 6006, true, Hex.Bytes("00000002 6588")),
        new FragmentSample(3003, -3003, false, Hex.Bytes("00000001 41")),
    ]);

    private static readonly FragmentTrack Audio = new(2, 44100, 1024,
    [
        new FragmentSample(1024, 0, true, Hex.Bytes("2110")),
        new FragmentSample(1024, 0, true, Hex.Bytes("211005")),
    ]);

    private static readonly FragmentTrack AudioWithJump = Audio with
    {
        Samples = [Audio.Samples[0] with { Duration = 5000 }, Audio.Samples[1]],
    };

    public static TheoryData<string, FragmentTrack[]> Layouts => new()
    {
        { "fragment-video-audio.txt", [Video, Audio] },
        { "fragment-audio-with-jump.txt", [AudioWithJump] },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void Every_byte_is_as_reviewed(string golden, FragmentTrack[] tracks)
    {
        var dump = BoxDump.Of(Write(0xFEDCBA98, tracks));
        Assert.Equal(GoldenFile.Expected(golden, dump), dump);
    }

    [Fact]
    public void Data_offsets_point_at_each_tracks_samples()
    {
        var bytes = Write(1, Video, Audio);
        Assert.True(BoxReader.TryFind(bytes, "moof", out var moof));
        var media = 8 + moof.Length + 8;
        Assert.Equal("0000000265880000000141" + "2110" + "211005", Convert.ToHexString(bytes.AsSpan(media)));
        Assert.Equal(media, OffsetOf(moof, track: 0));
        Assert.Equal(media + 11, OffsetOf(moof, track: 1));
    }

    [Fact]
    public void A_fragment_without_samples_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Write(1));
        Assert.Throws<ArgumentException>(() => Write(1, Video with { Samples = [] }));
    }

    [Fact]
    public void Damage_is_seen()
    {
        var bytes = Write(1, Video, Audio);
        Assert.True(MediaFragment.IsWhole(bytes));
        for (var cut = 0; cut < bytes.Length; cut++) Assert.False(MediaFragment.IsWhole(bytes.AsSpan(0, cut)));
        Assert.False(MediaFragment.IsWhole([.. bytes, 0]));
        Assert.True(BoxReader.TryFind(bytes, "moof", out var moof));
        Assert.False(MediaFragment.IsWhole(bytes.AsSpan(8 + moof.Length)));
    }

    [Fact]
    public void Any_bytes_can_be_walked() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            var reader = new BoxReader(bytes ?? []);
            while (reader.TryRead(out _)) { }
            MediaFragment.IsWhole(bytes ?? []);
            BoxReader.TryFind(bytes ?? [], "moof/traf", out _);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("00000010 66726565 0000000000000000", true)]
    [InlineData("00000001 66726565 0000000000000010", true)]
    [InlineData("00000000 66726565 0102", true)]
    [InlineData("00000001 66726565 000000000000000F", false)]
    [InlineData("00000001 66726565 8000000000000010", false)]
    [InlineData("00000007 66726565", false)]
    [InlineData("00000009 66726565", false)]
    public void Sizes_of_every_form_are_walked_or_refused(string hex, bool whole)
    {
        var reader = new BoxReader(Hex.Bytes(hex));
        Assert.Equal(whole, reader.TryRead(out _));
        Assert.Equal(whole, reader.AtEnd);
    }

    private static int OffsetOf(ReadOnlySpan<byte> moof, int track)
    {
        var reader = new BoxReader(moof);
        for (var trafs = -1; reader.TryRead(out var box);)
        {
            if (!box.Is("traf"u8) || ++trafs != track) continue;
            Assert.True(BoxReader.TryFind(box.Body, "trun", out var trun));
            return (trun[8] << 24) | (trun[9] << 16) | (trun[10] << 8) | trun[11];
        }

        return -1;
    }

    private static byte[] Write(uint sequence, params FragmentTrack[] tracks)
    {
        var output = new ArrayBufferWriter<byte>();
        MediaFragment.Write(output, sequence, tracks);
        return output.WrittenSpan.ToArray();
    }
}
