using System.CommandLine;

namespace Steadycast.Server.Cli;

/// <summary>The commands of this version.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        var parsed = Root().Parse(args);
        // Signals are ours (StopSignal): the library would end the process 2 s after the first one.
        var invocation =
            new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false };
        var code = await parsed.InvokeAsync(invocation);
        return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
    }

    public static RootCommand Root()
    {
        var root = new RootCommand("Steadycast: live video that stays up when machines do not.")
        {
            LabCommand.Create(),
            ServeCommand.Create(),
            CheckCommand.Create(),
            WatchCommand.Create(),
            DrillCommand.Create(),
            PublishCommand.Create(),
            SwitchCommand.Create(),
            VersionCommand.Create(),
        };
        // `version` says more, and in one place.
        foreach (var option in root.Options.OfType<VersionOption>().ToArray())
            root.Options.Remove(option);
        return root;
    }
}
