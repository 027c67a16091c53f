namespace Steadycast.Streaming.Feed;

/// <summary>
/// Holds a new stream's first access units until its target duration can be frozen: it may never change afterwards, so
/// it has to fit the publisher's keyframe interval.
/// </summary>
/// <remarks>
/// Enough is two segments by the cut rule (4 s for keyframes each 1 or 2 s, so a playlist within 10 s of the first
/// frame); or one, after 8 s (intervals of 4 to 12 s); or 12 s without any (longer intervals: the target duration is
/// then 10 s, or segment_seconds where that is more, and segments are cut between keyframes). Never more than 64 MiB.
/// </remarks>
internal sealed class GopMeasure(int segmentSeconds)
{
    private const int EnoughSegments = 2;
    private const int NoKeyframeTargetSeconds = 10;
    private const long OneIsEnoughTicks = 8 * CutRule.Second;
    private const long MaxBytes = 64 * 1024 * 1024;

    private readonly long _maxTicks = Math.Max(12, (segmentSeconds * 3) / 2) * CutRule.Second;
    private readonly List<TimedUnit> _units = [];
    private bool _hasVideo;
    private int _segments;
    private long _start;
    private long _longest;
    private long _bytes;

    public IReadOnlyList<TimedUnit> Units => _units;

    /// <summary>Whether a publisher that left before enough was seen has shown a whole segment at least.</summary>
    public bool HasSegment => _segments > 0;

    public int TargetDurationSeconds => HasSegment
        ? CutRule.TargetDurationSeconds(_longest, segmentSeconds)
        : Math.Max(segmentSeconds, NoKeyframeTargetSeconds);

    /// <summary>True when enough has been seen.</summary>
    public bool Add(in TimedUnit unit)
    {
        _hasVideo |= unit.IsVideo;
        if (_units.Count == 0)
            _start = unit.Time;
        else if ((_hasVideo ? unit.IsVideoKeyframe : unit.IsFirstSound) && CutRule.IsDue(unit, _start, segmentSeconds))
        {
            _segments++;
            _longest = Math.Max(_longest, unit.Time - _start);
            _start = unit.Time;
        }

        _units.Add(unit);
        _bytes += unit.Unit.Payload.Length;
        var seen = unit.Time - _units[0].Time;
        return _segments >= EnoughSegments || (_segments > 0 && seen >= OneIsEnoughTicks) || seen >= _maxTicks ||
            _bytes >= MaxBytes;
    }
}
