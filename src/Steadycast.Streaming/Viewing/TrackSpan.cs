namespace Steadycast.Streaming.Viewing;

/// <summary>From when to when one track's media in a segment lasts, in the track's own ticks.</summary>
/// <param name="End">Where the next segment has to begin.</param>
/// <param name="Tolerance">In ticks: how far a next beginning may be off, since the end is exact only in MP4.</param>
/// <param name="Modulus">Where the ticks wrap; 0: never.</param>
internal readonly record struct TrackSpan(int Track, long Start, long End, long Timescale, long Tolerance, long Modulus)
{
    /// <summary>Seconds missing (positive) or repeated (negative) before this one; 0 when in tolerance.</summary>
    public double GapAfter(in TrackSpan before)
    {
        var off = unchecked(Start - before.End);
        if (Modulus > 0)
        {
            off = (off % Modulus + Modulus) % Modulus;
            off = off > Modulus / 2 ? off - Modulus : off;
        }

        return Math.Abs((double)off) <= before.Tolerance ? 0 : (double)off / Timescale;
    }
}
