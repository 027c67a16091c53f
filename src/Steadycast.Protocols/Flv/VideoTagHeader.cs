using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Flv;

/// <summary>
/// What a video message carries. 0 to 7 are Enhanced RTMP's VideoPacketType; legacy AVC has 0 to 2 of them.
/// </summary>
public enum VideoPacketType : byte
{
    /// <summary>The decoder configuration record.</summary>
    SequenceStart = 0,

    /// <summary>A coded picture, its composition time before it where the codec has one.</summary>
    CodedFrames = 1,
    SequenceEnd = 2,

    /// <summary>A coded picture whose composition time is 0.</summary>
    CodedFramesX = 3,

    /// <summary>AMF: colour information; not a picture.</summary>
    Metadata = 4,
    Mpeg2TsSequenceStart = 5,
    Multitrack = 6,
    ModEx = 7,

    /// <summary>Ours, for frame type 5: a seek command of a player, no picture.</summary>
    Command = 16,
}

/// <summary>The header before the coded data of one video track in an RTMP or FLV video message.</summary>
/// <param name="PacketType">Never Multitrack or ModEx: those are unwrapped. Above 5: unknown, to be ignored.</param>
/// <param name="Codec">Null: a codec that is only carried.</param>
/// <param name="FourCc">Enhanced RTMP's code, also for legacy AVC; 0 for other legacy codecs.</param>
/// <param name="CompositionTimeMs">PTS minus DTS, -8388608 to 8388607 ms.</param>
/// <param name="HeaderLength">Where the coded data (or the configuration record) starts in the payload.</param>
/// <param name="Track">Enhanced RTMP's track id; 0 for a message without tracks.</param>
public readonly record struct VideoTagHeader(
    VideoPacketType PacketType,
    Codec? Codec,
    uint FourCc,
    bool IsKeyframe,
    int CompositionTimeMs,
    int HeaderLength,
    byte Track) : ITagHeader<VideoTagHeader>
{
    private const byte ExFlag = 0x80;
    private const byte CommandFrame = 5;
    private const byte LegacyAvc = 7;
    private const byte LegacyHevc = 12;
    private const int LegacyAvcHeaderLength = 5;

    /// <summary>Length of this track's coded data, from <see cref="HeaderLength"/>.</summary>
    public int BodyLength { get; private init; }

    private byte MultitrackKind { get; init; }

    public bool IsSequenceHeader => PacketType == VideoPacketType.SequenceStart;

    /// <summary>Whether the body is a coded picture.</summary>
    public bool IsCodedFrame => PacketType is VideoPacketType.CodedFrames or VideoPacketType.CodedFramesX;

    /// <summary>Reads the header of the message's first track; false when it is too short or not understood.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out VideoTagHeader header)
    {
        header = default;
        if (payload.IsEmpty) return false;
        var isEx = (payload[0] & ExFlag) != 0;
        var frameType = (byte)((payload[0] >> 4) & 0x07);
        // 4 is a "generated keyframe", which FLV leaves to servers; it can be decoded like any other.
        var isKeyframe = frameType is 1 or 4;
        var low = (byte)(payload[0] & 0x0F);
        if (!isEx) return TryReadLegacy(payload, low, frameType, isKeyframe, out header);
        if (frameType == CommandFrame && low != (byte)VideoPacketType.Metadata)
        {
            header = new VideoTagHeader(VideoPacketType.Command, null, 0, IsKeyframe: false, 0, 1, 0)
            {
                BodyLength = payload.Length - 1,
            };
            return true;
        }

        return ExHeader.TryRead(payload, low, (byte)VideoPacketType.Multitrack, out var ex)
            && TryFinish(payload, ex, isKeyframe, out header);
    }

    /// <summary>
    /// Reads the header of the track after this one in the same message; false when this was the last.
    /// </summary>
    public bool TryReadNext(ReadOnlySpan<byte> payload, out VideoTagHeader next)
    {
        // A caller's loop passes this very header as the next one: it must not change before it has been read.
        var current = this;
        next = default;
        var kind = (byte)(current.MultitrackKind - 1);
        var end = current.HeaderLength + current.BodyLength;
        return ExHeader.TryReadNext(payload, (byte)current.PacketType, kind, current.FourCc, end, out var ex)
            && TryFinish(payload, ex, current.IsKeyframe, out next);
    }

    private static bool TryReadLegacy(
        ReadOnlySpan<byte> payload, byte codecId, byte frameType, bool isKeyframe, out VideoTagHeader header)
    {
        header = default;
        if (frameType == CommandFrame || codecId is not (LegacyAvc or LegacyHevc))
        {
            var type = frameType == CommandFrame ? VideoPacketType.Command : VideoPacketType.CodedFrames;
            header = new VideoTagHeader(type, null, 0, isKeyframe, 0, 1, 0) { BodyLength = payload.Length - 1 };
            return true;
        }

        if (payload.Length < LegacyAvcHeaderLength || payload[1] > (byte)VideoPacketType.SequenceEnd) return false;
        // 12 was never Adobe's; encoders of the Chinese market send HEVC under it in AVC's layout.
        var codec = codecId == LegacyAvc ? Codecs.Codec.H264 : Codecs.Codec.H265;
        header = new VideoTagHeader(
            (VideoPacketType)payload[1],
            codec,
            Flv.FourCc.Of(codec),
            isKeyframe,
            ReadInt24(payload[2..]),
            LegacyAvcHeaderLength,
            0)
        { BodyLength = payload.Length - LegacyAvcHeaderLength };
        return true;
    }

    private static bool TryFinish(
        ReadOnlySpan<byte> payload, in ExHeader ex, bool isKeyframe, out VideoTagHeader header)
    {
        header = default;
        var start = ex.BodyStart;
        var compositionTime = 0;
        var hasCompositionTime = ex.FourCc is Flv.FourCc.Avc1 or Flv.FourCc.Hvc1 or Flv.FourCc.Vvc1;
        if (ex.PacketType == (byte)VideoPacketType.CodedFrames && hasCompositionTime)
        {
            if (ex.BodyEnd - start < 3) return false;
            compositionTime = ReadInt24(payload[start..]);
            start += 3;
        }

        header = new VideoTagHeader(
            (VideoPacketType)ex.PacketType,
            Flv.FourCc.ToCodec(ex.FourCc),
            ex.FourCc,
            isKeyframe,
            compositionTime,
            start,
            ex.Track)
        {
            BodyLength = ex.BodyEnd - start,
            // Stored plus one, so that default means "no tracks".
            MultitrackKind = (byte)(ex.MultitrackKind + 1),
        };
        return true;
    }

    private static int ReadInt24(ReadOnlySpan<byte> s) => ((sbyte)s[0] << 16) | (s[1] << 8) | s[2];
}
