namespace Steadycast.Streaming.Feed;

/// <summary>What an operator wants to know of a live stream, measured over its last whole segment.</summary>
internal sealed class SegmentFacts
{
    private long _bytes;
    private int _pictures;
    private long? _keyframe;

    public double BitsPerSecond { get; private set; }

    public double FramesPerSecond { get; private set; }

    /// <summary>
    /// Between the last two keyframes, in seconds; where they stay away, the time since the last; else 0.
    /// </summary>
    public double KeyframeSeconds { get; private set; }

    public IReadOnlyList<Protocols.Codecs.TrackConfig> Tracks { get; private set; } = [];

    public void Begin(SegmentBegin begin)
    {
        (_bytes, _pictures) = (0, 0);
        Tracks = begin.Tracks;
    }

    public void Add(in TimedUnit unit)
    {
        _bytes += unit.Unit.Payload.Length;
        if (!unit.IsVideo)
            return;
        _pictures++;
        if (!unit.IsVideoKeyframe)
            return;
        if (_keyframe is { } before)
            KeyframeSeconds = Math.Max(0, unit.Time - before) / (double)CutRule.Second;
        _keyframe = unit.Time;
    }

    public void KeyframeMissing(long time)
    {
        if (_keyframe is { } before)
            KeyframeSeconds = Math.Max(KeyframeSeconds, (time - before) / (double)CutRule.Second);
    }

    public void End(long duration)
    {
        var seconds = duration / (double)CutRule.Second;
        BitsPerSecond = _bytes * 8 / seconds;
        FramesPerSecond = _pictures / seconds;
    }

    /// <summary>The next keyframe is not measured from the last.</summary>
    public void Abandon() => _keyframe = null;
}
