using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>One drill, done once.</summary>
/// <param name="Breaches">What was promised and not kept, a sentence each; none: the promise was kept.</param>
/// <param name="Viewer">What the strict viewer saw.</param>
/// <param name="Load">The machine's load average over the minute before the end; null where there is none.</param>
internal sealed record DrillResult(
    string Drill, DateTimeOffset StartedAt, DrillFigures Figures, IReadOnlyList<string> Breaches, ViewerReport Viewer,
    double? Load = null)
{
    public bool Kept => Breaches.Count == 0;

    /// <summary>Compares what was seen with what was promised. Pure.</summary>
    /// <param name="lastPublished">The switch's last number at the end.</param>
    public static IReadOnlyList<string> BreachesOf(
        DrillPromise promise, DrillFigures figures, ViewerReport viewer, long? lastPublished)
    {
        var breaches = new List<string>();
        foreach (var (kind, count) in viewer.Counts)
        {
            var most = kind == SeamKind.Discontinuity && promise.Allowed.Contains(kind)
                ? promise.MaxDiscontinuities
                : promise.Allowed.Contains(kind) ? int.MaxValue : 0;
            if (count > most)
                breaches.Add($"{count} {ViewerReport.NameOf(kind)}, promised {(most == 0 ? "none" : $"{most}")}.");
        }

        if (viewer.StalledSeconds > promise.MaxStall.TotalSeconds + 0.1)
            breaches.Add($"Playback stood still for {viewer.StalledSeconds:0.0} s, " +
                $"promised {promise.MaxStall.TotalSeconds:0} at most.");
        if (viewer.JoinSeconds is null)
            breaches.Add("The viewer saw nothing at all.");
        else if (viewer.LastMsn + 2 < lastPublished)
            breaches.Add($"The viewer was at number {viewer.LastMsn} when {lastPublished} was out.");
        if (figures.RecoverSeconds is null)
            breaches.Add("The lab was not well again at the end.");
        return breaches;
    }
}
