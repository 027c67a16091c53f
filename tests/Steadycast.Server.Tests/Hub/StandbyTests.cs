using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

/// <summary>Two publishers of one stream, as its subscribers see them.</summary>
public sealed class StandbyTests : IAsyncDisposable
{
    private readonly HubBench bench = new();
    private readonly HashSet<Publication> begun = [];

    [Fact]
    public void A_standby_is_kept_ready_and_not_seen()
    {
        Publication main = bench.Publish(connection: "main");
        using Subscription player = bench.Subscribe();
        Publication standby = Standby();
        SendGroup(main, 0, pictures: 1);
        SendGroup(standby, 7000, pictures: 1);

        Assert.Equal("M0 H0 h0 K0 P40", Read(player));
        Assert.Equal(
            [(PublisherRole.Main, true, true), (PublisherRole.Standby, false, true)],
            bench.Hub.Find(Show)!.Publishers().Select(p => (p.Publisher.Role, p.IsOnAir, p.IsReady)));
        Assert.True(main.IsOnAir);
        Assert.False(standby.IsOnAir);
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_publishers", "role=standby"));
        Assert.Equal(0, bench.Meters.Sum("steadycast_hub_standbys_on_air"));
    }

    [Fact]
    public void When_the_main_publisher_leaves_players_go_on_with_the_last_keyframe_of_the_standby()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        using Subscription player = bench.Subscribe();
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        SendGroup(main, 0, pictures: 2);
        SendGroup(standby, 7000, pictures: 2);
        bench.Time.Advance(TimeSpan.FromMilliseconds(1500));

        main.Dispose();
        standby.Append(Picture(7120));

