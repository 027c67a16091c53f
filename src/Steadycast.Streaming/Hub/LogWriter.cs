using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>What messages of the publisher on air become in the stream's log.</summary>
/// <remarks>Used by the stream's writer only.</remarks>
internal sealed class LogWriter(LiveStream stream, StreamLog log, TimeProvider time, HubMetrics metrics)
{
    // A camera whose video failed goes on as audio: after this long one may join it without a keyframe.
    private static readonly TimeSpan VideoGone = TimeSpan.FromSeconds(10);

    private readonly Timeline timeline = new();
    private TrackHeaders headersBefore = TrackHeaders.None;
    private long lastVideoAt;
    private bool hasVideo;
    private bool videoStarted;

    /// <summary>Another publisher from here on, or none.</summary>
    public void Begin()
    {
        if (log.Headers != TrackHeaders.None)
            headersBefore = log.Headers;
        log.EndPublication();
        timeline.Begin();
        (hasVideo, videoStarted) = (false, false);
    }

    /// <summary>One message of the publisher on air.</summary>
    public void Append(Publication from, in MediaMessage message, in MessageKind kind, long now, long arrivedAt)
    {
        LogMessageFlags flags = kind.Flags;
        TrackHeaders headers = log.Headers;
        if (kind.HeaderKey != 0)
            headers = HeadersWith(message, kind, ref flags);

        bool isKeyframe = flags.Has(LogMessageFlags.Keyframe);
        if (message.Type == RtmpMessageType.Video && !CanTakeVideo(kind, isKeyframe, now))
        {
            metrics.Dropped("before_keyframe");
            return;
        }

        if (hasVideo && message.Type == RtmpMessageType.Audio && time.GetElapsedTime(lastVideoAt, now) > VideoGone)
            hasVideo = false;
        bool isSound = kind.IsCoded && message.Type == RtmpMessageType.Audio;
        var entry = new LogEntry
        {
            Type = message.Type,
            Flags = flags,
            PublicationNumber = from.Number,
            AppendedAt = now,
            ArrivedAt = arrivedAt,
            WireTimestamp = message.Timestamp,
            TimeMs = kind.IsCoded ? timeline.OfMedia(message.Timestamp) : timeline.OfOther(message.Timestamp),
            IsJoinPoint = isKeyframe || (isSound && !hasVideo),
        };
        if (!log.Append(entry, message.Payload.Span, headers, stream))
            metrics.NotReplayable();
        metrics.Appended(message.Payload.Length);
    }

    private bool CanTakeVideo(in MessageKind kind, bool isKeyframe, long now)
    {
        lastVideoAt = now;
        if (!hasVideo)
        {
            // Who joined the audio alone a moment ago just reads on; who joins from now on waits for the picture.
            hasVideo = true;
            log.ForgetJoin();
        }

        videoStarted |= isKeyframe;
        return videoStarted || kind.HeaderKey != 0;
    }

    private TrackHeaders HeadersWith(in MediaMessage message, in MessageKind kind, ref LogMessageFlags flags)
    {
        TrackHeaders headers = log.Headers;
        if (headers.Has(message, kind))
        {
            flags |= LogMessageFlags.Repeated;
            return headers;
        }

        // The publisher before had the same: who has got it then needs it not again.
        TrackHeader header = headersBefore.Has(message, kind)
            ? headersBefore.Find(kind.HeaderKey)!
            : TrackHeader.Of(message, kind);
        if (headers.With(header) is { } changed)
            return changed;
        metrics.Dropped("too_many_tracks");
        return headers;
    }
}
