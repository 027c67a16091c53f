using System.CommandLine;
using Steadycast.Server.Configuration;
using Steadycast.Server.Faults;
using Steadycast.Server.Hosting;
using Steadycast.Server.Telemetry;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Cli;

internal static class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<string?>("--config")
        {
            Description = "A YAML or JSON file. May be absent when the environment has the whole configuration.",
            HelpName = "FILE",
        };
        var set = CheckCommand.SetOption();
        var supervised = new Option<bool>("--supervised")
        {
            Description = "Standard input is the supervisor's: stop when it ends, make the faults that it names.",
            Hidden = true,
        };
        var command = new Command("serve", "Run the roles that a configuration file has sections for.")
        {
            config, set, supervised,
        };
        command.SetAction(parsed =>
            RunAsync(parsed.GetValue(config), parsed.GetValue(set) ?? [], parsed.GetValue(supervised)));
        return command;
    }

    private static async Task<int> RunAsync(string? path, string[] sets, bool supervised)
    {
        var environment = ConfigLoader.ProcessEnvironment();
        if (path is null && sets.Length == 0 && !ConfigLoader.IsConfiguredByEnvironment(environment))
        {
            Terminal.Fault("serve has nothing to run; name a file with --config FILE (examples are in config/)");
            return ExitCode.Usage;
        }

        var result = ConfigLoader.Load(path, environment, sets);
        if (result.Options is not { } options)
        {
            CheckCommand.Write(path ?? "configuration", result);
            return ExitCode.No;
        }

        // Before the first socket of the process, or the runtime does not look any more.
        if (options.Ingest is not null)
            InlineCompletions.Enable();
        foreach (var (key, address) in RoleSet.Listeners(options))
        {
            if (PortCheck.WhyNot(address) is not { } why)
                continue;
            Terminal.Fault($"port {address.Port} {why}; stop that program or change {key}");
            return ExitCode.No;
        }

        using var stop = new StopSignal();
        return await ServeAsync(options, supervised, stop);
    }

    private static async Task<int> ServeAsync(SteadycastOptions options, bool supervised, StopSignal stop)
    {
        var collection = new ServiceCollection()
            .AddTelemetry(options.Log)
            .AddSingleton<SegmentStores>();
        if (supervised)
            collection.AddFaults();
        await using var services = collection.BuildServiceProvider();
        // Made first, so that it hears of every instrument.
        services.GetRequiredService<MetricStore>();
        if (supervised)
            Tether.Attach(stop, services.GetRequiredService<FaultDoor>().Tell);
        try
        {
            await using var host = new RoleHost(
                RoleSet.Create(options, services), services,
                services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<RoleHost>>());
            await host.RunAsync(stop.Token);
            return ExitCode.Ok;
        }
        catch (StartException e)
        {
            Terminal.Fault(e.Message);
            return ExitCode.No;
        }
    }
}
