using System.Globalization;
using System.Text;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>The report for people: one Markdown table, which a terminal shows well enough, too.</summary>
internal static class DrillText
{
    private static readonly string[] Header =
    [
        "drill", "promise to viewers", "kept", "detected", "switched", "next segment",
        "longest without a segment", "well again", "stood still", "seams",
    ];

    /// <summary>The whole report, as <c>--report FILE.md</c> has it.</summary>
    public static string Markdown(DrillReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture,
            $"Measured {report.StartedAt:yyyy-MM-dd HH:mm} UTC with Steadycast {report.Version}, ");
        text.Append(CultureInfo.InvariantCulture,
            $"{report.Machine.Cores} cores of {report.Machine.Processor}, {report.Machine.MemoryGib:0.0} GiB, ");
        text.Append(CultureInfo.InvariantCulture, $"{report.Machine.System}, {report.Machine.Runtime}; ");
        text.Append(CultureInfo.InvariantCulture, $"{report.Labs} {(report.Labs == 1 ? "lab" : "labs side by side")}");
        if (report.Load is { } load)
            text.Append(CultureInfo.InvariantCulture, $", load average {load.P50:0.0}, at most {load.Worst:0.0}");
        text.Append(".\n");
        if (!report.Complete)
            text.Append("Ended early: not every drill was done as often as asked for.\n");
        text.Append('\n').Append(Table(report));
        foreach (var drill in report.Drills)
        {
            foreach (var missed in drill.MissedTargets)
                text.Append($"\n* {drill.Name}: {missed}");
            foreach (var run in drill.Runs.Where(r => !r.Kept))
                text.Append($"\n* {drill.Name} at {run.StartedAt:HH:mm:ss}, broken: {string.Join(' ', run.Breaches)}");
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    public static string Table(DrillReport report)
    {
        var rows = report.Drills.Select(Row).Prepend(Header).ToArray();
        var widths = Enumerable.Range(0, Header.Length).Select(i => rows.Max(r => r[i].Length)).ToArray();
        var text = new StringBuilder();
        for (var i = 0; i < rows.Length; i++)
        {
            text.Append("| ").AppendJoin(" | ", rows[i].Select((cell, j) => cell.PadRight(widths[j]))).Append(" |\n");
            if (i == 0)
                text.Append("| ").AppendJoin(" | ", widths.Select(w => new string('-', w))).Append(" |\n");
        }

        return text.ToString();
    }

    /// <summary>One line as soon as a drill has been done.</summary>
    public static string Line(DrillResult result)
    {
        var f = result.Figures;
        var seams = string.Join(", ", result.Viewer.Counts.Where(c => c.Value > 0)
            .Select(c => $"{c.Value} {ViewerReport.NameOf(c.Key)}"));
        return $"{result.Drill}: detected {Shown(f.DetectSeconds)}, switched {Shown(f.SwitchSeconds)}, " +
            $"next segment {Shown(f.NextSegmentSeconds)}, longest without {Shown(f.LongestGapSeconds)}, " +
            $"well again {Shown(f.RecoverSeconds)}, stood still {result.Viewer.StalledSeconds:0.0} s, " +
            $"seams: {(seams.Length == 0 ? "none" : seams)}";
    }

    private static string[] Row(DrillSummary drill) =>
    [
        drill.Name,
        drill.Promise,
        $"{drill.Runs.Count(r => r.Kept)} of {drill.Runs.Count}",
        Shown(drill.DetectSeconds),
        Shown(drill.SwitchSeconds),
        Shown(drill.NextSegmentSeconds),
        Shown(drill.LongestGapSeconds),
        Shown(drill.RecoverSeconds),
        Shown(drill.StalledSeconds),
        drill.Seams.Values.Sum() == 0 ? "0" : string.Join(
            ", ", drill.Seams.Where(s => s.Value > 0).Select(s => $"{s.Value} {ViewerReport.NameOf(s.Key)}")),
    ];

    /// <summary>One repetition is one figure; several are median, 99th percentile and worst.</summary>
    private static string Shown(Spread? spread) => spread switch
    {
        null => "–",
        { Count: 1 } => $"{spread.Worst:0.00} s",
        _ => $"{spread.P50:0.00} / {spread.P99:0.00} / {spread.Worst:0.00} s",
    };

    private static string Shown(double? seconds) => seconds is { } s ? $"{s:0.00} s" : "–";
}
