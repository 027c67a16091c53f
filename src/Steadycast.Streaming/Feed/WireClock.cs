namespace Steadycast.Streaming.Feed;

/// <summary>Turns one publisher's 32-bit millisecond timestamps into 64-bit ones, per track.</summary>
internal sealed class WireClock
{
    /// <summary>
    /// Some encoders wrap at 24 bits, where RTMP asks for the extended timestamp (4 h 40 min): a step that is this near
    /// to 2^24 is taken for such a wrap.
    /// </summary>
    private const int NearWrapMs = 10_000;
    private const int Wrap24 = 1 << 24;

    /// <summary>By track number.</summary>
    private readonly (bool Seen, uint Wire, long Time)[] _tracks = new (bool, uint, long)[FeedTracks.LastExtra + 1];

    public long Unwrap(byte trackId, uint wire)
    {
        ref var own = ref _tracks[trackId];
        var other = Array.Find(_tracks, track => track.Seen);

        // A track's first timestamp is read from another track, so that a wrap between the two is seen as one.
        var before = own.Seen ? own : other.Seen ? other : (true, wire, wire);
        var step = (int)(wire - before.Item2);
        if (Math.Abs((long)step) > NearWrapMs)
            step = Near(step - Wrap24) ? step - Wrap24 : Near(step + Wrap24) ? step + Wrap24 : step;
        own = (true, wire, before.Item3 + step);
        return own.Time;
    }

    public void Reset() => Array.Clear(_tracks);

    private static bool Near(int step) => Math.Abs((long)step) <= NearWrapMs;
}
