using Steadycast.EndToEnd.Tests.Drills;
using Steadycast.EndToEnd.Tests.Page;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Viewing;
using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.EndToEnd.Tests.Foreign;

/// <summary>
/// As <see cref="ForeignPairTests"/>, with a multivariant playlist on either origin: each fault moves all playlists, at
/// one number.
/// </summary>
public sealed class LadderPairTests(LadderPairUnderTest pair, ITestOutputHelper output)
    : IClassFixture<LadderPairUnderTest>
{
    private static readonly string[] Playlists = ["index.m3u8", "variant-2.m3u8", "audio-1.m3u8"];

    private static readonly string[] Faults = ["origin", "packager", "m3u8-404", "m3u8-503", "m3u8-garbage", "ts-404"];

    [Fact]
    public async Task The_ladder_of_the_origins_is_published_under_our_names()
    {
        await pair.HealAsync();

        var master = (MultivariantPlaylist)PlaylistReader.Parse(await pair.TextAsync("master.m3u8"));

        Assert.Equal([(320, 180), (160, 90)], master.Variants.Select(v => (v.Width, v.Height)));
        Assert.Equal(["index.m3u8", "variant-2.m3u8"], master.Variants.Select(v => v.Uri));
        Assert.All(master.Variants, v => Assert.True(v.Bandwidth > 0));
        Assert.All(master.Variants, v => Assert.Equal(master.Renditions.Single().GroupId, v.Audio));
        Assert.Equal("audio-1.m3u8", master.Renditions.Single().Uri);
    }

    [Fact]
    public async Task Each_fault_of_the_active_origin_costs_every_playlist_one_discontinuity_at_one_number()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();

        var reports = await pair.WatchAsync(Playlists, async () =>
        {
            await pair.PassAsync(2);
            foreach (var fault in Faults)
            {
                output.WriteLine($"{fault} of {await pair.DriveOutAsync(fault)}");
                await pair.PassAsync(2);
                await pair.HealAsync();
            }
        });

        var said = string.Join('\n', reports.Select(r => r.ToText())) + pair.Said();
        output.WriteLine(said);
        foreach (var report in reports)
        {
            // ffmpeg begins with sound that lies up to a segment before its first picture: at a seam that may come twice.
            var isSound = report.Url.EndsWith("/audio-1.m3u8", StringComparison.Ordinal);
            Assert.True(
                report.Counts.All(c => c.Value == 0
                    || c.Key is Discontinuity or StalePlaylist || (isSound && c.Key is Repeat && c.Value <= Faults.Length)),
                said);
            Assert.Equal(Faults.Length, report.Counts[Discontinuity]);
            Assert.Equal(SeamsOf(reports[0]), SeamsOf(report));
        }

        static IEnumerable<long?> SeamsOf(ViewerReport report) =>
            report.Seams.Where(s => s.Kind == Discontinuity).Select(s => s.Msn);
    }

    [Fact]
    [Trait("needs", "browser")]
    public async Task A_player_that_changes_its_level_across_a_seam_notices_nothing()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();
        await using var browser = await Browser.StartAsync();
        var player = await LadderPlayer.OpenAsync(browser, new Uri(pair.Playlist, "master.m3u8"));
        await player.PlayForAsync(4);
        await player.BeginAsync();

        foreach (var fault in (string[])["origin", "packager", "m3u8-503"])
        {
            var active = await pair.ActiveAsync();
            await pair.InflictAsync(fault, active!);
            await player.TakeLevelAsync(1);
            await LabUnderTest.UntilAsync(
                $"{active} to be left because of {fault}", async () => await pair.ActiveAsync() != active);
            await player.PlayForAsync(3);
            await player.TakeLevelAsync(0);
            await player.PlayForAsync(9);
            await pair.HealAsync();
        }

        var report = await player.ReportAsync();
        output.WriteLine($"{report}");
        Assert.True(
            report is { Fatal: [], Stalls: [] }, $"{report}\n{string.Join('\n', report.Fragments)}\n{pair.Said()}");
        Assert.Contains(1, report.Levels);
        Assert.Equal([180, 90], report.Heights.Distinct().OrderDescending());
    }

    [Fact]
    public async Task A_switch_that_is_killed_goes_on_with_the_same_playlists()
    {
        await pair.HealAsync();
        await pair.ForgetSeamsAsync();

        var reports = await pair.WatchAsync(Playlists, async () =>
        {
            await pair.PassAsync(2);
            await pair.StopAsync("switch", "KILL");
            pair.StartSwitch();
            await pair.HealAsync();
            await pair.PassAsync(3);
        });

        output.WriteLine(string.Join('\n', reports.Select(r => r.ToText())));
        Assert.All(reports, report => Assert.True(
            report.Counts.All(c => c.Value == 0 || c.Key is HttpError or Stall or StalePlaylist), report.ToText()));
    }
}
