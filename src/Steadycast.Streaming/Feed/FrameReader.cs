using System.Buffers;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Reads one publisher's messages: remembers each track's configuration and hands out its frames. Anything that cannot
/// be packaged is counted and left out here, so that what follows deals with sound frames only.
/// </summary>
internal sealed class FrameReader(CutterCounters counters)
{
    private const byte VideoTrackId = 1;
    private const byte AudioTrackId = 2;

    private TrackDescription? _video;
    private TrackDescription? _audio;

    /// <summary>Whether the publisher has said anything of video that can be packaged.</summary>
    public bool HasVideo => _video is not null;

    public void Reset() => (_video, _audio) = (null, null);

    /// <summary>True when the message holds a frame; its times are still to be filled in.</summary>
    public bool TryRead(RtmpMessageType type, ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        return type switch
        {
            RtmpMessageType.Video => TryReadVideo(payload, out frame),
            RtmpMessageType.Audio => TryReadAudio(payload, out frame),
            _ => false,
        };
    }

    private bool TryReadVideo(ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        if (!VideoTagHeader.TryRead(payload.Span, out var header))
            return Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
        var body = payload.Slice(header.HeaderLength, header.BodyLength);
        var tag = new Tag(header.Codec, header.Track, header.IsSequenceHeader, header.IsCodedFrame, body);
        if (!TryTake(tag, VideoTrackId, ref _video))
            return false;
        if (!TryReadPicture(_video!, body.Span, header.IsKeyframe, out var bytes, out var isKeyframe))
            return Drop(FeedDrop.Malformed);
        frame = new MediaFrame(_video!, isKeyframe, header.CompositionTimeMs, 0, bytes, 0, 0);
        return true;
    }

    private bool TryReadAudio(ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        if (!AudioTagHeader.TryRead(payload.Span, out var header))
            return Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
        var body = payload.Slice(header.HeaderLength, header.BodyLength);
        var tag = new Tag(header.Codec, header.Track, header.IsSequenceHeader, header.IsCodedFrame, body);
        if (!TryTake(tag, AudioTrackId, ref _audio))
            return false;
        // librtmp-based senders end and start with empty frames.
        if (body.IsEmpty)
            return Drop(FeedDrop.Malformed);
        var samples = header.Codec == Codec.Opus ? OpusSamples(body.Span) : _audio!.SamplesPerFrame;
        frame = new MediaFrame(_audio!, true, 0, samples, body.ToArray(), 0, 0);
        return true;
    }

    /// <summary>True for a coded frame of a track whose configuration is known; takes over a configuration.</summary>
    private bool TryTake(in Tag tag, byte trackId, ref TrackDescription? track)
    {
        if (!tag.IsSequenceHeader && !tag.IsCodedFrame)
            return false;
        if (tag.Track != 0)
            return Drop(FeedDrop.ExtraTrack);
        if (tag.Codec is not { } codec)
            return Drop(FeedDrop.UnsupportedCodec);
        if (tag.IsSequenceHeader)
        {
            Configure(ref track, new TrackConfig(trackId, codec, tag.Body));
            return false;
        }

        if (track?.Config.Codec == codec)
            return true;
        return Drop(codec == Codec.Mp3 ? FeedDrop.UnsupportedCodec : FeedDrop.NoConfiguration);
    }

    private void Configure(ref TrackDescription? track, TrackConfig config)
    {
        // Encoders repeat the same record, some before every keyframe (SRS #4695): only other bytes are a change.
        if (track is not null && track.Config.Equals(config))
            return;
        try
        {
            if (config.Record.Length > FeedCodec.MaxTrackRecordBytes)
                throw new CodecFormatException(config.Codec.ToString(), config.Record.Length, "The record is too long");
            var described = TrackDescription.Of(config with { Record = config.Record.ToArray() });
            if (!config.IsVideo && (described.SampleRate <= 0 || described.SamplesPerFrame <= 0))
                throw new CodecFormatException(config.Codec.ToString(), 0, "No sample rate");
            track = described;
        }
        catch (CodecFormatException)
        {
            // The track goes on as it was: a record that no decoder can read cannot be what its frames need.
            var isUnsupported = config.Codec is Codec.Vp9 or Codec.Mp3;
            counters.Drop(isUnsupported ? FeedDrop.UnsupportedCodec : FeedDrop.BadConfiguration);
        }
    }

    /// <summary>
    /// The picture with 4-byte NAL unit lengths. Whether decoding can start with it is read from its NAL units:
    /// encoders mark open groups of pictures and intra refresh as keyframes too, which a viewer cannot join at.
    /// </summary>
    private static bool TryReadPicture(
        TrackDescription track, ReadOnlySpan<byte> body, bool markedKeyframe, out byte[] bytes, out bool isKeyframe)
    {
        (bytes, isKeyframe) = ([], markedKeyframe);
        if (body.IsEmpty)
            return false;
        if (track.NalLengthSize == 0)
        {
            bytes = body.ToArray();
            return true;
        }

        if (!NalUnits.AreWellFormed(body, track.NalLengthSize))
            return false;
        isKeyframe = false;
        foreach (var nal in NalUnits.Of(body, track.NalLengthSize))
            isKeyframe |= track.Config.Codec == Codec.H264
                ? H264Nal.TypeOf(nal) == H264Nal.IdrSlice
                : H265Nal.TypeOf(nal) is >= H265Nal.FirstIrap and <= H265Nal.LastIrap;
        bytes = track.NalLengthSize == 4 ? body.ToArray() : WithFourByteLengths(body, track.NalLengthSize);
        return true;
    }

    private static byte[] WithFourByteLengths(ReadOnlySpan<byte> body, int lengthSize)
    {
        var output = new ArrayBufferWriter<byte>(body.Length + 64);
        NalUnits.WriteWithFourByteLengths(output, body, lengthSize);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Samples at 48 kHz of an Opus packet, from its first bytes (RFC 6716, section 3.1).</summary>
    private static int OpusSamples(ReadOnlySpan<byte> packet)
    {
        var config = packet[0] >> 3;
        var perFrame = config switch
        {
            < 12 => (config & 3) switch { 0 => 480, 1 => 960, 2 => 1920, _ => 2880 },
            < 16 => (config & 1) == 0 ? 480 : 960,
            _ => 120 << (config & 3),
        };
        var frames = (packet[0] & 3) switch
        {
            0 => 1,
            1 or 2 => 2,
            _ => packet.Length > 1 ? Math.Clamp(packet[1] & 0x3F, 1, 48) : 1,
        };
        return perFrame * frames;
    }

    private bool Drop(FeedDrop? reason)
    {
        if (reason is { } counted)
            counters.Drop(counted);
        return false;
    }

    /// <summary>What audio and video headers say alike.</summary>
    private readonly record struct Tag(
        Codec? Codec, byte Track, bool IsSequenceHeader, bool IsCodedFrame, ReadOnlyMemory<byte> Body);
}
