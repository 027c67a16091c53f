namespace Steadycast.Streaming.Viewing;

/// <summary>
/// Simulated playback: starts with the first segment, moves as time does, and stands still where the media fetched so
/// far ends. Resumes with the next segment at the place where it stood, as players do.
/// </summary>
internal sealed class PlayHead
{
    /// <summary>A pause that nobody sees: the target of "rebuffer" in every drill is more than 100 ms.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(100);

    private TimeSpan _clock;
    private TimeSpan? _dryAt;

    /// <summary>Media played, since the place of joining.</summary>
    public TimeSpan Position { get; private set; }

    /// <summary>Media fetched, since the place of joining.</summary>
    public TimeSpan BufferedTo { get; private set; }

    public bool Started { get; private set; }

    /// <summary>Nothing more will come: standing still at the end is not a stall.</summary>
    public bool Ended { get; set; }

    /// <summary>The least that was buffered when a segment came; null until the second segment.</summary>
    public TimeSpan? LeastBuffered { get; private set; }

    public TimeSpan Buffered => BufferedTo - Position;

    /// <summary>Adds a segment that has arrived; returns the stall that this ends, if it was one.</summary>
    public Standstill? Append(TimeSpan duration, TimeSpan now)
    {
        Standstill? ended = null;
        if (!Started)
        {
            Started = true;
            _clock = now;
        }
        else
        {
            Advance(now);
            LeastBuffered = LeastBuffered is { } least && least < Buffered ? least : Buffered;
            ended = StallAt(now);
            _dryAt = null;
        }

        BufferedTo += duration;
        return ended;
    }

    public void Advance(TimeSpan now)
    {
        if (!Started || now <= _clock)
            return;
        var step = now - _clock;
        if (step > Buffered)
        {
            _dryAt ??= _clock + Buffered;
            step = Buffered;
        }

        Position += step;
        _clock = now;
    }

    /// <summary>The stall that goes on now, when it is long enough to be one.</summary>
    public Standstill? StallAt(TimeSpan now) =>
        !Ended && _dryAt is { } since && now - since > Tolerance ? new Standstill(since, now - since) : null;
}

/// <summary>The play head, or the playlist, stood still.</summary>
internal readonly record struct Standstill(TimeSpan At, TimeSpan Length);
