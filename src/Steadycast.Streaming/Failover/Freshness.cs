namespace Steadycast.Streaming.Failover;

/// <summary>How an origin stands among the others.</summary>
internal enum Freshness
{
    /// <summary>Never heard of.</summary>
    Unknown,

    Fresh,

    /// <summary>Behind another one for longer than half a segment.</summary>
    Lagging,

    /// <summary>No progress for 1.5 target durations while another one has some.</summary>
    Stale,

    /// <summary>Its index moves, but its segments could not be had twice in a row.</summary>
    Quarantined,

    /// <summary>Two failures in a row.</summary>
    Down,
}

/// <summary>
/// Judges origins by progress, never by wall clocks: an origin is late only when another one is ahead. When all stop
/// at once the source has stopped, and nobody is to blame.
/// </summary>
internal static class FreshnessPolicy
{
    /// <param name="views">All origins of one stream; each gets its <see cref="OriginView.Freshness"/>.</param>
    /// <param name="staleAfter">Null is 1.5 target durations.</param>
    public static void Judge(IReadOnlyList<IndexView> views, TimeSpan? staleAfter, TimeSpan now)
    {
        var best = -1L;
        foreach (var view in views)
        {
            if (!view.IsDown)
                best = Math.Max(best, view.Edge);
        }

        foreach (var view in views)
        {
            view.CompareWith(best, now);
            view.Freshness = Judge(view, staleAfter, now);
        }
    }

    private static Freshness Judge(IndexView view, TimeSpan? staleAfter, TimeSpan now)
    {
        if (view.IsDown)
            return Freshness.Down;
        if (view.Index is not { } index)
            return Freshness.Unknown;
        if (now < view.QuarantinedUntil)
            return Freshness.Quarantined;
        if (view.BehindSince is not { } since)
            return Freshness.Fresh;
        if (now - view.AdvancedAt > (staleAfter ?? Ticks.ToSpan(index.TargetDurationSeconds * Ticks.PerSecond * 3 / 2)))
            return Freshness.Stale;
        return now - since > Ticks.ToSpan(index.Segments[^1].Duration) / 2 ? Freshness.Lagging : Freshness.Fresh;
    }
}
