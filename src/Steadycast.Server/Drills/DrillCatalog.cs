using Steadycast.Server.Lab;
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
        foreach (var drill in OfAnswers().Concat(OfPackagers()).Concat(OfClocks()))
            yield return drill;
        foreach (var drill in OfTheSource().Concat(OfTheSecond()).Concat(OfBoth()))
            yield return drill;
    }

    /// <summary>Origins that answer, and answer wrong.</summary>
    private static IEnumerable<Drill> OfAnswers()
    {
        foreach (var (name, line, about) in new[]
        {
            ("slow", "slow 1500", "every answer 1.5 s late, for 10 s"),
            ("corrupt", "corrupt", "a bit of each segment is wrong, for 10 s"),
            ("truncated", "truncate", "each segment ends in the middle, for 10 s"),
            ("404", "status 404", "its segments are not found, for 10 s"),
            ("503", "status 503", "its segments are answered 503, for 10 s"),
        })
        {
            foreach (var box in new[] { "origin-primary", "origin-backup" })
                yield return Injected($"{name}-{box}", about, box, line);
        }
    }

    private static IEnumerable<Drill> OfPackagers()
    {
        foreach (var box in new[] { "packager-primary", "packager-backup" })
            yield return Injected($"cut-feed-{box}", "cut off from the ingest for 10 s", box, "cut-feed");
        foreach (var box in new[] { "packager-primary", "packager-backup" })
            yield return Injected($"full-disk-{box}", "no file can be written, for 10 s", box, "full-disk");
        // What a machine with far too much to do looks like from outside.
        foreach (var box in new[] { "packager-primary", "packager-backup" })
            yield return new Drill($"slow-{box}", "runs for 0.2 s, stands for 1.5 s (SIGSTOP), six times",
                new DrillFault([box], "freeze", Lasts: Seconds(1.5), Times: 6, Every: Seconds(1.7)), Nothing());
    }

    /// <summary>Lifting a step is a step, too: each clock goes there and back.</summary>
    private static IEnumerable<Drill> OfClocks()
    {
        foreach (var box in new[] { "ingest", "packager-primary", "switch" })
            yield return OfSource(
                Injected($"clock-ahead-{box}", "the wall clock an hour ahead, for 10 s", box, "clock 3600"));
        yield return OfSource(
            Injected("clock-back-ingest", "the wall clock an hour back, for 10 s", "ingest", "clock -3600"));
    }

    private static Drill Injected(string name, string about, string box, string line) =>
        new(name, about, new DrillFault([box], "inject", line, Seconds(10)), Nothing());

    /// <summary>What is done to the ingest is another drill where there are two.</summary>
    private static Drill OfSource(Drill drill) =>
        drill.Fault.Boxes.Contains("ingest") ? drill with { Source = LabSource.Single } : drill;

    /// <summary>What there is one of: the publisher, the ingest, the switch.</summary>
    private static IEnumerable<Drill> OfTheSource()
    {
        foreach (var away in new[] { 1, 3, 10 })
            yield return new Drill($"publisher-gone-{away}s", $"killed and kept away for {away} s",
                new DrillFault(["publisher"], "hold", Lasts: Seconds(away)), JumpCut(Seconds(away - 1)),
                LabSource.Single);
        yield return new Drill("other-picture", "another picture size, profile and channel count, and back after 10 s",
            new DrillFault(["publisher"], "inject", "other-picture", Seconds(10)),
            new DrillPromise("one discontinuity each way, no stall", [SeamKind.Discontinuity], 2, TimeSpan.Zero,
                new DrillTargets(LongestGapSeconds: TargetDuration + 0.3)), LabSource.Single);
        yield return new Drill("ingest-gone", "killed with SIGKILL",
            new DrillFault(["ingest"], "kill"), JumpCut(Seconds(2)), LabSource.Single);
        yield return new Drill("switch-gone", "killed with SIGKILL", new DrillFault(["switch"], "kill"),
            new DrillPromise(
                "failed requests and a stall of 1 s at most while it starts; the playlist goes on where it was",
                [SeamKind.HttpError, SeamKind.Stall, SeamKind.StalePlaylist], 0, Seconds(1), new DrillTargets()));
    }

    /// <summary>
    /// A source of which there are two. Whoever took over stays, so the one hit next is the one on air: the order of
    /// each pair matters.
    /// </summary>
    private static IEnumerable<Drill> OfTheSecond()
    {
        foreach (var box in new[] { "publisher", "standby" })
            yield return new Drill($"kill-{box}-of-two", "killed with SIGKILL, another one publishes the same stream",
                new DrillFault([box], "kill"), JumpCut(TimeSpan.Zero), LabSource.Standby);
        foreach (var box in new[] { "publisher", "standby" })
            yield return new Drill($"freeze-{box}-of-two", "stopped with SIGSTOP for 10 s",
                new DrillFault([box], "freeze", Lasts: Seconds(10)), JumpCut(TimeSpan.Zero), LabSource.Standby);
        foreach (var box in new[] { "ingest", "ingest-2" })
            yield return new Drill($"kill-{box}-of-two", "killed with SIGKILL, another one is sent the same stream",
                new DrillFault([box], "kill"), JumpCut(TimeSpan.Zero), LabSource.TwoIngests);
        foreach (var box in new[] { "ingest", "ingest-2" })
            yield return new Drill($"freeze-{box}-of-two", "stopped with SIGSTOP for 10 s",
                new DrillFault([box], "freeze", Lasts: Seconds(10)), JumpCut(Seconds(1)), LabSource.TwoIngests);
    }

    private static IEnumerable<Drill> OfBoth()
    {
        var resumes = new DrillPromise(
            "no error; what is buffered plays out, a stall of 8 s at most, and nothing is missing afterwards",
            [SeamKind.Stall, SeamKind.StalePlaylist], 0, Seconds(8), new DrillTargets());
        yield return new Drill("404-both-origins", "their segments are not found, for 3 s",
            new DrillFault(["origin-primary", "origin-backup"], "inject", "status 404", Seconds(3)),
            new DrillPromise(
                "no error; a segment comes late, with a stall of 1 s at most, and nothing is missing",
                [SeamKind.Stall, SeamKind.StalePlaylist], 0, Seconds(1), new DrillTargets()));
        yield return new Drill("both-origins-down", "killed and kept away for 10 s",
            new DrillFault(["origin-primary", "origin-backup"], "hold", Lasts: Seconds(10)), resumes);
        yield return new Drill("both-packagers-down", "killed and kept away for 10 s",
            new DrillFault(["packager-primary", "packager-backup"], "hold", Lasts: Seconds(10)), resumes);
    }

    private static DrillPromise Nothing(double? detect = null) => new(
        "nothing", [], 0, TimeSpan.Zero, new DrillTargets(detect, TargetDuration + 0.3));

    private static DrillPromise JumpCut(TimeSpan stall) => new(
        (stall == TimeSpan.Zero
            ? "one discontinuity, no stall"
            : $"one discontinuity, a stall of {stall.TotalSeconds:0} s at most") + "; the numbers go on",
        stall == TimeSpan.Zero
            ? [SeamKind.Discontinuity, SeamKind.StalePlaylist]
            : [SeamKind.Discontinuity, SeamKind.StalePlaylist, SeamKind.Stall],
        1, stall, new DrillTargets());

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
