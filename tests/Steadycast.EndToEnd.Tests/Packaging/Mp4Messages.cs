using System.Buffers.Binary;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Mp4;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>A fragmented MP4 of one track, one frame per fragment, as Enhanced RTMP messages.</summary>
internal static class Mp4Messages
{
    private const int VideoEntryLength = 78;
    private const int AudioEntryLength = 28;
    private const uint CompositionFlag = 0x800;

    public static List<MediaMessage> Read(ReadOnlySpan<byte> mp4, Codec codec)
    {
        Assert.True(BoxReader.TryFind(mp4, "moov/trak/mdia/mdhd", out var mdhd));
        var timescale = BinaryPrimitives.ReadUInt32BigEndian(mdhd[12..]);
        Assert.True(BoxReader.TryFind(mp4, "moov/trak/mdia/minf/stbl/stsd", out var stsd));
        var type = codec < Codec.Aac ? RtmpMessageType.Video : RtmpMessageType.Audio;
        byte[] header = [.. Head(codec, 0, isKeyframe: true), .. RecordOf(stsd, codec)];
        var messages = new List<MediaMessage> { new(type, 0, header) };

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
                var milliseconds = Milliseconds((long)time);
                var offset = Milliseconds((long)time + composition) - milliseconds;
                byte[] fields = codec == Codec.H265 ? [(byte)(offset >> 16), (byte)(offset >> 8), (byte)offset] : [];
                // Encoders put a temporal delimiter before each AV1 picture, which MP4 leaves out.
                byte[] delimiter = codec == Codec.Av1 ? [0x12, 0x00] : [];
                byte[] payload = [.. Head(codec, 1, IsKeyframe(box.Body, codec)), .. fields, .. delimiter, .. box.Body];
                messages.Add(new MediaMessage(type, (uint)milliseconds, payload));
            }
        }

        return messages;

        long Milliseconds(long ticks) => (long)Math.Round(ticks * 1000.0 / timescale);
    }

    private static byte[] Head(Codec codec, byte packetType, bool isKeyframe) => codec switch
    {
        Codec.H265 => [(byte)((isKeyframe ? 0x90 : 0xA0) | packetType), .. "hvc1"u8],
        Codec.Av1 => [(byte)((isKeyframe ? 0x90 : 0xA0) | packetType), .. "av01"u8],
        _ => [(byte)(0x90 | packetType), .. "Opus"u8],
    };

    /// <summary>stsd's own fields, the entry's header and its fixed part stand before the entry's boxes.</summary>
    private static byte[] RecordOf(ReadOnlySpan<byte> stsd, Codec codec)
    {
        var entry = stsd[(8 + 8)..];
        var name = codec switch { Codec.H265 => "hvcC", Codec.Av1 => "av1C", _ => "dOps" };
        var length = codec == Codec.Opus ? AudioEntryLength : VideoEntryLength;
        Assert.True(BoxReader.TryFind(entry[length..], name, out var box));
        if (codec != Codec.Opus) return box.ToArray();
        // dOps is the identification header without its magic, in the other byte order.
        return
        [
            .. "OpusHead"u8, 1, box[1], box[3], box[2], box[7], box[6], box[5], box[4], box[9], box[8], .. box[10..],
        ];
    }

    private static bool IsKeyframe(ReadOnlySpan<byte> frame, Codec codec)
    {
        if (codec == Codec.Opus) return true;
        if (codec == Codec.Av1) return frame[0] >> 3 == Av1Obu.SequenceHeader;
        foreach (var nal in NalUnits.Of(frame))
        {
            if (((nal[0] >> 1) & 0x3F) is var type and < 32) return type is >= 16 and <= 23;
        }

        throw new FormatException("A picture without a slice");
    }
}
