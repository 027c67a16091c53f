using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>Every drill there is: the failure table of the design, row by row.</summary>
internal static class DrillCatalog
{
    /// <summary>The picture's segments, and with them the target duration, are 2 s.</summary>
    private const double TargetDuration = 2;

    private static readonly string[] Redundant =
        ["packager-primary", "packager-backup", "origin-primary", "origin-backup"];

    public static IReadOnlyList<Drill> All { get; } = [.. Make()];

    private static IEnumerable<Drill> Make()
    {
        foreach (var box in Redundant)
            yield return new Drill($"kill-{box}", "killed with SIGKILL", new DrillFault([box], "kill"), Nothing(
                box.StartsWith("origin", StringComparison.Ordinal) ? 0.3 : 1.5 * TargetDuration));
        foreach (var box in Redundant)
            yield return new Drill($"freeze-{box}", "stopped with SIGSTOP for 10 s",
                new DrillFault([box], "freeze", Lasts: Seconds(10)), Nothing(1.5 * TargetDuration));
        foreach (var box in Redundant)
            yield return new Drill($"restart-{box}", "stopped with SIGTERM and started again",
                new DrillFault([box], "terminate"), Nothing());
        yield return new Drill("flapping-origin-primary", "killed five times, every 2.5 s",
            new DrillFault(["origin-primary"], "kill", Times: 5, Every: Seconds(2.5)), Nothing(0.3));
        foreach (var drill in OfTheSource().Concat(OfBoth()))
            yield return drill;
    }

    /// <summary>What there is one of: the publisher, the ingest, the switch.</summary>
    private static IEnumerable<Drill> OfTheSource()
    {
        foreach (var away in new[] { 1, 3, 10 })
            yield return new Drill($"publisher-gone-{away}s", $"killed and kept away for {away} s",
                new DrillFault(["publisher"], "hold", Lasts: Seconds(away)), JumpCut(Seconds(away)));
        yield return new Drill("ingest-gone", "killed with SIGKILL",
            new DrillFault(["ingest"], "kill"), JumpCut(Seconds(3)));
        yield return new Drill("switch-gone", "killed with SIGKILL", new DrillFault(["switch"], "kill"),
            new DrillPromise(
                "failed requests and a stall of 3 s at most while it starts; the playlist goes on where it was",
                [SeamKind.HttpError, SeamKind.Stall, SeamKind.StalePlaylist], 0, Seconds(3), new DrillTargets()));
    }

    private static IEnumerable<Drill> OfBoth()
    {
        var resumes = new DrillPromise(
            "no error; what is buffered plays out, a stall of 10 s at most, and nothing is missing afterwards",
            [SeamKind.Stall, SeamKind.StalePlaylist], 0, Seconds(10), new DrillTargets());
        yield return new Drill("both-origins-down", "killed and kept away for 10 s",
            new DrillFault(["origin-primary", "origin-backup"], "hold", Lasts: Seconds(10)), resumes);
        yield return new Drill("both-packagers-down", "killed and kept away for 10 s",
            new DrillFault(["packager-primary", "packager-backup"], "hold", Lasts: Seconds(10)), resumes);
    }

    private static DrillPromise Nothing(double? detect = null) => new(
        "nothing", [], 0, TimeSpan.Zero, new DrillTargets(detect, TargetDuration + 0.3));

    private static DrillPromise JumpCut(TimeSpan stall) => new(
        $"one discontinuity, a stall of {stall.TotalSeconds:0} s at most; the numbers go on",
        [SeamKind.Discontinuity, SeamKind.Stall, SeamKind.StalePlaylist], 1, stall, new DrillTargets());

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
