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
    private readonly TrackState _video = new(FeedTracks.Video, counters);

    /// <summary>By Enhanced RTMP's track number; the first one is the sound that goes with the pictures.</summary>
    private readonly TrackState[] _audio =
    [
        .. Enumerable.Range(FeedTracks.Audio, FeedTracks.LastExtra - FeedTracks.Audio + 1)
            .Select(trackId => new TrackState((byte)trackId, counters)),
    ];

    // Of the message that is read now; used again for the next one.
    private readonly List<VideoTagHeader> _videoTracks = [];
    private readonly List<AudioTagHeader> _audioTracks = [];

    /// <summary>Whether the publisher has said anything of video that can be packaged.</summary>
    public bool HasVideo => _video.Track is not null;

    public void Reset()
    {
        _video.Reset();
        foreach (var audio in _audio)
            audio.Reset();
    }

    /// <summary>Appends a message's frames, one of a track; their times are still to be filled in.</summary>
    public void Read(RtmpMessageType type, ReadOnlyMemory<byte> payload, List<MediaFrame> frames)
    {
        if (type == RtmpMessageType.Video)
            ReadVideo(payload, frames);
        else if (type == RtmpMessageType.Audio)
            ReadAudio(payload, frames);
    }

    private void ReadVideo(ReadOnlyMemory<byte> payload, List<MediaFrame> frames)
    {
        if (!VideoTagHeader.TryRead(payload.Span, out var header))
        {
            Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
            return;
        }

        foreach (var track in TracksOf(header, payload.Span, _videoTracks))
        {
            if (track.Track > 0)
                DropExtra(track);
            else if (TryRead(track, payload.Slice(track.HeaderLength, track.BodyLength), out var frame))
                frames.Add(frame);
        }
    }

    private void ReadAudio(ReadOnlyMemory<byte> payload, List<MediaFrame> frames)
    {
        if (!AudioTagHeader.TryRead(payload.Span, out var header))
        {
            Drop(payload.IsEmpty ? null : FeedDrop.Malformed);
            return;
        }

        foreach (var track in TracksOf(header, payload.Span, _audioTracks))
        {
            // Nothing is cut by the tracks beside the first: they wait for it, or for pictures.
            if (track.Track >= _audio.Length)
                DropExtra(track);
            else if (track is { Track: > 0, IsCodedFrame: true } && !HasVideo && _audio[0].Track is null)
                Drop(FeedDrop.NoConfiguration);
            else if (TryRead(track, payload.Slice(track.HeaderLength, track.BodyLength), out var frame))
                frames.Add(frame);
        }
    }

    /// <summary>The tracks of a message, in the order in which they stand; of two with one number the first.</summary>
    private static List<T> TracksOf<T>(T header, ReadOnlySpan<byte> payload, List<T> tracks)
        where T : struct, ITagHeader<T>
    {
        tracks.Clear();
        for (var more = true; more; more = header.TryReadNext(payload, out header))
        {
            var isKnown = false;
            foreach (var track in tracks)
                isKnown |= track.Track == header.Track;
            if (!isKnown)
                tracks.Add(header);
        }

        return tracks;
    }

    private void DropExtra<T>(T track)
        where T : struct, ITagHeader<T>
    {
        if (track.IsSequenceHeader || track.IsCodedFrame)
            counters.Drop(FeedDrop.ExtraTrack);
    }

    private bool TryRead(in VideoTagHeader header, ReadOnlyMemory<byte> body, out MediaFrame frame)
    {
        frame = default;
        try
        {
            return TryReadVideo(header, body, out frame);
        }
        catch (CodecFormatException)
        {
            return Drop(FeedDrop.Malformed);
        }
    }

    private bool TryRead(in AudioTagHeader header, ReadOnlyMemory<byte> body, out MediaFrame frame)
    {
        frame = default;
        try
        {
            return TryReadAudio(header, body, out frame);
        }
        catch (CodecFormatException)
        {
            return Drop(FeedDrop.Malformed);
        }
    }

    private bool TryReadVideo(in VideoTagHeader header, ReadOnlyMemory<byte> body, out MediaFrame frame)
    {
        frame = default;
        var tag = new Tag(header.Codec, header.IsSequenceHeader, header.IsCodedFrame, body);
        if (!TryTake(tag, _video))
            return false;
        if (!TryReadPicture(body.Span, out var bytes, out var isKeyframe))
            return Drop(FeedDrop.Malformed);
        var wallClock = isKeyframe ? WallClock.Read(_video.Track!, body.Span) : null;
        frame = new MediaFrame(_video.Track!, isKeyframe, header.CompositionTimeMs, 0, bytes, 0, 0, wallClock);
        return true;
    }

    private bool TryReadAudio(in AudioTagHeader header, ReadOnlyMemory<byte> body, out MediaFrame frame)
    {
        frame = default;
        var state = _audio[header.Track];
        var tag = new Tag(header.Codec, header.IsSequenceHeader, header.IsCodedFrame, body);
        // MP3 has no configuration record: each frame says it all.
        if (tag is { Codec: Codec.Mp3, IsCodedFrame: true })
        {
            if (Mp3Config.SamplesOf(body.Span) == 0)
                return Drop(FeedDrop.Malformed);
            state.Configure(Codec.Mp3, Mp3Config.Parse(body.Span).Record);
        }

        if (!TryTake(tag, state))
            return false;
        // librtmp-based senders end and start with empty frames.
        var samples = state.Track!.SamplesOf(body.Span);
        if (samples == 0)
            return Drop(FeedDrop.Malformed);
        frame = new MediaFrame(state.Track, true, 0, samples, body.ToArray(), 0, 0);
        return true;
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
