using System.Text.Json;
using Steadycast.EndToEnd.Tests.Page;
using Steadycast.EndToEnd.Tests.Players;

namespace Steadycast.EndToEnd.Tests.Drills;

/// <summary>
/// The promise as players keep it: hls.js and Shaka in Chromium go on through every kind of single fault of the
/// redundant half without a stall, an error, or a frame missing or repeated.
/// </summary>
[Trait("needs", "browser")]
public sealed class PlayerDrillTests(LabUnderTest lab, ITestOutputHelper log) : IClassFixture<LabUnderTest>
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "steadycast");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Each kind of fault, on one half or the other; the whole table is `steadycast drill --all`.</summary>
    private static readonly string[] Faults =
    [
        "kill-packager-primary", "kill-origin-primary", "kill-origin-backup", "restart-packager-primary",
        "freeze-origin-primary", "freeze-packager-backup",
        "flapping-origin-primary", "slow-origin-primary", "corrupt-origin-backup", "truncated-origin-primary",
        "503-origin-backup", "cut-feed-packager-primary", "full-disk-packager-backup", "clock-ahead-ingest",
    ];

    [Fact]
    public async Task No_player_notices_any_single_fault()
    {
        var cancel = TestContext.Current.CancellationToken;
        await lab.SettleAsync();
        await using var browser = await Browser.StartAsync();
        await using var players = await PlayersPage.OpenAsync(browser, lab.Playlist, cancel);
        await players.PlayForAsync(6);
        await players.BeginAsync();
        foreach (var fault in Faults)
        {
            var (code, output, error) = await ForeignProgram.TryAsync(
                Program, ["drill", fault, "--lab", lab.File, "--seconds", "6", "--json"], cancel, Patience);
            var reports = await players.ReportAsync();
            log.WriteLine($"{fault}\n{string.Join('\n', reports)}");
            if (code != 0)
                Assert.Fail(output + error + lab.Said("switch"));
            using var report = JsonDocument.Parse(output);
            Assert.True(report.RootElement.GetProperty("kept").GetBoolean());
            foreach (var player in reports)
                Assert.True(player is { Fatal: [], Stalls: [], Jumps: [] }, $"{fault}: {player}\n{output}");
            await lab.AssertSameBytesAsync();
        }

        await players.ScreenshotAsync("players-after-all-faults");
        Assert.All(await players.ReportAsync(), player => Assert.InRange(player.Read, 100, int.MaxValue));
    }
}
