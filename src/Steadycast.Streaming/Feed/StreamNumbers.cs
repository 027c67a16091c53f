using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>What an ingest must remember of a stream so that it never says anything twice, or backwards.</summary>
/// <param name="NextMsn">
/// The number of the next segment that ends; a segment that has only begun does not use its up.
/// </param>
/// <param name="EpochId">The newest epoch that has begun.</param>
/// <param name="DiscontinuitySequence">Of the last segment that ended.</param>
/// <param name="AnchorUtcMs">UTC, Unix milliseconds, of media time 0.</param>
/// <param name="TargetDurationSeconds">Frozen.</param>
/// <param name="EndTime">No later access unit lies before this media time, in 1/90000 s.</param>
/// <param name="AllIndependent">Whether every segment that ended began with a keyframe.</param>
/// <param name="HasSegments">Whether any segment has ended.</param>
/// <param name="ExtraTracks">
/// The audio tracks beside the first one that any segment had, a bit each: their playlists are kept for ever.
/// </param>
internal sealed record StreamNumbers(
    long NextMsn,
    uint EpochId,
    long DiscontinuitySequence,
    long AnchorUtcMs,
    int TargetDurationSeconds,
    long EndTime,
    bool AllIndependent,
    bool HasSegments,
    int ExtraTracks = 0)
{
    private const long NumbersBeginUtcMs = 1_735_689_600_000; // 2025-01-01

    public bool HasExtra(byte trackId) => (ExtraTracks >> trackId & 1) != 0;

    /// <summary>Those of a segment are promised from now on.</summary>
    public StreamNumbers Promise(IEnumerable<TrackConfig> tracks) => this with
    {
        ExtraTracks = tracks.Where(track => FeedTracks.IsExtra(track.TrackId))
            .Aggregate(ExtraTracks, (bits, track) => bits | 1 << track.TrackId),
    };

    /// <summary>
    /// A stream without a past. Its numbers come from the clock, so that they are above every number of a past that was
    /// forgotten: neither segments nor epochs nor discontinuities can have come faster than the clock counts.
    /// </summary>
    public static StreamNumbers New(long utcMs, int targetDurationSeconds)
    {
        var age = Math.Max(0, utcMs - NumbersBeginUtcMs);
        return new StreamNumbers(age / CutRule.ClockMsPerNumber, (uint)(age / 1000), age / 1000, utcMs,
            targetDurationSeconds, 0, true, false);
    }

    /// <summary>What whoever stamped a segment knew before it ended.</summary>
    public static StreamNumbers Before(SegmentBegin begin) => new StreamNumbers(
        begin.Msn,
        begin.Epoch.EpochId,
        begin.DiscontinuitySequence - (begin.Discontinuity ? 1 : 0),
        begin.Epoch.AnchorUtcMs,
        begin.Epoch.TargetDurationSeconds,
        begin.Time,
        begin.AllIndependent,
        true).Promise(begin.Tracks);
}
