using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;

namespace Steadycast.Protocols.Tests.Flv;

public sealed class VideoTagHeaderTests
{
    [Theory]
    // Legacy AVC: ffmpeg, OBS without Enhanced RTMP.
    [InlineData("17 00 000000 AA", VideoPacketType.SequenceStart, Codec.H264, true, 0, 5, 0)]
    [InlineData("17 01 000050 AA", VideoPacketType.CodedFrames, Codec.H264, true, 80, 5, 0)]
    [InlineData("27 01 FFFFD8 AA", VideoPacketType.CodedFrames, Codec.H264, false, -40, 5, 0)]
    [InlineData("27 01 800000 AA", VideoPacketType.CodedFrames, Codec.H264, false, -8388608, 5, 0)]
    [InlineData("47 01 000000 AA", VideoPacketType.CodedFrames, Codec.H264, true, 0, 5, 0)]
    [InlineData("17 02 000000", VideoPacketType.SequenceEnd, Codec.H264, true, 0, 5, 0)]
    [InlineData("1C 00 000000 AA", VideoPacketType.SequenceStart, Codec.H265, true, 0, 5, 0)]
    [InlineData("22 AA BB", VideoPacketType.CodedFrames, null, false, 0, 1, 0)]
    [InlineData("57 00", VideoPacketType.Command, null, false, 0, 1, 0)]
    // Enhanced RTMP v1.
    [InlineData("90 68766331 AA", VideoPacketType.SequenceStart, Codec.H265, true, 0, 5, 0)]
    [InlineData("91 68766331 FFFFFF AA", VideoPacketType.CodedFrames, Codec.H265, true, -1, 8, 0)]
    [InlineData("A3 68766331 AA", VideoPacketType.CodedFramesX, Codec.H265, false, 0, 5, 0)]
    [InlineData("91 61763031 AA", VideoPacketType.CodedFrames, Codec.Av1, true, 0, 5, 0)]
    [InlineData("91 76703039 AA", VideoPacketType.CodedFrames, Codec.Vp9, true, 0, 5, 0)]
    [InlineData("94 68766331 02", VideoPacketType.Metadata, Codec.H265, true, 0, 5, 0)]
    [InlineData("91 76766331 000001 AA", VideoPacketType.CodedFrames, null, true, 1, 8, 0)]
    [InlineData("D1 00", VideoPacketType.Command, null, false, 0, 1, 0)]
    // v2: ModEx (a nanosecond offset) before coded frames; a long ModEx; two of them.
    [InlineData("97 02 0001F4 01 61766331 000028 AA", VideoPacketType.CodedFrames, Codec.H264, true, 40, 13, 0)]
    [InlineData("97 FF 0001 0102 03 61766331 AA", VideoPacketType.CodedFramesX, Codec.H264, true, 0, 11, 0)]
    [InlineData("97 00 00 07 00 00 01 61766331 000000 AA", VideoPacketType.CodedFrames, Codec.H264, true, 0, 14, 0)]
    // v2: multitrack, one track of id 3.
    [InlineData("96 01 61766331 03 000000 AA", VideoPacketType.CodedFrames, Codec.H264, true, 0, 10, 3)]
    public void Headers_as_senders_write_them(
        string hex, VideoPacketType type, Codec? codec, bool key, int composition, int length, byte track)
    {
        var payload = Hex.Bytes(hex);
        Assert.True(VideoTagHeader.TryRead(payload, out var header));
        Assert.Equal(
            (type, codec, key, composition, length, track),
            (header.PacketType, header.Codec, header.IsKeyframe, header.CompositionTimeMs, header.HeaderLength,
                header.Track));
        Assert.Equal(payload.Length - length, header.BodyLength);
        Assert.False(header.TryReadNext(payload, out _));
        for (var cut = 0; cut < length; cut++)
        {
            Assert.False(VideoTagHeader.TryRead(payload.AsSpan(0, cut), out var part) && part.HeaderLength > cut);
        }
    }

    [Theory]
    [InlineData("17 03 000000 AA")]
    [InlineData("96 31 61766331 00 AA")]
    [InlineData("96 06 61766331 00 AA")]
    [InlineData("96 11 61766331 00 000005 AA")]
    [InlineData("97 05 00 01")]
    public void What_has_no_meaning_is_refused(string hex) =>
        Assert.False(VideoTagHeader.TryRead(Hex.Bytes(hex), out _));

    [Fact]
    public void Endless_ModEx_is_refused()
    {
        var payload = new byte[3000];
        payload[0] = 0x97;
        for (var i = 3; i < payload.Length; i += 3) payload[i] = 0x07;
        Assert.False(VideoTagHeader.TryRead(payload, out _));
    }

    [Fact]
    public void Many_tracks_of_many_codecs_are_walked()
    {
        var payload = Hex.Bytes(
            "96 21 61766331 00 000005 000028 AABB  68766331 01 000004 000000 CC  61763031 02 000000");
        Assert.True(VideoTagHeader.TryRead(payload, out var header));
        Assert.Equal(((Codec?)Codec.H264, (byte)0, 2), (header.Codec, header.Track, header.BodyLength));
        Assert.Equal(40, header.CompositionTimeMs);
        Assert.Equal(0xAA, payload[header.HeaderLength]);
        Assert.True(header.TryReadNext(payload, out header));
        Assert.Equal(((Codec?)Codec.H265, (byte)1, 1), (header.Codec, header.Track, header.BodyLength));
        Assert.Equal(0xCC, payload[header.HeaderLength]);
        Assert.True(header.TryReadNext(payload, out header));
        Assert.Equal(((Codec?)Codec.Av1, (byte)2, 0), (header.Codec, header.Track, header.BodyLength));
        Assert.False(header.TryReadNext(payload, out _));
    }

    [Fact]
    public void Any_bytes_give_a_body_inside_the_payload_or_nothing() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            bytes ??= [];
            // Half of the cases with the Enhanced RTMP flag, where the longer headers are.
            if (bytes.Length % 2 == 1) bytes[0] |= 0x90;
            var inside = true;
            var any = VideoTagHeader.TryRead(bytes, out var header);
            for (var n = 0; any && n < 1000; n++)
            {
                inside &= header.HeaderLength + header.BodyLength <= bytes.Length && header.BodyLength >= 0;
                any = header.TryReadNext(bytes, out header);
            }

            return inside;
        }).QuickCheckThrowOnFailure();
}
