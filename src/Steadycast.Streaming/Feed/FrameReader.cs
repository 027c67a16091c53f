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

    private readonly TrackState _video = new(VideoTrackId, counters);
    private readonly TrackState _audio = new(AudioTrackId, counters);

    /// <summary>Whether the publisher has said anything of video that can be packaged.</summary>
    public bool HasVideo => _video.Track is not null;

    public void Reset()
    {
        _video.Reset();
        _audio.Reset();
    }

    /// <summary>True when the message holds a frame; its times are still to be filled in.</summary>
    public bool TryRead(RtmpMessageType type, ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        try
        {
            return type switch
            {
                RtmpMessageType.Video => TryReadVideo(payload, out frame),
                RtmpMessageType.Audio => TryReadAudio(payload, out frame),
                _ => false,
            };
        }
        catch (CodecFormatException)
        {
            return Drop(FeedDrop.Malformed);
        }
    }

    private bool TryReadVideo(ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        if (!VideoTagHeader.TryRead(payload.Span, out var header))
            return Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
        if (!TryFindFirstTrack(ref header, payload.Span))
            return false;
        var body = payload.Slice(header.HeaderLength, header.BodyLength);
        var tag = new Tag(header.Codec, header.IsSequenceHeader, header.IsCodedFrame, body);
        if (!TryTake(tag, _video))
            return false;
        if (!TryReadPicture(body.Span, out var bytes, out var isKeyframe))
            return Drop(FeedDrop.Malformed);
        var wallClock = isKeyframe ? WallClock.Read(_video.Track!, body.Span) : null;
        frame = new MediaFrame(_video.Track!, isKeyframe, header.CompositionTimeMs, 0, bytes, 0, 0, wallClock);
        return true;
    }

    private bool TryReadAudio(ReadOnlyMemory<byte> payload, out MediaFrame frame)
    {
        frame = default;
        if (!AudioTagHeader.TryRead(payload.Span, out var header))
            return Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
        if (!TryFindFirstTrack(ref header, payload.Span))
            return false;
        var body = payload.Slice(header.HeaderLength, header.BodyLength);
        var tag = new Tag(header.Codec, header.IsSequenceHeader, header.IsCodedFrame, body);
        // MP3 has no configuration record: each frame says it all.
        if (tag is { Codec: Codec.Mp3, IsCodedFrame: true })
        {
            if (Mp3Config.SamplesOf(body.Span) == 0)
                return Drop(FeedDrop.Malformed);
            _audio.Configure(Codec.Mp3, Mp3Config.Parse(body.Span).Record);
        }

        if (!TryTake(tag, _audio))
            return false;
        // librtmp-based senders end and start with empty frames.
        var samples = _audio.Track!.SamplesOf(body.Span);
        if (samples == 0)
            return Drop(FeedDrop.Malformed);
        frame = new MediaFrame(_audio.Track, true, 0, samples, body.ToArray(), 0, 0);
        return true;
    }

    /// <summary>
    /// Track 0 of a message that may carry several, in any order; the others are counted. False when it is not there.
    /// </summary>
    private bool TryFindFirstTrack<T>(ref T header, ReadOnlySpan<byte> payload)
        where T : struct, ITagHeader<T>
    {
        T? first = null;
        for (var (next, more) = (header, true); more; more = next.TryReadNext(payload, out next))
        {
            if (next.Track == 0)
                first ??= next;
            else if (next.IsSequenceHeader || next.IsCodedFrame)
                counters.Drop(FeedDrop.ExtraTrack);
        }

        header = first ?? default;
        return first is not null;
    }

    /// <summary>True for a coded frame of a track whose configuration is known; takes over a configuration.</summary>
    private bool TryTake(in Tag tag, TrackState state)
    {
        if (!tag.IsSequenceHeader && !tag.IsCodedFrame)
            return false;
        if (tag.Codec is not { } codec || codec == Codec.Vp9)
            return Drop(FeedDrop.UnsupportedCodec);
        if (tag.IsSequenceHeader)
        {
            if (codec != Codec.Mp3)
                state.Announce(codec, tag.Body);
            return false;
        }

        return state.Track?.Config.Codec == codec || Drop(FeedDrop.NoConfiguration);
    }

    /// <summary>
    /// The picture with 4-byte NAL unit lengths, or as OBUs with sizes. Whether decoding can start with it is read from
    /// the coded data: encoders mark open groups of pictures and intra refresh as keyframes too, which a viewer cannot
    /// join at.
    /// </summary>
    private bool TryReadPicture(ReadOnlySpan<byte> body, out ReadOnlyMemory<byte> bytes, out bool isKeyframe)
    {
        (bytes, isKeyframe) = (default, false);
        var track = _video.Track!;
        if (track.Config.Codec == Codec.Av1)
            return TryReadAv1(body, out bytes, out isKeyframe);
        if (!NalUnits.AreWellFormed(body, track.NalLengthSize))
            return false;
        foreach (var nal in NalUnits.Of(body, track.NalLengthSize))
            isKeyframe |= track.Config.Codec == Codec.H264
                ? H264Nal.TypeOf(nal) == H264Nal.IdrSlice
                : H265Nal.TypeOf(nal) is >= H265Nal.FirstIrap and <= H265Nal.LastIrap;
        if (isKeyframe && InBandSets.FindRecord(track, body) is { } record)
            _video.Configure(track.Config.Codec, record);
        bytes = track.NalLengthSize == 4 ? body.ToArray() : WithFourByteLengths(body, track.NalLengthSize);
        return true;
    }

    private bool TryReadAv1(ReadOnlySpan<byte> body, out ReadOnlyMemory<byte> bytes, out bool isKeyframe)
    {
        (bytes, isKeyframe) = (default, false);
        var config = _video.Av1!;
        if (!Av1Sample.TryRead(body, config, out var sample))
            return false;
        // The header that a key frame brings is in force, whatever was announced: some encoders announce none, and some
        // change the picture's size without announcing it.
        if (sample.IsRandomAccess && !sample.SequenceHeader.IsEmpty &&
            !sample.SequenceHeader.Span.SequenceEqual(config.SequenceHeader.Span))
            _video.Configure(Codec.Av1, Av1Config.RecordOf(sample.SequenceHeader.Span));
        (bytes, isKeyframe) = (sample.Bytes, sample.IsRandomAccess);
        return true;
    }

    private static byte[] WithFourByteLengths(ReadOnlySpan<byte> body, int lengthSize)
    {
        var output = new ArrayBufferWriter<byte>(body.Length + 64);
        NalUnits.WriteWithFourByteLengths(output, body, lengthSize);
        return output.WrittenSpan.ToArray();
    }

    private bool Drop(FeedDrop? reason)
    {
        if (reason is { } counted)
            counters.Drop(counted);
        return false;
    }

    /// <summary>What audio and video headers say alike.</summary>
    private readonly record struct Tag(
        Codec? Codec, bool IsSequenceHeader, bool IsCodedFrame, ReadOnlyMemory<byte> Body);
}
