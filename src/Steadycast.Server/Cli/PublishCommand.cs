using System.CommandLine;
using System.Diagnostics.Metrics;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Server.Publishing;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Server.Cli;

internal static class PublishCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("SOURCE") { Description = "An FLV file, or test for the built-in picture." };
        var url = new Argument<string>("URL") { Description = "rtmp://HOST[:PORT]/STREAM, or rtmps://…" };
        url.Validators.Add(result =>
        {
            if (!RtmpUrl.TryParse(result.Tokens[0].Value, out _))
                result.AddError("URL is not an rtmp or rtmps address with a stream: rtmp://127.0.0.1/mystream.");
        });
        var loop = new Option<bool>("--loop") { Description = "Again and again, with continuous timestamps." };
        var yields = new Option<bool>("--yield")
        {
            Description = "Fill in: leave the stream to whoever else publishes it, and return when it is free.",
        };
        var supervised = new Option<bool>("--supervised")
        {
            Description = "Stop when standard input ends: its writer was the supervisor.",
            Hidden = true,
        };
        var command = new Command("publish", "Publish a file over RTMP(S) in real time.")
        {
            source, url, loop, yields, supervised,
        };
        command.SetAction(async parsed =>
        {
            using var stop = new StopSignal();
            if (!RtmpUrl.TryParse(parsed.GetRequiredValue(url), out var address))
                return ExitCode.Usage;
            var name = parsed.GetRequiredValue(source);
            var clip = name == "test" ? Clip.TestPicture : Clip.File(name);
            var reel = new ClipReel(clip, parsed.GetValue(loop));
            // A drill's fault; whatever else its supervisor says ends it.
            if (parsed.GetValue(supervised))
                Tether.Attach(stop, line => reel.Show(line == "other-picture" ? Clip.OtherPicture : clip));
            return await RunAsync(name, reel, address, parsed.GetValue(yields), stop.Token);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        string source, ClipReel reel, RtmpUrl url, bool yields, CancellationToken stop)
    {
        await using var services = new ServiceCollection().AddMetrics().AddLogging().BuildServiceProvider();
        var time = TimeProvider.System;
        await using var transport = new SocketTransport(
            time, new TransportMetrics(services.GetRequiredService<IMeterFactory>()),
            services.GetRequiredService<ILogger<SocketTransport>>());
        var asked = yields ? WithYield(url) : url;
        var publisher = new Publisher(
            reel, token => RtmpPublisher.ConnectAsync(transport, asked, new RtmpDialOptions(), time, token),
            yields, time, text => Console.WriteLine($"{url}: {text}"));
        try
        {
            await publisher.RunAsync(stop);
            return ExitCode.Ok;
        }
        catch (RtmpRefusedException e)
        {
            Terminal.Fault($"{url} refused: {e.Message}");
        }
        catch (Exception e) when (e is FlvFormatException or IOException or UnauthorizedAccessException)
        {
            Terminal.Fault($"{source} cannot be played: {e.Message}");
        }

        return ExitCode.No;
    }

    /// <summary>
    /// Tells the server, too: it lets any other publisher take the stream, and gives it to us when it is free.
    /// </summary>
    private static RtmpUrl WithYield(RtmpUrl url)
    {
        static string Add(string part) => part + (part.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "yield=1";
        return url.Name.Length > 0 ? url with { Name = Add(url.Name) } : url with { App = Add(url.App) };
    }
}
