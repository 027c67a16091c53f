using System.Text.Json;
using System.Text.Json.Serialization;
using Steadycast.Server.Telemetry;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>All drills of one run of the command. Its JSON is a promise: keys are added, never renamed.</summary>
/// <param name="Kept">Every promise was kept in every repetition.</param>
/// <param name="Labs">How many labs stood side by side on the machine.</param>
/// <param name="Load">The machine's load average at the end of each drill; null where it has none.</param>
/// <param name="Complete">Every drill that was asked for was done as often as asked for.</param>
internal sealed record DrillReport(
    DateTimeOffset StartedAt,
    string Version,
    Machine Machine,
    int Labs,
    Spread? Load,
    int Repeat,
    bool Kept,
    bool Complete,
    IReadOnlyList<DrillSummary> Drills)
{
    public static DrillReport Of(
        DateTimeOffset startedAt, Machine machine, int labs, int repeat, IReadOnlyList<Drill> drills,
        IReadOnlyList<DrillResult> results)
    {
        var summaries = drills.Select(drill => DrillSummary.Of(drill, [.. results.Where(r => r.Drill == drill.Name)]))
            .Where(summary => summary.Runs.Count > 0).ToArray();
        return new DrillReport(
            startedAt, BuildInfo.Version, machine, labs, Spread.Of(results.Select(r => r.Load)), repeat,
            results.All(r => r.Kept),
            results.Count == drills.Count * repeat, summaries);
    }

    public string ToJson() => JsonSerializer.Serialize(this, DrillJson.Default.DrillReport);
}

/// <summary>One drill over its repetitions.</summary>
/// <param name="MissedTargets">Figures that were worse than the design's; no breach of the promise.</param>
internal sealed record DrillSummary(
    string Name,
    string About,
    string Promise,
    bool Kept,
    IReadOnlyList<string> MissedTargets,
    IReadOnlyDictionary<SeamKind, int> Seams,
    Spread? DetectSeconds,
    Spread? SwitchSeconds,
    Spread? NextSegmentSeconds,
    Spread? LongestGapSeconds,
    Spread? RecoverSeconds,
    Spread? StalledSeconds,
    IReadOnlyList<DrillResult> Runs)
{
    public static DrillSummary Of(Drill drill, IReadOnlyList<DrillResult> runs)
    {
        var summary = new DrillSummary(
            drill.Name,
            drill.About,
            drill.Promise.Text,
            runs.All(r => r.Kept),
            [],
            Enum.GetValues<SeamKind>().ToDictionary(kind => kind, kind => runs.Sum(r => r.Viewer.Counts[kind])),
            Spread.Of(runs.Select(r => r.Figures.DetectSeconds)),
            Spread.Of(runs.Select(r => r.Figures.SwitchSeconds)),
            Spread.Of(runs.Select(r => r.Figures.NextSegmentSeconds)),
            Spread.Of(runs.Select(r => r.Figures.LongestGapSeconds)),
            Spread.Of(runs.Select(r => r.Figures.RecoverSeconds)),
            Spread.Of(runs.Select(r => (double?)r.Viewer.StalledSeconds)),
            runs);
        var targets = drill.Promise.Targets;
        return summary with
        {
            MissedTargets =
            [
                .. Missed(runs, r => r.Figures.DetectSeconds, targets.DetectSeconds, "until it was detected"),
                .. Missed(runs, r => r.Figures.LongestGapSeconds, targets.LongestGapSeconds, "without a new segment"),
            ],
        };
    }

    private static IEnumerable<string> Missed(
        IReadOnlyList<DrillResult> runs, Func<DrillResult, double?> figure, double? target, string what)
    {
        var missed = runs.Select(figure).Where(seconds => seconds > target).ToArray();
        if (missed.Length > 0)
        {
            yield return $"{missed.Max():0.00} s {what}, " +
                $"target {target:0.0}, missed in {missed.Length} of {runs.Count}";
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(DrillReport))]
internal sealed partial class DrillJson : JsonSerializerContext;
