using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;

namespace Steadycast.Protocols.Tests.Flv;

public sealed class AudioTagHeaderTests
{
    [Theory]
    [InlineData("AF 00 1210", AudioPacketType.SequenceStart, Codec.Aac, 2, 0)]
    [InlineData("AF 01 2110", AudioPacketType.CodedFrames, Codec.Aac, 2, 0)]
    [InlineData("2F FFFB", AudioPacketType.CodedFrames, Codec.Mp3, 1, 0)]
    [InlineData("EF FFFB", AudioPacketType.CodedFrames, Codec.Mp3, 1, 0)]
    [InlineData("B2 AA", AudioPacketType.CodedFrames, null, 1, 0)]
    [InlineData("90 6D703461 1210", AudioPacketType.SequenceStart, Codec.Aac, 5, 0)]
    [InlineData("91 4F707573 AA", AudioPacketType.CodedFrames, Codec.Opus, 5, 0)]
    [InlineData("91 2E6D7033 AA", AudioPacketType.CodedFrames, Codec.Mp3, 5, 0)]
    [InlineData("91 664C6143 AA", AudioPacketType.CodedFrames, null, 5, 0)]
    [InlineData("94 6D703461 00", AudioPacketType.MultichannelConfig, Codec.Aac, 5, 0)]
    [InlineData("95 01 6D703461 02 AA", AudioPacketType.CodedFrames, Codec.Aac, 7, 2)]
    [InlineData("97 02 000001 01 6D703461 AA", AudioPacketType.CodedFrames, Codec.Aac, 10, 0)]
    public void Headers_as_senders_write_them(string hex, AudioPacketType type, Codec? codec, int length, byte track)
    {
        var payload = Hex.Bytes(hex);
        Assert.True(AudioTagHeader.TryRead(payload, out var header));
        Assert.Equal((type, codec, track), (header.PacketType, header.Codec, header.Track));
        Assert.Equal(length, header.HeaderLength);
        Assert.Equal(payload.Length - length, header.BodyLength);
        for (var cut = 0; cut < length; cut++)
        {
            Assert.False(AudioTagHeader.TryRead(payload.AsSpan(0, cut), out var part) && part.HeaderLength > cut);
        }
    }

    [Theory]
    [InlineData("AF")]
    [InlineData("AF 02 00")]
    [InlineData("95 31 6D703461 02 AA")]
    public void What_has_no_meaning_is_refused(string hex) =>
        Assert.False(AudioTagHeader.TryRead(Hex.Bytes(hex), out _));

    [Fact]
    public void Many_tracks_of_one_codec_are_walked()
    {
        var payload = Hex.Bytes("95 11 6D703461 00 000002 AABB 01 000001 CC");
        Assert.True(AudioTagHeader.TryRead(payload, out var header));
        Assert.Equal(((byte)0, 2), (header.Track, header.BodyLength));
        Assert.True(header.TryReadNext(payload, out header));
        Assert.Equal(((Codec?)Codec.Aac, (byte)1, 1), (header.Codec, header.Track, header.BodyLength));
        Assert.False(header.TryReadNext(payload, out _));
    }

    [Fact]
    public void Any_bytes_give_a_body_inside_the_payload_or_nothing() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            bytes ??= [];
            if (bytes.Length % 2 == 1) bytes[0] = (byte)(0x90 | (bytes[0] & 0x0F));
            var inside = true;
            var any = AudioTagHeader.TryRead(bytes, out var header);
            for (var n = 0; any && n < 1000; n++)
            {
                inside &= header.HeaderLength + header.BodyLength <= bytes.Length && header.BodyLength >= 0;
                any = header.TryReadNext(bytes, out header);
            }

            return inside;
        }).QuickCheckThrowOnFailure();
}
