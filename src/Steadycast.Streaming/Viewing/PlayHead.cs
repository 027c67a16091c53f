namespace Steadycast.Streaming.Viewing;

/// <summary>
/// Simulated playback: starts with the first segment, moves as time does, and stands still where the media fetched so
/// far ends. Resumes with the next segment at the place where it stood, as players do.
/// </summary>
internal sealed class PlayHead
{
    /// <summary>A pause that nobody sees: the target of "rebuffer" in every drill is more than 100 ms.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(100);

    private TimeSpan clock;
    private TimeSpan? dryAt;

    /// <summary>Media played, since the place of joining.</summary>
    public TimeSpan Position { get; private set; }

    /// <summary>Media fetched, since the place of joining.</summary>
    public TimeSpan BufferedTo { get; private set; }

    public bool Started { get; private set; }

    /// <summary>Nothing more will come: standing still at the end is not a stall.</summary>
    public bool Ended { get; set; }

    /// <summary>How much was buffered when it was least, before a segment came; null until the second segment.</summary>
    public TimeSpan? LeastBuffered { get; private set; }

    public TimeSpan Buffered => BufferedTo - Position;

    /// <summary>Adds a segment that has arrived; returns the stall that this ends, when it was long enough to be one.</summary>
    public Standstill? Append(TimeSpan duration, TimeSpan now)
    {
        Standstill? ended = null;
        if (!Started)
        {
            Started = true;
            clock = now;
        }
        else
        {
            Advance(now);
            LeastBuffered = LeastBuffered is { } least && least < Buffered ? least : Buffered;
            ended = StallAt(now);
            dryAt = null;
        }

        BufferedTo += duration;
        return ended;
    }

    public void Advance(TimeSpan now)
    {
        if (!Started || now <= clock)
            return;
        var step = now - clock;
        if (step > Buffered)
        {
            dryAt ??= clock + Buffered;
            step = Buffered;
        }

        Position += step;
        clock = now;
    }

    /// <summary>The stall that goes on now, when it is long enough to be one.</summary>
    public Standstill? StallAt(TimeSpan now) =>
        !Ended && dryAt is { } since && now - since > Tolerance ? new Standstill(since, now - since) : null;
}

/// <summary>The play head, or the playlist, stood still.</summary>
internal readonly record struct Standstill(TimeSpan At, TimeSpan Length);
