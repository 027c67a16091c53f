using System.CommandLine;
using Steadycast.Server.Drills;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Cli;

internal static class DrillCommand
{
    /// <summary>As a name of a drill: each of them.</summary>
    private const string Every = "all";

    public static Command Create()
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Drills, or beginnings of their names: kill-origin-primary, freeze; or all.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var all = new Option<bool>("--all") { Description = "Every drill there is." };
        var list = new Option<bool>("--list") { Description = "What drills there are, and what each promises." };
        var labs = new Option<string[]>("--lab")
        {
            Description = "The lab.json of a running lab; several labs share the drills.",
            HelpName = "FILE",
            DefaultValueFactory = _ => [Path.Combine(".steadycast", "lab.json")],
        };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var repeat = new Option<int>("--repeat")
        {
            Description = "How often each.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "How long to watch on after each fault.",
            HelpName = "S",
            DefaultValueFactory = _ => 8,
        };
        var minutes = new Option<double?>("--minutes")
        {
            Description = "Begin no drill after so long.",
            HelpName = "M",
        };
        var reports = new Option<string[]>("--report")
        {
            Description = "Keep the whole report in a file, from the first drill on: JSON when its name ends in "
                + ".json, else Markdown. May be repeated.",
            HelpName = "FILE",
        };
        var command = new Command("drill", "Make faults in a running lab and see whether a viewer notices.")
        {
            names, all, list, labs, json, repeat, seconds, minutes, reports,
        };
        repeat.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(int.TryParse(text, out var n) && n is >= 1 and <= 1000))
                result.AddError("--repeat is a number from 1 to 1000.");
        });
        seconds.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(double.TryParse(text, out var n) && n is >= 1 and <= 600))
                result.AddError("--seconds is a number from 1 to 600.");
        });
        minutes.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !(double.TryParse(text, out var n) && n is > 0 and <= 10_000))
                result.AddError("--minutes is a number above 0, 10000 at most.");
        });
        command.Validators.Add(result =>
        {
            var wanted = result.GetValue(names) ?? [];
            foreach (var name in wanted.Where(name => name != Every && !DrillCatalog.All.Any(d => Matches(d, name))))
                result.AddError($"{name} is not a drill; steadycast drill --list names them.");
            if (wanted.Length == 0 && !result.GetValue(all) && !result.GetValue(list))
                result.AddError("Name a drill, or all, or --list.");
        });
        command.SetAction(async parsed => parsed.GetValue(list)
            ? List()
            : await RunAsync(
                new Wanted(
                    parsed.GetValue(names) ?? [],
                    parsed.GetValue(all),
                    parsed.GetRequiredValue(labs),
                    parsed.GetValue(repeat),
                    TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                    parsed.GetValue(minutes) is { } m ? TimeSpan.FromMinutes(m) : null),
                new Output(parsed.GetValue(json), parsed.GetValue(reports) ?? [])));
        return command;
    }

    /// <summary>A name, or the beginning of names up to a dash: <c>kill</c> is all that are killed.</summary>
    private static bool Matches(Drill drill, string name) =>
        drill.Name == name || drill.Name.StartsWith(name.TrimEnd('-') + "-", StringComparison.Ordinal);

    private static int List()
    {
        foreach (var drill in DrillCatalog.All)
        {
            var boxes = string.Join(" and ", drill.Fault.Boxes);
            Console.WriteLine($"{Terminal.Bold(drill.Name)}  {boxes}: {drill.About}");
            Console.WriteLine(Terminal.Dim($"    the viewer sees: {drill.Promise.Text}"));
        }

        return ExitCode.Ok;
    }

    private static async Task<int> RunAsync(Wanted wanted, Output output)
    {
        using var stop = new StopSignal();
        var time = TimeProvider.System;
        var startedAt = time.GetUtcNow();
        IReadOnlyList<Drill> drills = [];
        var results = new List<DrillResult>();
        var faults = new List<string>();
        try
        {
            RunningLab[] labs = [.. wanted.Labs.Select(RunningLab.Find)];
            drills = wanted.In(labs);
            var rounds = new DrillRounds(
                labs, drills, wanted.Repeat, wanted.WatchOn, wanted.EndAfter, time,
                (round, drill) => output.Say(
                    $"{(wanted.Repeat > 1 ? $"{round}/{wanted.Repeat} " : "")}{drill.Name}: {drill.About} …"),
                result =>
                {
                    results.Add(result);
                    output.Say(Verdict(result));
                    output.Keep(Report());
                });
            faults.AddRange(await rounds.RunAsync(stop.Token));
        }
        catch (DrillException e)
        {
            faults.Add(e.Message);
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            faults.Add("stopped; everything that was broken is whole again");
        }

        var report = Report();
        output.Show(report);
        if (output.Keep(report) is { } unwritten)
            faults.Add(unwritten);
        faults.ForEach(Terminal.Fault);
        return report is { Kept: true, Complete: true } && faults.Count == 0 ? ExitCode.Ok : ExitCode.No;

        DrillReport Report() =>
            DrillReport.Of(startedAt, Machine.This(), wanted.Labs.Length, wanted.Repeat, drills, results);
    }

    private static string Verdict(DrillResult result)
    {
        var verdict = result.Kept ? Terminal.Good("  kept  ") : Terminal.Bad("  BROKEN");
        var breaches = result.Kept ? "" : "\n    " + string.Join("\n    ", result.Breaches);
        return $"{verdict}  {DrillText.Line(result)}{breaches}";
    }

    private sealed record Wanted(
        string[] Names, bool All, string[] Labs, int Repeat, TimeSpan WatchOn, TimeSpan? EndAfter)
    {
        /// <summary>Of all drills those that these labs are for; what is named must be among them.</summary>
        /// <exception cref="DrillException">One that is named is not.</exception>
        public IReadOnlyList<Drill> In(IReadOnlyList<RunningLab> labs)
        {
            var all = All || Names.Contains(Every);
            var drills = DrillCatalog.All.Where(d => all || Names.Any(name => Matches(d, name))).ToArray();
            if (!all && drills.FirstOrDefault(d => !labs.Any(lab => lab.Fits(d))) is { } homeless)
                throw new DrillException($"{homeless.Name} is for another lab: {homeless.Source switch
                {
                    LabSource.Standby => "steadycast lab --second publisher",
                    LabSource.TwoIngests => "steadycast lab --second ingest",
                    _ => "steadycast lab",
                }}");
            return [.. drills.Where(d => labs.Any(lab => lab.Fits(d)))];
        }
    }

    private sealed record Output(bool Json, string[] Files)
    {
        public void Say(string text)
        {
            if (!Json)
                Console.WriteLine(text);
        }

        public void Show(DrillReport report)
        {
            if (Json)
                Console.WriteLine(report.ToJson());
            else if (report.Drills.Count > 0)
                Console.Write("\n" + DrillText.Markdown(report));
        }

        /// <summary>Atomic: whoever looks in while drills go on, or after a power cut, finds a whole report.</summary>
        /// <returns>Why it was not written.</returns>
        public string? Keep(DrillReport report)
        {
            foreach (var file in Files)
            {
                try
                {
                    File.WriteAllText(file + ".new", file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                        ? report.ToJson() + "\n"
                        : DrillText.Markdown(report));
                    File.Move(file + ".new", file, overwrite: true);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return $"{file} cannot be written: {e.Message}";
                }
            }

            return null;
        }
    }
}
