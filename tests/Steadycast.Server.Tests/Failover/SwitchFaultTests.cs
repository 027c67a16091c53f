using System.Net;
using System.Security.Cryptography;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Every way in which an origin can fail, one at a time: the viewer sees nothing of it.</summary>
public sealed class SwitchFaultTests
{
    private const string Failovers = "failovers_total";

    public static TheoryData<Misbehaviour, Misbehaviour> Faults
    {
        get
        {
            var faults = new TheoryData<Misbehaviour, Misbehaviour>();
            foreach (Misbehaviour fault in Enum.GetValues<Misbehaviour>().Where(f => f != Misbehaviour.None))
            {
                faults.Add(fault, Misbehaviour.None);
                faults.Add(Misbehaviour.None, fault);
                faults.Add(fault, fault);
            }

            return faults;
        }
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_primary_that_fails_in_any_way_is_not_seen(Misbehaviour ofIndex, Misbehaviour ofMedia)
    {
        await using Stage stage = await Stage.OpenAsync();
        stage.Primary.Misbehave(ofIndex, ofMedia);

        for (int i = 0; i < 4; i++)
            await stage.AdvanceAsync();

        Assert.Equal(0, stage.Reader.Gaps);
        Assert.Equal(0, stage.Meters.Sum("steadycast_switch_regressions_blocked_total"));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_backup_that_fails_in_any_way_changes_nothing(Misbehaviour ofIndex, Misbehaviour ofMedia)
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");
        stage.Backup.Misbehave(ofIndex, ofMedia);

        for (int i = 0; i < 4; i++)
            await stage.AdvanceAsync();

        Assert.Equal(0, stage.Reader.Gaps);
        Assert.Equal("primary", stage.ActiveOrigin);
        Assert.Equal(0, stage.Meters.Sum(Failovers));
    }

    /// <summary>streaming-lab's first drill, which did not fail over there.</summary>
    [Fact]
    public async Task A_killed_primary_is_left_at_once_and_returned_to_when_it_has_been_well_for_long_enough()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");
        await stage.Primary.KillAsync();

        await stage.UntilActiveIsAsync("backup");
        await stage.AdvanceAsync();
        Assert.Equal(1, stage.Meters.Sum(Failovers));
        Assert.Equal(0, stage.Meters.Sum("switcher_active_origin"));
        Assert.Equal(0, stage.Meters.Sum("steadycast_switch_origin_up", "origin=primary"));
        // A dead origin's age is gone, not frozen at its last good value.
        Assert.Equal(0, stage.Meters.Sum("segment_age_seconds", "origin=primary"));
        Assert.NotEqual(0, stage.Meters.Sum("segment_age_seconds", "origin=backup"));

        await stage.Primary.ReviveAsync();
        stage.Primary.Publish(stage.Edge - Stage.Window + 1, stage.Edge);
        await stage.UntilActiveIsAsync("primary");
        Assert.Equal(1, stage.Meters.Sum("switchbacks_total"));
        Assert.Equal(1, stage.Meters.Sum("switcher_active_origin"));
        await stage.AdvanceAsync();
        Assert.Equal(0, stage.Reader.Gaps);
    }

    /// <summary>streaming-lab's second fault: a dead backup must not blind it to a stale primary.</summary>
    [Fact]
    public async Task A_primary_that_goes_stale_is_left_for_the_backup()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");

        await stage.AdvanceAsync(primary: false);
        await stage.AdvanceAsync(primary: false);

