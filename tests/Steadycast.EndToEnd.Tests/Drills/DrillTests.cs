using System.Diagnostics;
using System.Text.Json;
using Steadycast.EndToEnd.Tests.Page;

namespace Steadycast.EndToEnd.Tests.Drills;

/// <summary>
/// The promises of <c>steadycast drill</c>, on a running lab with real processes; and the command itself.
/// </summary>
public sealed class DrillTests(LabUnderTest lab, ITestOutputHelper log) : IClassFixture<LabUnderTest>
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "steadycast");

    /// <summary>A drill takes half a minute, and on a loaded machine the lab may need another to be well again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>What is not redundant; the redundant half is watched by players (<see cref="PlayerDrillTests"/>).</summary>
    [Theory]
    [InlineData("publisher-gone-3s")]
    [InlineData("ingest-gone")]
    [InlineData("switch-gone")]
    [InlineData("both-origins-down")]
    public async Task A_promise_is_kept(string drill)
    {
        var (code, output, error) = await ForeignProgram.TryAsync(
            Program, ["drill", drill, "--lab", lab.File, "--seconds", "6", "--json"],
            TestContext.Current.CancellationToken, Patience);
        log.WriteLine(output + error);
        if (code != 0)
            Assert.Fail(output + error + lab.Said("switch", "ingest", "publisher"));
        using var report = JsonDocument.Parse(output);
        Assert.True(report.RootElement.GetProperty("kept").GetBoolean());
        Assert.Equal(drill, report.RootElement.GetProperty("drills")[0].GetProperty("name").GetString());
        await lab.AssertSameBytesAsync();
    }

    [Fact]
    public async Task What_was_broken_is_whole_again_after_ctrl_c()
    {
        using var drill = new Process
        {
            StartInfo = new ProcessStartInfo(Program, ["drill", "freeze-origin-backup", "--lab", lab.File])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        drill.Start();
        var errors = drill.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var lines = drill.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await LabUnderTest.UntilAsync("the box to be frozen", () => Task.FromResult(lab.IsFrozen("origin-backup")));

        await LabUnderTest.SignalAsync(drill.Id, "INT");

        await LabUnderTest.UntilAsync("the box to go on", () => Task.FromResult(!lab.IsFrozen("origin-backup")));
        await LabUnderTest.UntilAsync("the drill to end", () => Task.FromResult(drill.HasExited));
        Assert.Equal(1, drill.ExitCode);
        Assert.Contains("everything that was broken is whole again", await errors, StringComparison.Ordinal);
        Assert.DoesNotContain("kept  ", await lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_lab_the_next_step_is_said()
    {
        var (code, _, error) = await ForeignProgram.TryAsync(
            Program, ["drill", "kill", "--lab", "no-lab.json"], TestContext.Current.CancellationToken);

        Assert.Equal(1, code);
        Assert.Contains("start one with `steadycast lab` in another terminal", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("needs", "browser")]
    public async Task The_page_plays_on_while_the_active_origin_is_killed()
    {
        await lab.SettleAsync();
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(lab.Page);
        await page.PlayForAsync(3);
        await page.WaitForTextAsync("origins", "primary");
        var active = await page.TextAsync("active");
        await lab.SignalAsync($"origin-{active}", "KILL");
        await page.PlayForAsync(12);
        await page.ScreenshotAsync("drill-origin-killed");
        log.WriteLine(await page.TextAsync("log"));
        Assert.Equal("0", await page.TextAsync("stalls"));
        Assert.Equal("live", await page.TextAsync("state"));
        Assert.Contains(await page.TextAsync("active"), new[] { "primary", "backup" });
        Assert.Empty(page.Errors);
    }

    [Fact]
    public void The_first_playlist_comes_soon()
    {
        log.WriteLine($"on air after {lab.TimeToAir.TotalSeconds:0.0} s");
        // 10 s is the promise for a machine that has nothing else to do.
        Assert.InRange(lab.TimeToAir.TotalSeconds, 0, 30);
    }
}
