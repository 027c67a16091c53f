using System.CommandLine;
using System.Net.Sockets;
using Steadycast.Server.Hosting;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Cli;

internal static class LabCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data")
        {
            Description = "Where logs, segments and state are kept.",
            HelpName = "DIR",
            DefaultValueFactory = _ => ".steadycast",
        };
        var offset = new Option<int>("--port-offset")
        {
            Description = "Added to every port, so that labs live side by side.",
            HelpName = "N",
        };
        offset.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }]
                && (!int.TryParse(text, out var n) || n < 0 || n > LabPlan.HighestOffset))
                result.AddError($"--port-offset is a number from 0 to {LabPlan.HighestOffset}.");
        });
        var noPublisher = new Option<bool>("--no-publisher") { Description = "Without the built-in test picture." };
        var lan = new Option<bool>("--lan")
        {
            Description = "Open RTMP and the viewers' port to the network; loopback only without it.",
        };
        var second = new Option<string?>("--second")
        {
            Description = "Two of these: publisher (the second is the standby) or ingest (each with a publisher).",
            HelpName = "BOX",
        };
        second.AcceptOnlyFromAmong("publisher", "ingest");
        var command = new Command("lab", "The whole system on this machine, supervised, with a test picture on air.")
        {
            data, offset, noPublisher, lan, second,
        };
        command.SetAction(parsed => RunAsync(new LabSettings(
            parsed.GetRequiredValue(data),
            parsed.GetValue(offset),
            !parsed.GetValue(noPublisher),
            parsed.GetValue(lan),
            parsed.GetValue(second) switch
            {
                "publisher" => LabSource.Standby,
                "ingest" => LabSource.TwoIngests,
                _ => LabSource.Single,
            })));
        return command;
    }

    private static async Task<int> RunAsync(LabSettings settings)
    {
        using var stop = new StopSignal();
        try
        {
            using var folder = LabFolder.Take(settings.Folder);
            var (program, arguments) = ThisProgram();
            var plan = new LabPlan(settings with { Folder = folder.Path }, program, arguments);
            TryPorts(plan, settings.PortOffset);
            foreach (var box in plan.Boxes.Where(b => b.Configuration is not null))
                await File.WriteAllTextAsync(plan.ConfigurationFile(box), box.Configuration, stop.Token);
            await SuperviseAsync(plan, folder, stop.Token);
            return ExitCode.Ok;
        }
        catch (StartException e)
        {
            Terminal.Fault(e.Message);
            return ExitCode.No;
        }
    }

    private static async Task SuperviseAsync(LabPlan plan, LabFolder folder, CancellationToken stop)
    {
        var colour = !Console.IsOutputRedirected
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        var terminal = new LabTerminal(Console.Out, colour);
        terminal.Say($"""
            Steadycast lab in {folder.Path}; ctrl-c stops it.
              watch      {plan.Page}
              playlist   {plan.Playlist}
              publish    server {plan.Rtmp}, stream key {LabPlan.StreamName} (OBS, ffmpeg: the test picture makes room)
              processes  {folder.LabFile}
            """);
        var socket = LabControl.PathIn(folder.Path);
        var file = new LabFile(folder.LabFile, plan.Page, socket);
        var time = TimeProvider.System;
        var supervisor = new Supervisor(plan.Boxes, plan.LogFile, file, terminal, Backoff.OfTheLab, time,
            (name, pid) => terminal.Line(name, $"started as process {pid}"));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var announcing = AnnounceAsync(plan, terminal, time, over.Token);
        var controlled = ControlAsync(socket, supervisor, terminal, over.Token);
        await supervisor.RunAsync(stop);
        await over.CancelAsync();
        await announcing;
        await controlled;
        terminal.Say("Lab stopped.");
    }

    /// <summary>A lab without drills is a lab; why there are none is said.</summary>
    private static async Task ControlAsync(
        string? socket, Supervisor supervisor, LabTerminal terminal, CancellationToken stop)
    {
        try
        {
            if (socket is null)
                terminal.Say("No drills here: the folder's path is too long for a socket; give a shorter --data DIR.");
            else
                await new LabControl(socket, supervisor.Handles).RunAsync(stop);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            terminal.Say($"No drills here: {e.Message}");
        }
    }

    /// <summary>Says once when there is something to watch.</summary>
    private static async Task AnnounceAsync(
        LabPlan plan, LabTerminal terminal, TimeProvider time, CancellationToken stop)
    {
        var begun = time.GetTimestamp();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), time, stop);
                using var answer = await http.GetAsync(plan.Playlist, stop);
                if (!answer.IsSuccessStatusCode)
                    continue;
                terminal.Say($"On air after {time.GetElapsedTime(begun).TotalSeconds:0.0} s: {plan.Page}");
                return;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException or OperationCanceledException)
            {
                // Not yet, or stopping.
            }
        }
    }

    private static void TryPorts(LabPlan plan, int offset)
    {
        foreach (var box in plan.Boxes)
        {
            foreach (var address in box.Listens)
            {
                if (PortCheck.WhyNot(address) is { } why)
                {
                    throw new StartException(
                        $"port {address.Port} of {box.Name} {why}; " +
                        $"stop that program, or use --port-offset {offset + 1000}");
                }
            }
        }
    }

    /// <summary>This executable as it was started: itself, or dotnet with the assembly.</summary>
    private static (string Program, IReadOnlyList<string> Arguments) ThisProgram()
    {
        var path = Environment.ProcessPath
            ?? throw new StartException("this system does not tell where the program is");
        return Path.GetFileNameWithoutExtension(path) == "dotnet"
            ? (path, [Path.Combine(AppContext.BaseDirectory, "steadycast.dll")])
            : (path, []);
    }
}
