using Steadycast.EndToEnd.Tests.Drills;
using Steadycast.EndToEnd.Tests.Page;
using Steadycast.EndToEnd.Tests.Players;
using Steadycast.Streaming.Segments;
using Steadycast.Streaming.Viewing;

namespace Steadycast.EndToEnd.Tests.Tracks;

/// <summary>Two audio tracks through a whole lab, to hls.js in Chromium.</summary>
/// <remarks>
/// Not to Shaka 5.2.12: in one of three runs its picture was 8 s further after the choice of another track. Not
/// understood.
/// </remarks>
[Trait("needs", "browser")]
public sealed class TracksDrillTests(LabUnderTest lab, ITestOutputHelper log) : IClassFixture<LabUnderTest>
{
    private const string Stream = "tracks";
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "steadycast");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_second_track_is_chosen_and_plays_on_when_an_origin_dies()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await using var publisher = await MultitrackPublisher.StartAsync(
            $"rtmp://127.0.0.1:{1935 + lab.PortOffset}/{Stream}", seconds: 240, Cancel);
        var master = new Uri(lab.Playlist, $"/hls/{Stream}/master.m3u8");
        var second = new Uri(master, "audio-1.m3u8");
        await LabUnderTest.UntilAsync("five segments of the second track", async () =>
            (await http.GetStringAsync(second, Cancel)).Split("#EXTINF").Length > 5);

        await using var browser = await Browser.StartAsync();
        await using var players = await PlayersPage.OpenAsync(browser, master, Cancel, "hls.js");
        await players.PlayForAsync(4);
        Assert.All(await players.AudioTracksAsync(), tracks => Assert.Equal(["Audio 1", "Audio 2"], tracks.Order()));
        await players.BeginAsync();
        await players.SelectAudioAsync("Audio 2");
        await players.PlayForAsync(6);
        await AssertUnnoticedAsync(players, "the choice of another track");

        var watching = new StrictViewer(
            http, TimeProvider.System, new ViewerOptions { WatchFor = TimeSpan.FromSeconds(30) }).WatchAsync(second, Cancel);
        await players.PlayForAsync(4);
        var (code, output, error) = await ForeignProgram.TryAsync(
            Program, ["drill", "kill-origin-primary", "--lab", lab.File, "--seconds", "6", "--json"], Cancel, Patience);
        if (code != 0)
            Assert.Fail(output + error + lab.Said("switch"));
        await players.PlayForAsync(6);
        var report = await watching;
        Assert.True(report.Seamless, report.ToText() + lab.Said("switch"));
        await AssertUnnoticedAsync(players, "the death of an origin");
        await AssertSameAsync(http);
        await players.ScreenshotAsync("second-audio-track");
    }

    private async Task AssertUnnoticedAsync(PlayersPage players, string what)
    {
        var reports = await players.ReportAsync();
        log.WriteLine($"{what}\n{string.Join('\n', reports)}");
        foreach (var player in reports)
            Assert.True(player is { Fatal: [], Stalls: [], Jumps: [] }, $"{what}: {player}");
        Assert.All(await players.AudioPlayingAsync(), track => Assert.Equal("Audio 2", track));
    }

    /// <summary>What both origins list is the same, all its parts included.</summary>
    private async Task AssertSameAsync(HttpClient http)
    {
        StreamIndex[] indexes =
        [
            .. await Task.WhenAll(LabUnderTest.Origins.Select(async origin => StreamIndexJson.Read(
                await http.GetByteArrayAsync(new Uri(lab.AddressOf(origin), $"/hls/{Stream}/index.json"), Cancel)))),
        ];
        var other = indexes[1].Segments.ToDictionary(segment => segment.Msn);
        var both = indexes[0].Segments.Where(segment => other.ContainsKey(segment.Msn)).ToList();
        Assert.True(both.Count >= 5, $"only {both.Count} segments in common");
        Assert.All(both, segment => Assert.Equal(other[segment.Msn], segment));
        Assert.All(both, segment => Assert.NotNull(segment.Parts?.Find("audio-1.m3u8")));
    }
}