        Assert.Equal("M0 H0 h0 K0 P40 P80 M80 H80 h80 K120 P160 P200 P240", Read(player));
        List<LogMessage> messages = Messages(feed);
        Assert.Equal([1, 2], messages.Select(m => m.PublicationNumber).Distinct());
        Assert.True(messages.First(m => m is { PublicationNumber: 2, Type: RtmpMessageType.Video } && !m.IsSequenceHeader)
            .IsKeyframe);
        Assert.Equal(
            [1500, 1500, 1500, 0],
            messages[^4..].Select(m => bench.Time.GetElapsedTime(m.ArrivedAt).TotalMilliseconds));
        Assert.Equal(
            1, bench.Meters.Sum("steadycast_hub_publisher_switches_total", "to=standby", "reason=left"));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_standbys_on_air"));
        Assert.Equal(SwitchReason.Left, bench.Hub.Find(Show)!.LastSwitch!.Reason);
    }

    [Fact]
    public void When_the_main_publisher_is_silent_nothing_of_the_standby_is_lost()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        using Subscription player = bench.Subscribe();
        for (uint second = 0; second < 4; second++)
        {
            SendGroup(main, second * 1000, pictures: 1);
            SendGroup(standby, (second * 1000) + 500, pictures: 1);
            bench.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.EndsWith("K3000 P3040", Read(player), StringComparison.Ordinal);
        for (uint second = 4; second < 7; second++)
        {
            SendGroup(standby, (second * 1000) + 500, pictures: 1);
            bench.Time.Advance(TimeSpan.FromSeconds(1));
        }

        // Main was last heard with 3040, 1 s before 4 s: the standby begins with its keyframe of that moment.
        string read = Read(player);
        Assert.StartsWith("M3040 H3040 h3040 K3080 P3120 K4080", read, StringComparison.Ordinal);
        Assert.False(main.IsOnAir);
        Assert.False(main.Ended.IsCancellationRequested);
        Assert.Equal(
            1, bench.Meters.Sum("steadycast_hub_publisher_switches_total", "to=standby", "reason=silent"));
    }

    [Fact]
    public void A_main_publisher_whose_pictures_stop_is_frozen_although_it_sends()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        SendGroup(main, 0, pictures: 1);
        for (uint at = 0; at < 3000; at += 200)
        {
            main.Append(Sound(at));
            SendGroup(standby, at, pictures: 1);
            bench.Time.Advance(TimeSpan.FromMilliseconds(200));
            if (at < 1800)
                Assert.True(main.IsOnAir);
        }

        Assert.True(standby.IsOnAir);
        Assert.Equal(SwitchReason.Frozen, bench.Hub.Find(Show)!.LastSwitch!.Reason);
    }

    [Fact]
    public async Task The_main_publisher_returns_at_its_keyframe_when_it_has_been_well()
    {
        await using var other = new HubBench(new HubOptions { Standby = new StandbyOptions { ReturnSeconds = 10 } });
        Publication standby = Publish(other, "standby", PublisherRole.Standby);
        Assert.True(standby.IsOnAir);
        using Subscription player = other.Subscribe();
        Publication main = Publish(other, "main", PublisherRole.Main);
        Assert.False(main.IsOnAir);
        int second = 0;
        for (; !main.IsOnAir && second < 60; second++)
        {
            SendGroup(standby, (uint)second * 1000, pictures: 1);
            main.Append(Picture((uint)second * 1000));
            Assert.False(main.IsOnAir);
            other.Time.Advance(TimeSpan.FromMilliseconds(500));
            SendGroup(main, ((uint)second * 1000) + 500, pictures: 0);
            other.Time.Advance(TimeSpan.FromMilliseconds(500));
        }

        // Steady since its first picture, at 0 s; 10 s later its keyframe of 10.5 s is the next.
        Assert.Equal(11, second);
        main.Append(Picture(10_540));
        Assert.EndsWith(
            "K10000 P10040 M10040 H10040 h10040 K10080 P10120", Read(player), StringComparison.Ordinal);
        Assert.Equal(
            1, other.Meters.Sum("steadycast_hub_publisher_switches_total", "to=main", "reason=returned"));
        Assert.Equal(0, other.Meters.Sum("steadycast_hub_standbys_on_air"));
        Assert.False(standby.Ended.IsCancellationRequested);
    }

    [Fact]
    public void Headers_that_change_while_waiting_are_those_of_their_keyframe()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        SendGroup(main, 0, pictures: 0);
        SendGroup(standby, 0, pictures: 0);
        byte[] changed = [.. VideoHeader, 9];
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        standby.Append(Video(changed, 1000));
        standby.Append(Keyframe(1000));

        main.Dispose();

        // The main publisher was last heard before the change: from there on, in order.
        List<LogMessage> second = [.. Messages(feed).Where(m => m.PublicationNumber == 2)];
        Assert.Equal(
            [9, 100, 10, 100], second.Where(m => m.Type == RtmpMessageType.Video).Select(m => m.Payload.Length));
    }

    [Fact]
    public async Task What_waits_is_bounded_and_given_up_when_one_group_is_too_large()
    {
        await using var other = new HubBench(new HubOptions { MaxLogBytes = 1 << 20 });
        Publication main = Publish(other, "main", PublisherRole.Main);
        Publication standby = Publish(other, "standby", PublisherRole.Standby);
        SendGroup(main, 0, pictures: 1);
        for (uint i = 0; i < 8; i++)
        {
            standby.Append(Keyframe(i * 1000, size: 300_000));
            Assert.InRange(standby.Buffer.Bytes, 300_000, 1 << 20);
        }

        for (uint i = 1; i < 4; i++)
            standby.Append(Picture(8000 + i, size: 300_000));

        Assert.False(standby.Buffer.CanBegin);
        Assert.Equal(0, standby.Buffer.Bytes);
        Assert.Equal(1, other.Meters.Sum("steadycast_hub_not_replayable_total"));
        standby.Append(Picture(8010));
        Assert.Equal(1, other.Meters.Sum("steadycast_hub_dropped_messages_total", "reason=before_keyframe"));
        standby.Append(Keyframe(9000));
        Assert.True(standby.Buffer.CanBegin);
    }

    [Fact]
    public void Without_a_keyframe_the_standby_still_goes_on_air_when_nobody_else_is_there()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        using Subscription player = bench.Subscribe();
        SendGroup(main, 0, pictures: 0);
        AppendHeaders(standby);
        standby.Append(Picture(500));
        main.Dispose();
        standby.Append(Picture(540));
        standby.Append(Keyframe(580));

        Assert.Equal("M0 H0 h0 K0 M0 H0 h0 K40", Read(player));
    }

    [Fact]
    public void A_standby_without_video_waits_for_nothing()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();
        using Subscription player = bench.Subscribe();
        main.Append(Audio(AudioHeader, 0));
        main.Append(Sound(0));
        standby.Append(Audio(AudioHeader, 0));
        standby.Append(Sound(500));
        standby.Append(Sound(520));

        main.Dispose();

        Assert.Equal("h0 A0 h0 A40 A60", Read(player));
    }

    /// <summary>
    /// The table of docs/3-operate/two-publishers.md: who comes, who is there, and what becomes of both.
    /// </summary>
    [Theory]
    [InlineData("main", "", "main on air")]
    [InlineData("standby", "", "standby on air")]
    [InlineData("filler", "", "filler on air")]
    [InlineData("main", "filler", "main on air")]
    [InlineData("standby", "filler", "standby on air")]
    [InlineData("filler", "filler", "busy")]
    [InlineData("filler", "main", "busy")]
    [InlineData("filler", "standby", "busy")]
    [InlineData("main", "main", "busy")]
    [InlineData("main", "main silent", "main on air")]
    [InlineData("main", "standby", "main waits")]
    [InlineData("main", "standby silent", "main waits")]
    [InlineData("main", "main+standby", "busy")]
    [InlineData("standby", "main", "standby waits")]
    [InlineData("standby", "main silent", "standby waits")]
    [InlineData("standby", "standby", "busy")]
    [InlineData("standby", "standby silent", "standby on air")]
    [InlineData("standby", "main+standby", "busy")]
    [InlineData("standby", "main+standby silent", "standby waits")]
    public void Publishers_meet(string comes, string there, string expected)
    {
        foreach (string name in there.Replace(" silent", "").Split('+', StringSplitOptions.RemoveEmptyEntries))
            Publish(bench, name, Role(name), name == "filler");
        if (there.EndsWith("silent", StringComparison.Ordinal))
            bench.Time.Advance(TimeSpan.FromSeconds(5));

        var info = new PublisherInfo("new", Yields: comes == "filler", Role: Role(comes));
        PublishOutcome outcome = bench.Hub.Publish(Show, info, out Publication? publication);

        Assert.Equal(
            expected,
            outcome == PublishOutcome.Busy ? "busy" : $"{comes} {(publication!.IsOnAir ? "on air" : "waits")}");
    }

    [Fact]
    public async Task Stopping_ends_both_and_puts_nobody_on_air_meanwhile()
    {
        Publication main = bench.Publish(connection: "main");
        Publication standby = Standby();

        await bench.Hub.DisposeAsync();

        Assert.All([main, standby], p => Assert.Equal("the server is stopping", p.EndReason));
        Assert.Equal(0, bench.Meters.Sum("steadycast_hub_publisher_switches_total"));
        Assert.Equal(0, bench.Meters.Sum("steadycast_hub_publishers"));
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    private static PublisherRole Role(string name) => name == "standby" ? PublisherRole.Standby : PublisherRole.Main;

    private static Publication Publish(HubBench on, string connection, PublisherRole role, bool yields = false)
    {
        var info = new PublisherInfo(connection, Yields: yields, Role: role);
        Assert.Equal(PublishOutcome.Accepted, on.Hub.Publish(Show, info, out Publication? publication));
        return publication!;
    }

    private Publication Standby() => Publish(bench, "standby", PublisherRole.Standby);

    /// <summary>Headers the first time, a keyframe and pictures, all at this moment.</summary>
    private void SendGroup(Publication publication, uint at, int pictures)
    {
        if (begun.Add(publication))
            AppendHeaders(publication, at);
        publication.Append(Keyframe(at));
        for (uint i = 1; i <= pictures; i++)
            publication.Append(Picture(at + (i * 40)));
    }
}