        await stage.UntilActiveIsAsync("backup");
        Assert.Equal(0, stage.Reader.Gaps);
    }

    [Fact]
    public async Task Both_stopping_together_is_the_source_and_nobody_is_left()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");

        while (stage.Reader.State != "stalled")
            await stage.Reader.LookAsync();

        Assert.Equal("primary", stage.ActiveOrigin);
        Assert.Equal(0, stage.Meters.Sum(Failovers));
        Assert.True(stage.Role.Health().Ready);
        await stage.AdvanceAsync();
        Assert.Equal("live", stage.Reader.State);
    }

    [Fact]
    public async Task With_both_dead_the_last_playlist_stays_and_goes_on_when_one_returns()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.Primary.KillAsync();
        await stage.Backup.KillAsync();

        while (stage.Reader.State != "stalled" || stage.Role.Health().Ready)
            await stage.Reader.LookAsync();

        Assert.Contains("every origin is down", stage.Role.Health().Reasons[0], StringComparison.Ordinal);
        using HttpResponseMessage playlist = await stage.Http.GetAsync(
            $"/hls/{stage.Stream.Name}/index.m3u8", TestContext.Current.CancellationToken);
        Assert.Equal("max-age=1", playlist.Headers.CacheControl!.ToString());
        await stage.Backup.ReviveAsync();
        await stage.AdvanceAsync(primary: false);
        await stage.UntilActiveIsAsync("backup");
        Assert.Equal(0, stage.Reader.Gaps);
    }

    [Fact]
    public async Task A_segment_lost_on_both_origins_is_one_gap_and_the_stream_goes_on()
    {
        await using Stage stage = await Stage.OpenAsync();
        long lost = stage.Edge + 1;
        stage.Primary.Lose($"{lost}.m4s");
        stage.Backup.Lose($"{lost}.m4s");
        stage.Make();

        await stage.AdvanceAsync();
        await stage.AdvanceAsync();

        Assert.Equal(1, stage.Reader.Gaps);
        Assert.Equal(1, stage.Meters.Sum("steadycast_switch_gaps_total"));
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_continued_from_the_other_origin()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");
        stage.Primary.Misbehave(ofMedia: Misbehaviour.ShortBody);

        // On a busy machine a hedge may bring a segment before the primary breaks off; then it is the next one.
        while (stage.Meters.Sum("steadycast_switch_splices_total") == 0)
            await stage.AdvanceAsync();

        Assert.NotEqual(0, stage.Meters.Sum("steadycast_switch_fallbacks_total", "reason=reset"));
    }

    [Fact]
    public async Task A_slow_origin_whose_news_came_first_is_overtaken_by_one_that_has_it_a_moment_later()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.UntilActiveIsAsync("primary");
        stage.Primary.Misbehave(ofMedia: Misbehaviour.Hang);
        for (int round = 0; round < 2; round++)
        {
            stage.Make(backup: false);
            while (!stage.Primary.Requests.ContainsKey($"{stage.Edge}.m4s"))
                await stage.Reader.LookAsync();

            stage.Backup.Publish(stage.Edge - Stage.Window + 1, stage.Edge);

            await stage.Reader.UntilAsync(stage.Edge);
        }

        Assert.Equal(2, stage.Meters.Sum("steadycast_switch_hedges_total"));
        Assert.Equal(0, stage.Reader.Gaps);
    }

    [Fact]
    public async Task Other_bytes_that_one_origin_alone_offered_ahead_do_not_stay_in_the_way()
    {
        await using Stage stage = await Stage.OpenAsync();
        long ahead = stage.Edge + 2;
        byte[] others = stage.Stream.Bytes(ahead - 1);
        StreamIndex index = stage.Stream.Index(ahead, ahead);
        stage.Primary.Replace($"{ahead}.m4s", others);
        stage.Primary.Publish(index with
        {
            Segments = [index.Segments[0] with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(others)) }],
        });
        while (!stage.Primary.Requests.ContainsKey($"{ahead}.m4s"))
            await stage.Reader.LookAsync();

        await stage.Primary.KillAsync();
        await stage.UntilActiveIsAsync("backup");
        stage.Backup.Publish(ahead - Stage.Window, ahead);

        await stage.Reader.UntilAsync(ahead);
        Assert.Equal(0, stage.Reader.Gaps);
    }

    [Fact]
    public async Task Five_hundreds_are_counted_per_origin()
    {
        await using Stage stage = await Stage.OpenAsync();
        stage.Backup.Misbehave(Misbehaviour.ServerError);

        await stage.AdvanceAsync();
        await stage.AdvanceAsync();

        Assert.True(stage.Meters.Sum("origin_http_5xx_total", "origin=backup") > 0);
        Assert.Equal(0, stage.Meters.Sum("origin_http_5xx_total", "origin=primary"));
    }

    [Fact]
    public async Task Many_viewers_cost_one_fetch_per_segment()
    {
        await using Stage stage = await Stage.OpenAsync();
        for (int i = 0; i < 5; i++)
        {
            await stage.AdvanceAsync();
            string path = $"/hls/{stage.Stream.Name}/{stage.Edge}.m4s";
            byte[][] bodies = await Task.WhenAll(Enumerable.Range(0, 100)
                .Select(_ => stage.Http.GetByteArrayAsync(path, TestContext.Current.CancellationToken)));
            Assert.All(bodies, body => Assert.Equal(stage.Stream.Bytes(stage.Edge), body));
        }

        int asked = stage.Primary.MediaRequests + stage.Backup.MediaRequests;
        double hedges = stage.Meters.Sum("steadycast_switch_hedges_total");
        int objects = Stage.Window + 5 + 1;
        Assert.InRange(asked, objects, objects + (int)hedges);
    }

    [Fact]
    public async Task A_restarted_switch_continues_the_playlist_from_disk_with_every_origin_dead()
    {
        string state = Directory.CreateTempSubdirectory("steadycast-switch-").FullName;
        await using (Stage stage = await Stage.OpenAsync(state))
        {
            await stage.AdvanceAsync();
            string url = $"/hls/{stage.Stream.Name}/index.m3u8";
            string before = await stage.Http.GetStringAsync(url, TestContext.Current.CancellationToken);
            await stage.Primary.KillAsync();
            await stage.Backup.KillAsync();

            await stage.RestartSwitchAsync();

            Assert.Equal(before, await stage.Http.GetStringAsync(url, TestContext.Current.CancellationToken));
            string segment = $"/hls/{stage.Stream.Name}/{stage.Edge}.m4s";
            Assert.Equal(
                stage.Stream.Bytes(stage.Edge),
                await stage.Http.GetByteArrayAsync(segment, TestContext.Current.CancellationToken));
            await stage.Reader.LookAsync();
            await stage.Backup.ReviveAsync();
            await stage.AdvanceAsync(primary: false);
            Assert.Equal(0, stage.Reader.Gaps);
        }

        Directory.Delete(state, recursive: true);
    }

    [Fact]
    public async Task A_cold_switch_says_come_back_until_there_is_something()
    {
        await using Stage stage = await Stage.OpenAsync(publish: false);

        CancellationToken token = TestContext.Current.CancellationToken;
        using HttpResponseMessage cold = await stage.Http.GetAsync("/hls/index.m3u8", token);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, cold.StatusCode);
        Assert.Equal("1", cold.Headers.RetryAfter!.ToString());
        Assert.Equal("no-store", cold.Headers.CacheControl!.ToString());
        Assert.Equal("application/problem+json", cold.Content.Headers.ContentType!.ToString());
        Assert.False(stage.Role.Health().Ready);

        stage.Backup.Publish(SyntheticStream.Base, stage.Edge);
        await stage.Reader.UntilAsync(stage.Edge);
        await stage.Http.GetStringAsync("/hls/index.m3u8", token);
        string master = await stage.Http.GetStringAsync("/hls/master.m3u8", token);
        Assert.Contains("index.m3u8", master, StringComparison.Ordinal);
        Assert.True(stage.Role.Health().Ready);
    }

    [Fact]
    public async Task The_status_names_each_origin_and_its_last_error()
    {
        await using Stage stage = await Stage.OpenAsync();
        await stage.Backup.KillAsync();
        string status;
        do
        {
            await stage.Reader.LookAsync();
            status = await stage.Http.GetStringAsync("/api/switch", TestContext.Current.CancellationToken);
        }
        while (!status.Contains("\"freshness\":\"down\"", StringComparison.Ordinal));

        Assert.Contains("\"active_origin\":\"primary\"", status, StringComparison.Ordinal);
        Assert.Contains("\"fault\":\"refused\"", status, StringComparison.Ordinal);
        Assert.DoesNotContain($"localhost:{stage.Primary.Port}", status, StringComparison.Ordinal);
    }
}
