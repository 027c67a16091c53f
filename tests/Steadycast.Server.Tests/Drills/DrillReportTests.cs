using System.Text.Json;
using Steadycast.Server.Drills;
using Steadycast.Server.Lab;
using Steadycast.Server.Tests.Viewing;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Tests.Drills;

public sealed class DrillReportTests
{
    private static readonly DrillFigures Figures = new(true, 0.1, 0.2, 1, 2, 2.5);

    private static readonly DrillPromise Nothing = new("nothing", [], 0, TimeSpan.Zero, new DrillTargets(0.3, 2.3));

    [Fact]
    public void Every_drill_hits_boxes_that_a_lab_has_under_a_name_of_its_own()
    {
        foreach (var drill in DrillCatalog.All)
        {
            var settings = new LabSettings("lab", 0, true, false, drill.Source ?? LabSource.Single);
            Assert.Empty(drill.Fault.Boxes.Except(new LabPlan(settings, "steadycast", []).Boxes.Select(b => b.Name)));
        }

        Assert.Equal(DrillCatalog.All.Count, DrillCatalog.All.Select(d => d.Name).Distinct().Count());
    }

    [Fact]
    public void Drills_are_taken_in_rounds_and_one_that_cannot_be_done_is_left_to_others()
    {
        var drills = DrillCatalog.All.Take(3).ToArray();
        var queue = new DrillQueue(drills, 2);

        Assert.Equal((1, drills[0]), queue.Take(_ => true));
        Assert.Equal((1, drills[2]), queue.Take(d => d != drills[1]));
        Assert.Equal((1, drills[1]), queue.Take(_ => true));
        Assert.Equal((2, drills[1]), queue.Take(d => d == drills[1]));
        Assert.Null(queue.Take(d => d == drills[1]));
        Assert.Equal([(2, drills[0]), (2, drills[2])], [queue.Take(_ => true)!.Value, queue.Take(_ => true)!.Value]);
    }

    [Fact]
    public void A_promise_of_nothing_is_broken_by_any_seam()
    {
        var good = SimulatedViewer.Watch(new Broadcast());
        var holed = SimulatedViewer.Watch(new Broadcast { SayOf = (_, n, s) => s with { Gap = n == 106 } });

        Assert.Empty(DrillResult.BreachesOf(Nothing, Figures, good, good.LastMsn));
        Assert.Contains(
            DrillResult.BreachesOf(Nothing, Figures, holed, holed.LastMsn), b => b.StartsWith("1 hole", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_allowed_is_bounded()
    {
        var jump = Nothing with { Allowed = [SeamKind.Discontinuity, SeamKind.Stall], MaxDiscontinuities = 1, MaxStall = At(3) };
        var seen = SimulatedViewer.Watch(new Broadcast());

        Assert.Empty(Breaches(With(discontinuities: 1, stalls: 2, stalled: 3)));
        Assert.Equal(["2 discontinuity, promised 1."], Breaches(With(discontinuities: 2, stalls: 0, stalled: 0)));
        Assert.Single(Breaches(With(discontinuities: 0, stalls: 1, stalled: 3.5)));

        IReadOnlyList<string> Breaches(ViewerReport report) =>
            DrillResult.BreachesOf(jump, Figures, report, report.LastMsn);

        ViewerReport With(int discontinuities, int stalls, double stalled) => seen with
        {
            StalledSeconds = stalled,
            Counts = new Dictionary<SeamKind, int>(seen.Counts)
            {
                [SeamKind.Discontinuity] = discontinuities,
                [SeamKind.Stall] = stalls,
            },
        };
    }

    [Fact]
    public void A_viewer_left_behind_and_a_lab_left_ill_are_breaches()
    {
        var seen = SimulatedViewer.Watch(new Broadcast());

        Assert.Single(DrillResult.BreachesOf(Nothing, Figures, seen, seen.LastMsn + 3));
        Assert.Single(DrillResult.BreachesOf(Nothing, Figures with { RecoverSeconds = null }, seen, seen.LastMsn));
    }

    [Fact]
    public void Spreads_are_by_nearest_rank_over_the_runs_that_have_the_figure()
    {
        Assert.Null(Spread.Of([null, null]));
        Assert.Equal(new Spread(1, 4, 4, 4), Spread.Of([null, 4]));
        Assert.Equal(new Spread(100, 50, 99, 100), Spread.Of(Enumerable.Range(1, 100).Select(n => (double?)n)));
    }

    [Fact]
    public void The_keys_of_the_json_are_a_promise()
    {
        using var json = JsonDocument.Parse(Report(runs: 1).ToJson());

        Assert.Equal(["started_at", "version", "machine", "labs", "load", "repeat", "kept", "complete", "drills"], Keys(json.RootElement));
        Assert.Equal(["processor", "cores", "memory_gib", "system", "runtime"], Keys(json.RootElement.GetProperty("machine")));
        var drill = json.RootElement.GetProperty("drills")[0];
        Assert.Equal(
        [
            "name", "about", "promise", "kept", "missed_targets", "seams", "detect_seconds", "switch_seconds",
            "next_segment_seconds", "longest_gap_seconds", "recover_seconds", "stalled_seconds", "runs",
        ], Keys(drill));
        Assert.Equal(["count", "p50", "p99", "worst"], Keys(drill.GetProperty("detect_seconds")));
        Assert.Equal(0, drill.GetProperty("seams").GetProperty("changed_line").GetInt32());
        var run = drill.GetProperty("runs")[0];
        Assert.Equal(["drill", "started_at", "figures", "breaches", "viewer", "load", "kept"], Keys(run));
        Assert.Equal(
        [
            "was_active", "detect_seconds", "switch_seconds", "next_segment_seconds", "longest_gap_seconds",
            "recover_seconds",
        ], Keys(run.GetProperty("figures")));
    }

    [Fact]
    public void A_missed_target_is_said_and_breaks_nothing_and_a_missing_run_is_said()
    {
        var late = Report(2, Figures with { DetectSeconds = 0.5 });

        Assert.True(late.Kept);
        Assert.Equal(["0.50 s until it was detected, target 0.3, missed in 1 of 2"], late.Drills[0].MissedTargets);
        Assert.False((Report(1) with { Complete = false }).Complete);
        var text = DrillText.Markdown(late);
        Assert.Contains("| 0.10 / 0.50 / 0.50 s", text, StringComparison.Ordinal);
        Assert.Contains("* one: 0.50 s until it was detected, target 0.3, missed in 1 of 2", text, StringComparison.Ordinal);
    }

    private static DrillReport Report(int runs, DrillFigures? last = null)
    {
        var drill = new Drill("one", "killed", new DrillFault(["switch"], "kill"), Nothing);
        var seen = SimulatedViewer.Watch(new Broadcast());
        var results = Enumerable.Range(1, runs).Select(n => new DrillResult(
            "one", Broadcast.Start, n == runs ? last ?? Figures : Figures, [], seen)).ToArray();
        return DrillReport.Of(Broadcast.Start, new Machine("cpu", 2, 4, "os", ".NET"), 1, runs, [drill], results);
    }

    private static IEnumerable<string> Keys(JsonElement json) => json.EnumerateObject().Select(p => p.Name);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
