using System.CommandLine;
using System.Text.Json;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Cli;

internal static class CheckCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A YAML or JSON configuration file." };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var set = SetOption();
        var command = new Command("check", "Validate a configuration file: every fault at once.") { file, set, json };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var result = ConfigLoader.Load(path, ConfigLoader.ProcessEnvironment(), parsed.GetValue(set) ?? []);
            if (parsed.GetValue(json))
                Console.WriteLine(Json(path, result));
            else
                Write(path, result);
            return result.Faults.Count == 0 ? ExitCode.Ok : ExitCode.No;
        });
        return command;
    }

    /// <summary>The flag that wins over file and environment; shared with <c>serve</c>.</summary>
    public static Option<string[]> SetOption() => new("--set")
    {
        Description = "Override one key: --set switch.required_windows=2. May be repeated.",
        HelpName = "KEY=VALUE",
    };

    /// <summary>Faults on standard error, one line each, under one that counts them.</summary>
    public static void Write(string path, ConfigResult result)
    {
        if (result.Faults.Count == 0)
        {
            Console.WriteLine($"{path}: {Terminal.Good("good")}");
            return;
        }

        Terminal.Fault(result.Faults.Count == 1 ? $"{path}: 1 fault" : $"{path}: {result.Faults.Count} faults");
        foreach (var fault in result.Faults)
            Console.Error.WriteLine("  " + fault);
    }

    private static string Json(string path, ConfigResult result) => JsonSerializer.Serialize(new
    {
        file = path,
        valid = result.Faults.Count == 0,
        faults = result.Faults.Select(f => new
        {
            key = f.Key,
            line = f.Source.Line,
            source = f.Source.Name,
            message = f.Message,
            next_step = f.NextStep,
        }),
    });
}
