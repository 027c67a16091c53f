namespace Steadycast.Streaming.Failover;

/// <summary>
/// Judges origins that are not ours. Their numbers cannot be compared, so an origin is late when its playlist has not
/// moved for too long while another one's went further: by date where both have one, else by when it moved.
/// </summary>
/// <remarks>
/// None is ever lagging: two packagers of their own may be a second apart for ever, and leaving one costs a
/// discontinuity.
/// </remarks>
internal static class PlaylistFreshness
{
    /// <summary>
    /// In target durations: dates of two origins that are further apart at one moment are of clocks that do not agree.
    /// </summary>
    private const int MaxApart = 5;

    public static void Judge(IReadOnlyList<PlaylistView> views, TimeSpan? staleAfter, TimeSpan now)
    {
        foreach (var view in views)
        {
            // Two packagers of one source cut at different moments: only one that missed its turn is behind.
            var due = view.Segments.IsEmpty || now - view.AdvancedAt > Ticks.ToSpan(view.Segments[^1].Duration * 5 / 4);
            if (due && views.Any(other => IsAhead(other, view)))
                view.FallBehind(now);
            view.Freshness = Judge(view, views, staleAfter, now);
        }
    }

    /// <summary>Whether the two origins' dates mean the same: they were this near to each other on our clock.</summary>
    /// <remarks>What is not known of an origin that was never seen to move is not held against it.</remarks>
    public static bool IsComparable(long? offset, long? otherOffset, int targetDurationSeconds) =>
        offset is not { } a || otherOffset is not { } b || Math.Abs(a - b) <= MaxApart * 1000L * targetDurationSeconds;

    private static Freshness Judge(
        PlaylistView view, IReadOnlyList<PlaylistView> views, TimeSpan? staleAfter, TimeSpan now)
    {
        if (view.IsDown)
            return Freshness.Down;
        if (view.Segments.IsEmpty)
            return Freshness.Unknown;
        if (now < view.QuarantinedUntil)
            return Freshness.Quarantined;
        var usual = Ticks.ToSpan(view.TargetDurationSeconds * Ticks.PerSecond * 3 / 2);
        if (!view.IsProven && views.Count > 1)
        {
            // It may be a playlist that a dead packager left; until it moves, or nothing does, nobody knows.
            if (now - view.AdvancedAt <= usual)
                return Freshness.Unknown;
            if (views.Any(other => other is { IsProven: true, IsDown: false }))
                view.FallBehind(now);
            return view.BehindSince is null ? Freshness.Fresh : Freshness.Stale;
        }

        return view.BehindSince is not null && now - view.AdvancedAt > (staleAfter ?? usual)
            ? Freshness.Stale
            : Freshness.Fresh;
    }

    private static bool IsAhead(PlaylistView other, PlaylistView view)
    {
        if (other == view || other.IsDown || !other.IsProven || view.Segments.IsEmpty)
            return false;
        var (edge, last) = (view.Segments[^1], other.Segments[^1]);
        var target = Math.Max(view.TargetDurationSeconds, other.TargetDurationSeconds);
        if (edge.DateEndMs is { } mine && last.DateEndMs is { } its
            && IsComparable(view.DateOffsetMs, other.DateOffsetMs, target))
            return its > mine + edge.Duration / 100;
        return other.AdvancedAt > view.AdvancedAt + Ticks.ToSpan(edge.Duration * 5 / 4);
    }
}
