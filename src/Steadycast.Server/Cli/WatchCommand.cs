using System.CommandLine;
using System.Globalization;
using Steadycast.Server.Evidence;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Cli;

internal static class WatchCommand
{
    public static Command Create()
    {
        var url = new Argument<string>("URL") { Description = "An HLS playlist, media or multivariant." };
        var seconds = new Option<double>("--seconds")
        {
            Description = "How long to watch; 0 is until ctrl-c or the end of the stream.",
            HelpName = "N",
            DefaultValueFactory = _ => 30,
        };
        var json = new Option<bool>("--json") { Description = "One JSON object." };
        var save = new Option<string?>("--save")
        {
            Description = "Keep the evidence in a new folder: segments, playlists, timeline, log, ffprobe's report.",
            HelpName = "DIR",
        };
        var command = new Command("watch", "A strict HLS viewer: follows a stream and reports every seam.")
        {
            url, seconds, json, save,
        };
        url.Validators.Add(result =>
        {
            if (AddressOf(result.Tokens[0].Value) is null)
                result.AddError($"{result.Tokens[0].Value} is not an http or https address.");
        });
        seconds.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] &&
                !(double.TryParse(text, CultureInfo.InvariantCulture, out var n) && n is >= 0 and < 1e8))
                result.AddError("--seconds is a number, 0 or more.");
        });
        command.SetAction(parsed => RunAsync(
            AddressOf(parsed.GetRequiredValue(url))!, parsed.GetValue(seconds), parsed.GetValue(json),
            parsed.GetValue(save)));
        return command;
    }

    private static async Task<int> RunAsync(Uri address, double seconds, bool json, string? save)
    {
        using var stop = new StopSignal();
        try
        {
            await using var evidence =
                save is null ? null : new EvidenceFolder(save, new EvidenceLimits(), TimeProvider.System);
            var report = await WatchAsync(address, seconds, json, evidence, stop.Token);
            if (json)
                Console.WriteLine(report.ToJson());
            else
                Write(report);
            if (evidence is not null && !await FinishAsync(evidence, report, json))
                return ExitCode.No;
            return report.Seamless ? ExitCode.Ok : ExitCode.No;
        }
        catch (EvidenceException e)
        {
            Terminal.Fault(e.Message);
            return ExitCode.No;
        }
    }

    private static async Task<ViewerReport> WatchAsync(
        Uri address, double seconds, bool json, IViewerWitness? witness, CancellationToken stop)
    {
        // The viewer sets its own deadlines.
        using var http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        var options = new ViewerOptions { WatchFor = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null };
        if (!json && !Console.IsErrorRedirected)
        {
            var end = seconds > 0 ? $"for {seconds:0.#} s; ctrl-c ends it early" : "until ctrl-c";
            await Console.Error.WriteLineAsync(Terminal.Dim($"Watching {address} {end}."));
        }

        return await new StrictViewer(http, TimeProvider.System, options, witness).WatchAsync(address, stop);
    }

    /// <summary>Whether all of the evidence could be kept. Ctrl-c has ended the watching, not this.</summary>
    private static async Task<bool> FinishAsync(EvidenceFolder evidence, ViewerReport report, bool json)
    {
        var line = await evidence.FinishAsync(report, "ffprobe", CancellationToken.None);
        if (!json)
            Console.WriteLine($"  evidence: {line}");
        if (evidence.Fault is not { } fault)
            return true;
        Terminal.Fault($"the evidence in {evidence.FullPath} is not whole: {fault}");
        return false;
    }

    private static void Write(ViewerReport report)
    {
        var text = report.ToText();
        var verdict = text.IndexOf('\n', StringComparison.Ordinal);
        var headline = report.Seamless ? Terminal.Good(text[..verdict]) : Terminal.Bad(text[..verdict]);
        Console.Write(headline + text[verdict..]);
    }

    private static Uri? AddressOf(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : null;
}
