using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>How a publisher is, as far as the wire says it without decoding.</summary>
/// <remarks>
/// <para>
/// It makes progress when a coded picture comes whose timestamp is another than the newest (a sound, as long as it has
/// sent no video). No message at all, audio without pictures, and the same timestamp over and over are no progress. A
/// camera that froze behind an encoder that goes on is not seen here: its pictures are new to the wire.
/// </para>
/// <para>Written by the stream's writer; read from anywhere.</para>
/// </remarks>
internal sealed class PublisherVitals(TimeProvider time, long bornAt)
{
    // Timestamps that go back by less are the jitter of a bad clock; by more, another timeline, which is news.
    private const int OtherTimelineMs = 1000;

    private long lastMessageAt = bornAt;
    private long lastProgressAt = bornAt;
    private long steadySince = bornAt;
    private uint newest;
    private bool hasProgress;
    private bool hasVideo;

    /// <summary>How long no message has come.</summary>
    public TimeSpan SilentFor(long now) => time.GetElapsedTime(Volatile.Read(ref lastMessageAt), now);

    /// <summary>How long nothing new has come; never less than <see cref="SilentFor"/>.</summary>
    public TimeSpan StillFor(long now) => time.GetElapsedTime(LastProgressAt, now);

    /// <summary>How long progress has been without a gap of the length that <see cref="Took"/> was told.</summary>
    public TimeSpan SteadyFor(long now) =>
        hasProgress ? time.GetElapsedTime(Volatile.Read(ref steadySince), now) : TimeSpan.Zero;

    /// <summary>When something new came last, as a timestamp.</summary>
    public long LastProgressAt => Volatile.Read(ref lastProgressAt);

    /// <summary>A message has come.</summary>
    /// <param name="isCoded">A picture or a sound: no header, no data.</param>
    /// <param name="gap">Progress after a longer pause than this begins a new steady time.</param>
    public void Took(RtmpMessageType type, bool isCoded, uint timestamp, long now, TimeSpan gap)
    {
        Volatile.Write(ref lastMessageAt, now);
        bool isVideo = type == RtmpMessageType.Video;
        if (!isCoded || (hasVideo && !isVideo))
            return;
        int step = (int)(timestamp - newest);
        bool isFirst = !hasProgress || (isVideo && !hasVideo);
        if (!isFirst && step <= 0 && step > -OtherTimelineMs)
            return;
        if (!hasProgress || StillFor(now) >= gap)
            Volatile.Write(ref steadySince, now);
        (newest, hasProgress, hasVideo) = (timestamp, true, isVideo);
        Volatile.Write(ref lastProgressAt, now);
    }
}
