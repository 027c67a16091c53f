namespace Steadycast.Streaming.Feed;

/// <summary>Judges whether a publisher's timestamps go on, and brings tracks on different bases together.</summary>
internal sealed class Alignment(CutterCounters counters)
{
    /// <summary>Further ahead of everything before it than this, and it is another timeline.</summary>
    public const long MaxForwardMs = 2000;

    /// <summary>Further behind its own track than this, and it is another timeline; less is repaired.</summary>
    public const long MaxBackwardMs = 500;

    /// <summary>
    /// No encoder's tracks start further apart than this; some put them on different bases (SRS #4586).
    /// </summary>
    private const long MaxTrackDistanceMs = 5000;

    /// <summary>
    /// One silence may not be longer than a segment: with a target duration of 1 s that is less than the usual limit.
    /// </summary>
    public static long MaxForwardMsOf(int? targetDurationSeconds) => targetDurationSeconds == 1 ? 1400 : MaxForwardMs;

    /// <summary>By track number.</summary>
    private readonly (bool Seen, long Last, long Offset)[] _tracks = new (bool, long, long)[FeedTracks.LastExtra + 1];
    private long? _newest;

    /// <summary>False when the timestamp jumped: then <see cref="Reset"/> and ask again.</summary>
    /// <param name="maxForwardMs"><see cref="MaxForwardMs"/>, or less where the target duration is shorter.</param>
    public bool TryFollow(byte trackId, long timeMs, long maxForwardMs, out long alignedMs)
    {
        ref var track = ref _tracks[trackId];
        if (!track.Seen && _newest is { } reference && Math.Abs(timeMs - reference) > MaxTrackDistanceMs)
        {
            track.Offset = reference - timeMs;
            counters.RebasedTracks++;
        }

        alignedMs = timeMs + track.Offset;
        if (_newest is { } newest && alignedMs > newest + maxForwardMs)
            return false;
        if (track.Seen && alignedMs < track.Last - MaxBackwardMs)
            return false;
        track.Last = track.Seen ? Math.Max(track.Last, alignedMs) : alignedMs;
        track.Seen = true;
        _newest = _newest is { } before ? Math.Max(before, alignedMs) : alignedMs;
        return true;
    }

    public void Reset()
    {
        Array.Clear(_tracks);
        _newest = null;
    }
}
