using System.CommandLine;
using Steadycast.Server.Drills;

namespace Steadycast.Server.Cli;

internal static class DrillCommand
{
    /// <summary>A lab that has just started, or that somebody else's drill has left, gets this long.</summary>
    private static readonly TimeSpan HealthPatience = TimeSpan.FromSeconds(20);

    public static Command Create()
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Drills, or beginnings of their names: kill-origin-primary, freeze.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var all = new Option<bool>("--all") { Description = "Every drill there is." };
        var list = new Option<bool>("--list") { Description = "What drills there are, and what each promises." };
        var lab = new Option<string>("--lab")
        {
            Description = "The lab.json of a running lab.",
            HelpName = "FILE",
            DefaultValueFactory = _ => Path.Combine(".steadycast", "lab.json"),
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
        var report = new Option<string?>("--report")
        {
            Description = "Write the whole report to a file: JSON when its name ends in .json, else Markdown.",
            HelpName = "FILE",
        };
        var command = new Command("drill", "Make faults in a running lab and see whether a viewer notices.")
        {
            names, all, list, lab, json, repeat, seconds, report,
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
        command.Validators.Add(result =>
        {
            var wanted = result.GetValue(names) ?? [];
            foreach (var name in wanted.Where(name => !DrillCatalog.All.Any(d => Matches(d, name))))
                result.AddError($"{name} is not a drill; steadycast drill --list names them.");
            if (wanted.Length == 0 && !result.GetValue(all) && !result.GetValue(list))
                result.AddError("Name a drill, or --all, or --list.");
        });
        command.SetAction(async parsed =>
        {
            if (parsed.GetValue(list))
                return List();
            var wanted = parsed.GetValue(names) ?? [];
            var drills = DrillCatalog.All
                .Where(d => parsed.GetValue(all) || wanted.Any(name => Matches(d, name))).ToArray();
            return await RunAsync(drills, parsed.GetRequiredValue(lab), parsed.GetValue(repeat),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(json), parsed.GetValue(report));
        });
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

    private static async Task<int> RunAsync(
        IReadOnlyList<Drill> drills, string labFile, int repeat, TimeSpan watchOn, bool json, string? reportFile)
    {
        using var stop = new StopSignal();
        var time = TimeProvider.System;
        var startedAt = time.GetUtcNow();
        var results = new List<DrillResult>();
        string? fault = null;
        try
        {
            var lab = RunningLab.Find(labFile);
            using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            using var control = await ControlClient.ConnectAsync(lab.Control, time, stop.Token);
            await using var observer = new SwitchObserver(http, lab.Switch, time);
            observer.Start();
            var run = new DrillRun(lab, control, observer, http, time);
            if (await run.SettleAsync(0, HealthPatience, stop.Token) is { } why)
                throw new DrillException($"the lab is not healthy, so no drill is started: {why}");
            for (var round = 1; round <= repeat; round++)
            {
                foreach (var drill in drills)
                {
                    Say(json, $"{(repeat > 1 ? $"{round}/{repeat} " : "")}{drill.Name}: {drill.About} …");
                    results.Add(await run.RunAsync(drill, watchOn, stop.Token));
                    Say(json, Verdict(results[^1]));
                }
            }
        }
        catch (DrillException e)
        {
            fault = e.Message;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            fault = "stopped; everything that was broken is whole again";
        }

        var report = DrillReport.Of(startedAt, Machine.This(), repeat, drills, results);
        fault = Write(report, json, reportFile) ?? fault;
        if (fault is not null)
            Terminal.Fault(fault);
        return report is { Kept: true, Complete: true } && fault is null ? ExitCode.Ok : ExitCode.No;
    }

    private static void Say(bool json, string text)
    {
        if (!json)
            Console.WriteLine(text);
    }

    private static string Verdict(DrillResult result)
    {
        var verdict = result.Kept ? Terminal.Good("  kept  ") : Terminal.Bad("  BROKEN");
        var breaches = result.Kept ? "" : "\n    " + string.Join("\n    ", result.Breaches);
        return $"{verdict}  {DrillText.Line(result)}{breaches}";
    }

    /// <returns>Why the file was not written.</returns>
    private static string? Write(DrillReport report, bool json, string? file)
    {
        if (json)
            Console.WriteLine(report.ToJson());
        else if (report.Drills.Count > 0)
            Console.Write("\n" + DrillText.Markdown(report));
        try
        {
            if (file is not null)
                File.WriteAllText(file, file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
                    ? report.ToJson() + "\n"
                    : DrillText.Markdown(report));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{file} cannot be written: {e.Message}";
        }
    }
}
