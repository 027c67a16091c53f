using Steadycast.EndToEnd.Tests.Page;
using Steadycast.Streaming.Viewing;
using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.EndToEnd.Tests.Foreign;

/// <summary>
/// streaming-lab's drills, and the faults that it did not survive, on ffmpeg packagers behind nginx: one discontinuity
/// for each switch, and nothing else that a strict viewer could see.
/// </summary>
public sealed class ForeignPairTests(PairUnderTest pair, ITestOutputHelper output) : IClassFixture<PairUnderTest>
{
    /// <summary>Everything but the seam itself and, when the machine is loaded, a late playlist.</summary>
    private static readonly SeamKind[] NeverSeen =
        [Stall, Hole, Repeat, Regression, ChangedLine, DiscontinuitySequence, TargetDuration, HttpError, Malformed];

    /// <summary>What is done to the active origin, one after the other: then the other one is active.</summary>
    private static readonly string[] Faults =
    [
        "origin", "packager", "m3u8-404", "m3u8-503", "m3u8-garbage", "ts-404", "ts-503", "ts-garbage",
    ];

    [Fact]
    public async Task Each_fault_of_the_active_origin_costs_one_discontinuity_and_nothing_else()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();

        var report = await pair.WatchAsync(async () =>
        {
            await pair.PassAsync(2);
            foreach (var fault in Faults)
            {
                output.WriteLine($"{fault} of {await pair.DriveOutAsync(fault)}");
                await pair.PassAsync(2);
                await pair.HealAsync();
            }
        });

        output.WriteLine(report.ToText());
        AssertSeams(report, Faults.Length);
    }

    [Fact]
    [Trait("needs", "browser")]
    public async Task The_page_plays_over_a_seam_without_standing_still()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(new Uri(pair.Playlist, "/"));
        await page.PlayForAsync(3);
        var active = await pair.ActiveAsync();

        await pair.StopAsync($"origin-{active}");

        await page.PlayForAsync(14);
        output.WriteLine(await page.TextAsync("log"));
        Assert.NotEqual(active, await pair.ActiveAsync());
        Assert.Equal("0", await page.TextAsync("stalls"));
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task An_operator_moves_viewers_to_the_other_origin_and_back()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();
        var active = await pair.ActiveAsync();
        var other = PairUnderTest.Names.Single(n => n != active);

        var report = await pair.WatchAsync(async () =>
        {
            await pair.PassAsync(2);
            Assert.Equal($"live: {other} is pinned; {other} is active", await pair.OperateAsync("pin", "live", other));
            await pair.PassAsync(4);
            Assert.Equal($"live: {active} is pinned; {active} is active", await pair.OperateAsync("pin", "live", active!));
            await pair.PassAsync(4);
            Assert.StartsWith("live: released", await pair.OperateAsync("release", "live"), StringComparison.Ordinal);
        });

        output.WriteLine(report.ToText());
        AssertSeams(report, discontinuities: 2);
    }

    [Fact]
    public async Task A_switch_that_is_killed_goes_on_with_the_same_playlist()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();

        var report = await pair.WatchAsync(async () =>
        {
            await pair.PassAsync(2);
            await pair.StopAsync("switch", "KILL");
            pair.StartSwitch();
            await pair.HealAsync();
            await pair.PassAsync(3);
        });

        output.WriteLine(report.ToText());
        AssertSeams(report, discontinuities: 0, except: [HttpError, Stall]);
    }

    private void AssertSeams(ViewerReport report, int discontinuities, params SeamKind[] except)
    {
        var said = report.ToText() + pair.Said();
        Assert.True(NeverSeen.Except(except).All(kind => report.Counts[kind] == 0), said);
        Assert.True(report.Counts[Discontinuity] == discontinuities, said);
        Assert.Equal(report.LastMsn, report.FirstMsn + report.Segments - 1);
    }
}
