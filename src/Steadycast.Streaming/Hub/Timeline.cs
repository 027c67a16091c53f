namespace Steadycast.Streaming.Hub;

/// <summary>Turns publishers' 32-bit timestamps into one 64-bit timeline that goes on over their reconnects.</summary>
/// <remarks>Used by the stream's writer only.</remarks>
internal sealed class Timeline
{
    /// <summary>
    /// How far after the newest media of the publisher before a new one begins: one picture at 25 fps, more than its
    /// tracks begin apart, so that time never runs backwards.
    /// </summary>
    public const int JoinGapMs = 40;

    // A header or data message stamped 0 in mid-stream (OBS, some cameras) must not reach players as a jump.
    private const int FarMs = 10_000;

    private bool hasHistory;
    private bool hasStarted;
    private long raw;
    private long offset;
    private long edge;

    /// <summary>Another publisher: its first coded message continues where the one before ended.</summary>
    public void Begin() => hasStarted = false;

    /// <summary>The time of coded media; wraps and small steps back are followed, in both directions.</summary>
    public long OfMedia(uint timestamp)
    {
        if (hasStarted)
        {
            raw += (int)(timestamp - (uint)raw);
        }
        else
        {
            raw = timestamp;
            offset = hasHistory ? edge + JoinGapMs - raw : 0;
            (hasStarted, hasHistory) = (true, true);
        }

        long time = raw + offset;
        edge = time < edge - FarMs ? time : Math.Max(edge, time);
        return time;
    }

    /// <summary>
    /// The time of a header or of data, whose own timestamps are often 0: never far from the media around.
    /// </summary>
    public long OfOther(uint timestamp)
    {
        if (!hasStarted)
            return hasHistory ? edge : timestamp;
        int distance = (int)(timestamp - (uint)raw);
        return Math.Abs((long)distance) > FarMs ? raw + offset : raw + distance + offset;
    }
}
