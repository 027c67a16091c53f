namespace Steadycast.Streaming.Feed;

/// <summary>Holds a publisher's first frames back until it is clear what its epoch starts with.</summary>
/// <remarks>
/// A keyframe where there is video; the first audio frame where none has shown up for 2 s, and also where the video
/// that was announced has brought no keyframe for 10 s: a dead camera must not silence its microphone.
/// </remarks>
internal sealed class StartGate(CutterCounters counters)
{
    public const long AudioOnlyAfterMs = 2000;
    public const long NoKeyframeAfterMs = 10_000;

    private readonly List<MediaFrame> _audio = [];
    private long? _firstAudioMs;
    private bool _audioOnly;

    /// <summary>True when the epoch starts: with <paramref name="start"/>, the starting frame first.</summary>
    public bool TryOpen(in MediaFrame frame, bool hasVideo, out List<MediaFrame> start)
    {
        start = [];
        if (frame.IsVideo)
        {
            if (!frame.IsKeyframe)
            {
                counters.Drop(FeedDrop.BeforeKeyframe);
                return false;
            }

            var startMs = frame.TimeMs;
            counters.Drop(FeedDrop.BeforeKeyframe, _audio.RemoveAll(audio => audio.TimeMs < startMs));
            start = [frame, .. _audio];
            Clear();
            return true;
        }

        _firstAudioMs ??= frame.TimeMs;
        _audio.Add(frame);
        var waited = frame.TimeMs - _firstAudioMs.Value;
        if (waited >= (hasVideo ? NoKeyframeAfterMs : _audioOnly ? 0 : AudioOnlyAfterMs))
        {
            _audioOnly = !hasVideo;
            start = [.. _audio];
            Clear();
            return true;
        }

        var newestMs = frame.TimeMs;
        counters.Drop(FeedDrop.BeforeKeyframe, _audio.RemoveAll(audio => audio.TimeMs < newestMs - AudioOnlyAfterMs));
        return false;
    }

    /// <summary>Another epoch of the same publisher: what was learnt of its tracks stays.</summary>
    public void Clear()
    {
        _audio.Clear();
        _firstAudioMs = null;
    }

    /// <summary>Another publisher.</summary>
    public void Reset()
    {
        Clear();
        _audioOnly = false;
    }
}
