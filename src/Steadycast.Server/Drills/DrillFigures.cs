namespace Steadycast.Server.Drills;

/// <summary>How long everything took, as the switch's own report tells it; null where it did not happen.</summary>
/// <param name="WasActive">Whether the switch preferred the origin that was hit.</param>
/// <param name="DetectSeconds">From the fault to the first sign of it in the switch's report.</param>
/// <param name="SwitchSeconds">From the fault to another active origin.</param>
/// <param name="NextSegmentSeconds">From the fault to the next published segment.</param>
/// <param name="LongestGapSeconds">The longest time without a newly published segment.</param>
/// <param name="RecoverSeconds">From the end of the fault to a switch that finds nothing wrong.</param>
internal sealed record DrillFigures(
    bool WasActive,
    double? DetectSeconds,
    double? SwitchSeconds,
    double? NextSegmentSeconds,
    double? LongestGapSeconds,
    double? RecoverSeconds)
{
    /// <param name="samples">Changes in their order, from some segments before the fault on.</param>
    /// <param name="origins">Those that were hit; none: the source or the switch was.</param>
    /// <param name="end">Until when was looked.</param>
    public static DrillFigures Of(
        IReadOnlyList<SwitchSample> samples, IReadOnlyList<string> origins, TimeSpan fault, TimeSpan lifted,
        TimeSpan end)
    {
        var before = samples.LastOrDefault(s => s.At <= fault) ?? samples[0];
        var wasActive = before.Active is { } active && origins.Contains(active);
        var after = samples.Where(s => s.At > fault).ToArray();
        var next = after.FirstOrDefault(s => s.Edge > before.Edge);
        var ill = after.FirstOrDefault(s => IsIll(s, origins));
        // Not before anything was wrong, and not to one that was hit: that is a return after an earlier drill.
        var moved = after.FirstOrDefault(
            s => s.At >= ill?.At && s.Active is { } now && now != before.Active && !origins.Contains(now));
        // From the last moment of illness on, if there was any after the fault had ended.
        var lastIll = after.LastOrDefault(s => !s.IsHealthy);
        var well = lastIll is null ? null : after.FirstOrDefault(s => s.At > lastIll.At);
        return new DrillFigures(
            wasActive,
            From(fault, ill),
            wasActive ? From(fault, moved) : null,
            From(fault, next),
            LongestGap(samples, fault, end),
            lastIll is null ? 0 : well is null ? null : Math.Round(Math.Max(0, (well.At - lifted).TotalSeconds), 3));
    }

    private static bool IsIll(SwitchSample sample, IReadOnlyList<string> origins) => origins.Count == 0
        ? !sample.Answered || sample.State != "live"
        : sample.Origins.Any(o => origins.Contains(o.Name) && !o.IsWell);

    private static double? From(TimeSpan fault, SwitchSample? sample) =>
        sample is null ? null : Math.Round((sample.At - fault).TotalSeconds, 3);

    /// <summary>From the last segment before the fault on; the time that is still running at the end counts.</summary>
    private static double? LongestGap(IReadOnlyList<SwitchSample> samples, TimeSpan fault, TimeSpan end)
    {
        // The first sample is how it stood, not something that was published then.
        var edge = samples[0].Edge;
        var published = new List<TimeSpan>();
        foreach (var sample in samples.Skip(1).Where(s => s.Edge is not null && (edge is null || s.Edge > edge)))
        {
            edge = sample.Edge;
            published.Add(sample.At);
        }

        if (published.Count == 0)
            return null;
        var begin = Math.Max(0, published.FindLastIndex(at => at <= fault));
        return Math.Round(published.Skip(begin).Append(end).Zip(published.Skip(begin + 1).Append(end))
            .Max(pair => (pair.Second - pair.First).TotalSeconds), 3);
    }
}
