using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;
using Steadycast.TestPeers;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class WallClockTests
{
    // 2024-05-31T12:26:03.591Z, and a time whose number has zeros that an encoder must escape.
    private const long Time = 1_717_158_363_591;
    private const long EscapedTime = 0x0000_0180_0000_0001;

    private static readonly byte[] Avcc = Hex.Bytes(
        "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800");

    private static readonly byte[] Hvcc = Hex.Bytes(
        "0101600000009000000000003cf000fcfdf8f800000f02210001002942010101600000030090000003000003003ca00a480b9c95965" +
        "66924caf01680800001f480003a980422000100074401c172b46240");

    private static readonly byte[] Av1 = Hex.Bytes("81000c000a0b000000043d06d402f80040");

    public static TheoryData<Codec> Codecs => [Codec.H264, Codec.H265, Codec.Av1];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_keyframe_says_when_it_was_composed(Codec codec)
    {
        var (track, picture) = Picture(codec);
        Assert.Null(WallClock.Read(track, picture));
        Assert.Equal(Time, Read(BroadcastMetrics.Text(Time)));
        Assert.Equal(Time - 7_200_000, Read(BroadcastMetrics.Text(Time, "+02:00")));
        Assert.Equal(Time, Read(BroadcastMetrics.Number(Time)));
        Assert.Equal(EscapedTime, Read(BroadcastMetrics.Number(EscapedTime)));

        long? Read(byte[] message) => WallClock.Read(track, BroadcastMetrics.In(picture, codec, message));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_says_something_else_says_no_time(Codec codec)
    {
        var (track, picture) = Picture(codec);
        var message = BroadcastMetrics.Text(Time);
        byte[][] others =
        [
            [.. "x264 - core 164 -"u8, .. message],
            message[..16],
            message[..17],
            message[..30],
            BroadcastMetrics.Text(Time, "?"),
            [.. message[..16], 0, 9, 1, .. message[19..]],
            [.. message[..16], 0, 3, 1, 0, 0, 0, 0, 0, 0, 0, 9],
            [.. message[..16], 0, 2, 1, .. Enumerable.Repeat((byte)0xFF, 8)],
            [.. message[..16], 0, 2, 4, 0, 0, 0, 0, 0, 0, 0, 9],
            [.. message[..16], 0, 1, 1, .. Enumerable.Repeat((byte)'1', 400), 0],
        ];
        foreach (var other in others)
            Assert.Null(WallClock.Read(track, BroadcastMetrics.In(picture, codec, other)));
    }

    [Fact]
    public void Other_messages_before_it_are_passed_over()
    {
        var (track, picture) = Picture(Codec.H264);
        // buffering_period and pic_timing in one NAL unit of its own, then a long text of the encoder's.
        byte[] first = [0, 0, 0, 9, 6, 0, 2, 1, 2, 1, 1, 9, 0x80];
        var second = BroadcastMetrics.In([], Codec.H264, [.. new byte[300]]);
        var marked = BroadcastMetrics.In(picture, Codec.H264, BroadcastMetrics.Text(Time));
        Assert.Equal(Time, WallClock.Read(track, [.. first, .. second, .. marked]));
    }

    [Fact]
    public void Damage_of_any_kind_is_no_time_or_a_format_exception() =>
        Prop.ForAll<int, int, byte>((which, place, value) =>
        {
            var codec = ((Codec[])[Codec.H264, Codec.H265, Codec.Av1])[(which & 0xFFFF) % 3];
            var (track, picture) = Picture(codec);
            var marked = BroadcastMetrics.In(picture, codec, BroadcastMetrics.Text(Time));
            marked[(place & 0xFFFF) % marked.Length] ^= value;
            try
            {
                WallClock.Read(track, marked);
            }
            catch (CodecFormatException)
            {
                // The one exception that a reader may throw.
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static (TrackDescription Track, byte[] Picture) Picture(Codec codec)
    {
        var record = codec switch { Codec.H264 => Avcc, Codec.H265 => Hvcc, _ => Av1 };
        var picture = codec switch
        {
            Codec.H264 => "00000003 65AABB",
            Codec.H265 => "00000004 2601AABB",
            _ => "3203 10AABB",
        };
        return (TrackDescription.Of(new TrackConfig(1, codec, record)), Hex.Bytes(picture));
    }
}
