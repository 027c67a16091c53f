using System.Security.Cryptography;
using Steadycast.EndToEnd.Tests.Page;
using Steadycast.Streaming.Viewing;
using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.EndToEnd.Tests.Drills;

/// <summary>
/// The promise, on a running lab with real processes: a viewer of the switch does not notice that a box of the
/// redundant half dies, freezes or restarts; and what is not redundant costs no more than it must.
/// </summary>
public sealed class DrillTests(LabUnderTest lab, ITestOutputHelper output) : IClassFixture<LabUnderTest>
{
    /// <summary>What the end of the one switch, or of the one ingest, must never do to a playlist.</summary>
    private static readonly SeamKind[] NeverBroken =
    [
        Hole, Repeat, Regression, ChangedLine, DiscontinuitySequence, TargetDuration, ContinuityCounter, Malformed,
    ];

    public static TheoryData<string, string> RedundantFaults
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var box in new[] { "packager-primary", "packager-backup", "origin-primary", "origin-backup" })
            {
                data.Add(box, "kill");
                data.Add(box, "freeze");
                data.Add(box, "restart");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(RedundantFaults))]
    public async Task A_redundant_box_fails_and_the_viewer_sees_nothing(string box, string fault)
    {
        await lab.SettleAsync();
        var report = await lab.WatchAsync(fault == "freeze" ? 20 : 13, () => InflictAsync(box, fault));
        output.WriteLine(report.ToText());
        if (!report.Seamless)
            Assert.Fail(report.ToText() + lab.Said("switch", box));
        await AssertSameBytesAsync();
    }

    [Fact]
    public async Task The_switch_dies_and_its_playlist_continues_where_it_was()
    {
        await lab.SettleAsync();
        var report = await lab.WatchAsync(20, () => InflictAsync("switch", "kill"));
        output.WriteLine(report.ToText());
        AssertNone(report, [.. NeverBroken, Discontinuity]);
        Assert.True(report.Segments >= 9, report.ToText() + lab.Said("switch"));
    }

    [Theory]
    [InlineData("ingest")]
    [InlineData("publisher")]
    public async Task The_source_dies_and_the_numbering_continues_with_one_discontinuity(string box)
    {
        await lab.SettleAsync();
        var report = await lab.WatchAsync(25, () => InflictAsync(box, "kill"));
        output.WriteLine(report.ToText());
        AssertNone(report, [.. NeverBroken, HttpError]);
        Assert.True(report.Counts[Discontinuity] == 1, report.ToText() + lab.Said("switch", "ingest", "publisher"));
        Assert.Equal(report.LastMsn, report.FirstMsn + report.Segments - 1);
        await AssertSameBytesAsync();
    }

    [Fact]
    public async Task The_page_plays_on_while_the_active_origin_is_killed()
    {
        await lab.SettleAsync();
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(lab.Page);
        await page.PlayForAsync(3);
        await page.WaitForTextAsync("origins", "primary");
        var active = await page.TextAsync("active");
        await InflictAsync($"origin-{active}", "kill");
        await page.PlayForAsync(12);
        await page.ScreenshotAsync("drill-origin-killed");
        output.WriteLine(await page.TextAsync("log"));
        Assert.Equal("0", await page.TextAsync("stalls"));
        Assert.Equal("live", await page.TextAsync("state"));
        Assert.Contains(await page.TextAsync("active"), new[] { "primary", "backup" });
        Assert.Empty(page.Errors);
    }

    [Fact]
    public void The_first_playlist_comes_soon()
    {
        output.WriteLine($"on air after {lab.TimeToAir.TotalSeconds:0.0} s");
        // 10 s is the promise for a machine that has nothing else to do.
        Assert.InRange(lab.TimeToAir.TotalSeconds, 0, 30);
    }

    private async Task InflictAsync(string box, string fault)
    {
        var restarts = lab.Restarts(box);
        switch (fault)
        {
            case "kill":
                await lab.SignalAsync(box, "KILL");
                break;
            case "restart":
                await lab.SignalAsync(box, "TERM");
                break;
            case "freeze":
                await lab.SignalAsync(box, "STOP");
                await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
                await lab.SignalAsync(box, "CONT");
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault, null);
        }

        await LabUnderTest.UntilAsync(
            $"{box} to be started again", () => Task.FromResult(lab.Restarts(box) > restarts));
    }

    /// <summary>Every segment that both origins list is the same, as they say and as they send it.</summary>
    private async Task AssertSameBytesAsync()
    {
        await lab.SettleAsync(segments: 0);
        var primary = await lab.IndexAsync(LabUnderTest.Origins[0]);
        var backup = await lab.IndexAsync(LabUnderTest.Origins[1]);
        var both = primary.Keys.Intersect(backup.Keys).Order().ToArray();
        Assert.True(both.Length >= 5, $"Only {both.Length} segments in common.");
        foreach (var msn in both)
        {
            Assert.Equal(primary[msn], backup[msn]);
            foreach (var origin in LabUnderTest.Origins)
            {
                var bytes = await lab.FetchAsync(origin, primary[msn].Uri);
                Assert.Equal(primary[msn].Sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
            }
        }

        output.WriteLine($"{both.Length} segments compared");
    }

    private void AssertNone(ViewerReport report, IEnumerable<SeamKind> kinds) =>
        Assert.True(kinds.All(kind => report.Counts[kind] == 0), report.ToText() + lab.Said("switch"));
}
