namespace Steadycast.Streaming.Failover;

/// <summary>Where the published content ended, as well as is known.</summary>
/// <param name="DateEndMs">By the dates of the origin that it is from; null when that has none.</param>
/// <param name="DateOffsetMs">That origin's, as <see cref="PlaylistView.DateOffsetMs"/>; null when not known.</param>
/// <param name="SeenAt">When the last published segment was listed first; null after a restart.</param>
internal readonly record struct SeamPoint(long? DateEndMs, long? DateOffsetMs, TimeSpan? SeenAt);

/// <summary>
/// Where to go on, on another origin than before: with the segment that holds the moment at which the published content
/// ended. It repeats less than one segment and leaves nothing out. Pure.
/// </summary>
internal static class SeamRule
{
    /// <summary>Less than this of new content in a segment is rounding, not content.</summary>
    private const long DateToleranceMs = 100;

    /// <param name="above">A number that is not to be used any more, nor one below it.</param>
    /// <param name="patient">Whether to wait for a segment that is still to come.</param>
    /// <returns>The segment; null while it is still to come.</returns>
    public static SourceSegment? Choose(PlaylistView view, SeamPoint from, long above, bool patient)
    {
        if (view.Segments.IsEmpty)
            return null;
        var usable = view.Segments.Where(s => s.Msn > above && !s.Gap);
        var chosen = HasComparableDates(view, from)
            ? usable.FirstOrDefault(s => s.DateEndMs > from.DateEndMs + DateToleranceMs)
            : from.SeenAt is { } seen
                // What was listed after the last published one, by an origin of the same source, overlaps its end.
                ? usable.FirstOrDefault(s => s.SeenAt > seen)
                : above >= 0 ? usable.FirstOrDefault() : usable.LastOrDefault();
        return chosen ?? (patient ? null : usable.LastOrDefault());
    }

    private static bool HasComparableDates(PlaylistView view, SeamPoint from) =>
        from.DateEndMs is not null
        && view.Segments.All(s => s.DateMs is not null)
        && PlaylistFreshness.IsComparable(from.DateOffsetMs, view.DateOffsetMs, view.TargetDurationSeconds);
}
