using System.Buffers.Binary;
using Steadycast.Protocols.Mp4;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>A fragmented MP4 of HEVC, one picture per fragment, as Enhanced RTMP messages.</summary>
internal static class HevcMessages
{
    private const byte SequenceStart = 0x90;
    private const byte CodedKeyframe = 0x91;
    private const byte CodedInterFrame = 0xA1;
    private const uint CompositionFlag = 0x800;

    public static List<MediaMessage> Read(ReadOnlySpan<byte> mp4)
    {
        Assert.True(BoxReader.TryFind(mp4, "moov/trak/mdia/mdhd", out var mdhd));
        var timescale = BinaryPrimitives.ReadUInt32BigEndian(mdhd[12..]);
        Assert.True(BoxReader.TryFind(mp4, "moov/trak/mdia/minf/stbl/stsd", out var stsd));
        // stsd's own fields, the entry's header and its fixed part (14496-12, 12.1.3) stand before the entry's boxes.
        Assert.True(BoxReader.TryFind(stsd[(8 + 8 + 78)..], "hvcC", out var hvcc));
        var messages = new List<MediaMessage> { new(RtmpMessageType.Video, 0, Tag(SequenceStart, [], hvcc)) };

        ulong time = 0;
        var composition = 0;
        var reader = new BoxReader(mp4);
        while (reader.TryRead(out var box))
        {
            if (box.Is("moof"u8))
            {
                Assert.True(BoxReader.TryFind(box.Body, "traf/tfdt", out var tfdt));
                Assert.True(BoxReader.TryFind(box.Body, "traf/trun", out var trun));
                time = tfdt[0] == 1
                    ? BinaryPrimitives.ReadUInt64BigEndian(tfdt[4..])
                    : BinaryPrimitives.ReadUInt32BigEndian(tfdt[4..]);
                var flags = BinaryPrimitives.ReadUInt32BigEndian(trun) & 0xFFFFFF;
                composition = (flags & CompositionFlag) != 0 ? BinaryPrimitives.ReadInt32BigEndian(trun[^4..]) : 0;
            }
            else if (box.Is("mdat"u8))
            {
                var nalType = (FirstSlice(box.Body) >> 1) & 0x3F;
                var milliseconds = Milliseconds((long)time);
                var offset = Milliseconds((long)time + composition) - milliseconds;
                messages.Add(new MediaMessage(
                    RtmpMessageType.Video,
                    (uint)milliseconds,
                    Tag(
                        nalType is >= 16 and <= 23 ? CodedKeyframe : CodedInterFrame,
                        [(byte)(offset >> 16), (byte)(offset >> 8), (byte)offset],
                        box.Body)));
            }
        }

        return messages;

        long Milliseconds(long ticks) => (long)Math.Round(ticks * 1000.0 / timescale);
    }

    private static byte FirstSlice(ReadOnlySpan<byte> picture)
    {
        foreach (var nal in Protocols.Codecs.NalUnits.Of(picture))
        {
            if (((nal[0] >> 1) & 0x3F) < 32) return nal[0];
        }

        throw new FormatException("A picture without a slice");
    }

    private static byte[] Tag(byte first, ReadOnlySpan<byte> composition, ReadOnlySpan<byte> body) =>
        [first, .. "hvc1"u8, .. composition, .. body];
}
