namespace Steadycast.Streaming.Feed;

/// <summary>Where segments end: the numbers behind every cut.</summary>
internal static class CutRule
{
    public const long Second = 90_000;

    /// <summary>
    /// The shortest segment that is published when a publisher leaves or its tracks change; less is taken back.
    /// </summary>
    public const long MinTicks = Second;

    /// <summary>
    /// A little less than the shortest segment of all (0.95 s, when segment_seconds is 1): a counter that grows at most
    /// once in this time can never overtake a number that was taken from the clock with it.
    /// </summary>
    public const long ClockMsPerNumber = 900;

    /// <summary>Keyframe timestamps are whole milliseconds and jitter: 1.96 s is two seconds.</summary>
    private const long EarlyTicks = 50 * 90;

    /// <summary>
    /// A segment of this much over the target duration still rounds to it, also after "F3" has rounded once.
    /// </summary>
    private const long RoundsDownTicks = 499 * 90;

    /// <summary>
    /// Room for the jitter of keyframes in later segments, when the first ones set the target duration.
    /// </summary>
    private const long JitterTicks = 50 * 90;

    /// <summary>The longest a segment may be so that EXTINF rounds to the target duration.</summary>
    public static long MaxTicks(int targetDurationSeconds) => (targetDurationSeconds * Second) + RoundsDownTicks;

    public static int TargetDurationSeconds(long longestTicks, int segmentSeconds) =>
        Math.Max(segmentSeconds, (int)((longestTicks + JitterTicks - RoundsDownTicks + Second - 1) / Second));

    /// <summary>
    /// Whether a segment that began at <paramref name="start"/> ends before this unit, which can begin one.
    /// </summary>
    public static bool IsDue(in TimedUnit unit, long start, int segmentSeconds) => unit.IsVideo
        ? unit.Time - start >= (segmentSeconds * Second) - EarlyTicks
        : unit.Time - start >= (segmentSeconds * Second) - ((unit.EndTime - unit.Time) / 2);
}
