using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Steadycast.EndToEnd.Tests.Page;

namespace Steadycast.EndToEnd.Tests.Players;

/// <summary>The players on one playlist, and what each of them saw so far.</summary>
internal sealed class PlayersPage : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly PlayerPage _page;

    private PlayersPage(WebApplication server, PlayerPage page) => (_server, _page) = (server, page);

    /// <param name="only">One of the players; null: all of them.</param>
    public static async Task<PlayersPage> OpenAsync(
        Browser browser, Uri playlist, CancellationToken cancellationToken, string? only = null)
    {
        var field = await BurntInCounter.LearnAsync(PathOf("test-picture.flv"), cancellationToken);
        // From a real loopback address: Chromium lets no page of elsewhere ask one.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var server = builder.Build();
        server.Run(SendAsync);
        await server.StartAsync(cancellationToken);
        var page = await browser.OpenAsync(new Uri(server.Urls.First()));
        await page.Page.EvaluateAsync(
            "([url, field, only]) => start(url, JSON.parse(field), only)",
            new[] { playlist.AbsoluteUri, field.ToJsonString(), only });
        return new PlayersPage(server, page);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>Forgets what happened while the players joined.</summary>
    public Task BeginAsync() => _page.Page.EvaluateAsync("begin()");

    /// <summary>Until each player has moved on by so many seconds from where it is.</summary>
    public async Task PlayForAsync(double seconds)
    {
        var until = (await ReportAsync()).ToDictionary(p => p.Name, p => p.Time + seconds);
        try
        {
            await _page.Page.WaitForFunctionAsync(
                "until => report().every(p => p.time >= until[p.name])", until, new() { Timeout = 60_000 });
        }
        catch (TimeoutException)
        {
            Assert.Fail($"No {seconds} s in a minute: {string.Join('\n', await ReportAsync())}");
        }
    }

    public async Task<IReadOnlyList<PlayerReport>> ReportAsync() =>
        JsonSerializer.Deserialize<List<PlayerReport>>(
            await _page.Page.EvaluateAsync<string>("JSON.stringify(report())"), JsonSerializerOptions.Web)!;

    /// <summary>The names of the audio tracks that each player offers.</summary>
    public Task<string[][]> AudioTracksAsync() => _page.Page.EvaluateAsync<string[][]>("audioTracks()");

    /// <summary>The one that each plays; null where it says none.</summary>
    public Task<string?[]> AudioPlayingAsync() => _page.Page.EvaluateAsync<string?[]>("audioPlaying()");

    public Task SelectAudioAsync(string name) => _page.Page.EvaluateAsync("name => selectAudio(name)", name);

    public Task ScreenshotAsync(string name) => _page.ScreenshotAsync(name);

    private static Task SendAsync(HttpContext context)
    {
        var name = context.Request.Path.Value!.TrimStart('/') is { Length: > 0 } asked ? asked : "players.html";
        if (name is not ("players.html" or "players.js" or "hls.js" or "shaka.js"))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        context.Response.ContentType = name == "players.html" ? "text/html" : "text/javascript";
        return context.Response.SendFileAsync(PathOf(name), context.RequestAborted);
    }

    private static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "players", name);
}

/// <summary>What one player saw since it was started.</summary>
/// <param name="Time">Media time, seconds.</param>
/// <param name="Ahead">Seconds buffered beyond it.</param>
/// <param name="Fatal">What it cannot go on from, in its own words.</param>
/// <param name="Warnings">Errors that it dealt with by itself.</param>
/// <param name="Stalls">Times at which it stood with nothing to play.</param>
/// <param name="Jumps">Places where the picture is not the one that belongs to its time.</param>
/// <param name="Unread">Pictures whose counter could not be read.</param>
internal sealed record PlayerReport(
    string Name,
    double Time,
    double Ahead,
    string[] Fatal,
    int Warnings,
    PlayerStall[] Stalls,
    PlayerJump[] Jumps,
    int Unread,
    int Read,
    int Frames)
{
    public override string ToString() =>
        $"{Name}: at {Time:0.0} s, {Ahead:0.0} s ahead, {Frames} frames, {Read} counters read, {Unread} not, "
        + $"{Warnings} warnings, stalls [{string.Join(", ", Stalls.Select(s => $"{s.Seconds:0.0} s at {s.At:0.0}"))}], "
        + $"jumps [{string.Join(", ", Jumps.Select(j => $"{j.Frames} frames at {j.At:0.0}"))}], "
        + $"fatal [{string.Join(", ", Fatal)}]";
}

internal sealed record PlayerStall(double At, double Seconds);

internal sealed record PlayerJump(double At, double Frames);
