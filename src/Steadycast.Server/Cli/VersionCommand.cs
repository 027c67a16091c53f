using System.CommandLine;
using System.Text.Json;
using Steadycast.Server.Telemetry;

namespace Steadycast.Server.Cli;

internal static class VersionCommand
{
    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var command = new Command("version", "Version, commit and runtime.") { json };
        command.SetAction(parsed =>
        {
            Console.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(new
                {
                    version = BuildInfo.Version,
                    commit = BuildInfo.Commit,
                    runtime = BuildInfo.Runtime,
                })
                : $"steadycast {BuildInfo.Version} (commit {BuildInfo.Commit}, {BuildInfo.Runtime})");
            return ExitCode.Ok;
        });
        return command;
    }
}
