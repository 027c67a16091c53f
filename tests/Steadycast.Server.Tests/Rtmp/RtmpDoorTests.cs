using System.Net.Sockets;
using System.Text;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Server.Tests.Rtmp;

public sealed class RtmpDoorTests
{
    private static readonly byte[] Metadata = [2, 0, 10, .. "onMetaData"u8, 5];

    [Fact]
    public async Task What_is_published_is_played()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        await SendGroupAsync(publisher, 0);
        await using RtmpPlayer player = await door.PlayAsync("live/show");

        List<string> played = await ReadAsync(player, 5, door);

        Assert.Equal(
            ["Audio 300", "Audio 4", "DataAmf0 14", "Video 10", "Video 20000"], played.Order(StringComparer.Ordinal));
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_connections", "role=publisher"));
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_connections", "role=player"));
        Assert.Equal(0, door.Meters.Sum("steadycast_rtmp_connections", "role=waiting"));
        Assert.Equal(0, door.Meters.Sum("steadycast_admission_waiting_connections"));
        Assert.Equal(2, door.Meters.Sum("steadycast_rtmp_handshakes_total", "kind=signed"));
        Assert.Equal(5, door.Meters.Sum("steadycast_rtmp_media_messages_total", "direction=received"));
    }

    [Fact]
    public async Task A_stream_may_have_an_app_alone()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("mystream");

        Assert.Equal("mystream", Assert.Single(door.Hub.Streams).Name.Value);
    }

    [Fact]
    public async Task A_player_may_come_first_and_stays_while_publishers_change()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPlayer player = await door.PlayAsync("live/show");
        RtmpPublisher first = await door.PublishAsync("live/show");
        await SendGroupAsync(first, 0);
        await ReadAsync(player, 5, door);
        await first.DisposeAsync();
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_connections", "role=publisher") == 0);

        await using RtmpPublisher second = await door.PublishAsync("live/show");
        await SendGroupAsync(second, 0);

        Assert.Contains("Video 20000", await ReadAsync(player, 5, door));
        Assert.Contains(door.Log.Lines, l => l.Contains("the publisher ended it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_publisher_gets_BadName_and_the_first_goes_on()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher first = await door.PublishAsync("live/show");
        await SendGroupAsync(first, 0);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 5);

        var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync("live/show"));

        Assert.Equal(StatusCode.PublishBadName, e.Code);
        await SendGroupAsync(first, 40);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 10);
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_requests_total", "kind=publish", "outcome=busy"));
    }

    [Fact]
    public async Task A_yielding_publisher_that_must_wait_is_no_news_and_any_other_refusal_is()
    {
        await using TestDoor door = TestDoor.Open([new PublishRule("live/open", null), new PublishRule("live/shut", "k")]);
        await using RtmpPublisher first = await door.PublishAsync("live/open");

        await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync("live/open?yield=1"));
        await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync("live/shut?yield=1&key=guess"));

        string[] refusals = [.. door.Log.Lines.Where(l => l.Contains("was refused", StringComparison.Ordinal))];
        Assert.StartsWith("Debug: live/open", refusals[0], StringComparison.Ordinal);
        Assert.StartsWith("Warning: live/shut", refusals[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takeover_ends_the_first_publisher_and_tells_it()
    {
        await using TestDoor door =
            TestDoor.Open(hubOptions: new HubOptions { PublishConflict = PublishConflict.Takeover });
        await using RtmpPublisher first = await door.PublishAsync("live/show");

        await using RtmpPublisher second = await door.PublishAsync("live/show");

        var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => first.Ended.WaitAsync(door.Deadline));
        Assert.Equal(StatusCode.PublishBadName, e.Code);
        await SendGroupAsync(second, 0);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_closed_total", "reason=ended") == 1);
    }

    [Theory]
    [InlineData("live/show?key=m", "live/show?key=m&role=standby")]
    [InlineData("live/show?key=m&role=main", "live/show?key=s")]
    [InlineData("live/show?key=m", "live/show?key=s&role=main")]
    public async Task A_standby_is_let_in_beside_the_first_and_goes_on_when_that_leaves(string main, string spare)
    {
        await using TestDoor door = TestDoor.Open([new("live/show", "m"), new("live/show", "s", Standby: true)]);
        RtmpPublisher first = await door.PublishAsync(main);
        await SendGroupAsync(first, 0);
        await using RtmpPlayer player = await door.PlayAsync("live/show");
        await ReadAsync(player, 5, door);
        await using RtmpPublisher standby = await door.PublishAsync(spare);
        await SendGroupAsync(standby, 9000);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 10);
        Assert.Equal(
            [PublisherRole.Main, PublisherRole.Standby],
            door.Hub.Find(Name("live/show"))!.Publishers().Select(p => p.Publisher.Role));

        await first.DisposeAsync();
        await SendGroupAsync(standby, 11_000);

        // What it had kept and what it sends now, to the same player.
        Assert.Equal(2, (await ReadAsync(player, 10, door)).Count(m => m == "Video 20000"));
        Assert.Equal(
            1, door.Meters.Sum("steadycast_hub_publisher_switches_total", "to=standby", "reason=left"));
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_connections", "role=publisher"));
    }

    [Fact]
    public async Task A_silent_main_publisher_is_replaced_after_2_s_and_may_go_on_sending()
    {
        await using TestDoor door = TestDoor.Open(
            hubOptions: new HubOptions { Standby = new StandbyOptions { ReturnSeconds = 3 } });
        await using RtmpPublisher main = await door.PublishAsync("live/show");
        await using RtmpPublisher standby = await door.PublishAsync("live/show?role=standby");
        LiveStream stream = door.Hub.Find(Name("live/show"))!;
        int sent = 0;
        await BothAsync(main, standby, 0);
        for (uint second = 1; second <= 2; second++)
        {
            Assert.Equal(PublisherRole.Main, stream.Publication!.Publisher.Role);
            door.Time.Advance(TimeSpan.FromSeconds(1));
            await BothAsync(null, standby, second * 1000);
        }

        Assert.Equal(PublisherRole.Standby, stream.Publication!.Publisher.Role);
        Assert.Equal(SwitchReason.Silent, stream.LastSwitch!.Reason);
        for (uint second = 3; second <= 6; second++)
        {
            Assert.Equal(PublisherRole.Standby, stream.Publication!.Publisher.Role);
            door.Time.Advance(TimeSpan.FromSeconds(1));
            await BothAsync(main, standby, second * 1000);
        }

        Assert.Equal(PublisherRole.Main, stream.Publication!.Publisher.Role);
        Assert.Equal(SwitchReason.Returned, stream.LastSwitch!.Reason);

        async Task BothAsync(RtmpPublisher? one, RtmpPublisher two, uint at)
        {
            foreach (RtmpPublisher publisher in new[] { one, two }.OfType<RtmpPublisher>())
            {
                await SendGroupAsync(publisher, at);
                sent += 5;
                await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == sent);
            }
        }
    }

    [Fact]
    public async Task A_second_standby_and_an_unknown_role_are_refused()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher main = await door.PublishAsync("live/show");
        await using RtmpPublisher standby = await door.PublishAsync("live/show?role=standby");

        foreach (string path in new[] { "live/show?role=standby", "live/show?role=spare", "live/show?role=standby&yield=1" })
        {
            var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync(path));
            Assert.Equal(StatusCode.PublishBadName, e.Code);
        }

        Assert.Equal(2, door.Meters.Sum("steadycast_rtmp_requests_total", "kind=publish", "outcome=busy"));
    }

    [Fact]
    public async Task A_silent_publisher_is_replaced_after_5_s_and_closed_after_8()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher frozen = await door.PublishAsync("live/show");
        await SendGroupAsync(frozen, 0);
        await using RtmpPublisher alone = await door.PublishAsync("live/alone");
        await SendGroupAsync(alone, 0);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 10);

        door.Time.Advance(TimeSpan.FromSeconds(4));
        await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PublishAsync("live/show"));
        door.Time.Advance(TimeSpan.FromSeconds(2));
        await using RtmpPublisher second = await door.PublishAsync("live/show");
        await Assert.ThrowsAsync<RtmpRefusedException>(() => frozen.Ended.WaitAsync(door.Deadline));

        door.Time.Advance(TimeSpan.FromSeconds(3));
        await Assert.ThrowsAsync<TransportException>(() => alone.Ended.WaitAsync(door.Deadline));
        await door.UntilAsync(() => door.Log.Lines.Any(l => l.Contains("the publisher was silent")));
        Assert.Null(door.Hub.Find(Name("live/alone"))?.Publication);
    }

    [Theory]
    [InlineData("live/show?key=s3cret", null)]
    [InlineData("live/show?token=s3cret", null)]
    [InlineData("live?key=s3cret/show", null)]
    [InlineData("open/any", null)]
    [InlineData("live/show?key=wrong", "wrong_key")]
    [InlineData("live/show", "no_key")]
    [InlineData("live/showy?key=s3cret", "unknown_stream")]
    public async Task The_key_is_asked_for(string path, string? verdict)
    {
        await using TestDoor door = TestDoor.Open([new("live/show", "s3cret"), new("open/*", null)]);

        // The key behind the app cannot be written as one address, so it is put there by hand.
        RtmpUrl url = path.Contains("key=s3cret/", StringComparison.Ordinal)
            ? door.Url("live/show") with { App = "live?key=s3cret" }
            : door.Url(path);
        Task<RtmpPublisher> publishing =
            RtmpPublisher.ConnectAsync(door.Transport, url, new RtmpDialOptions(), TimeProvider.System, door.Deadline);

        if (verdict is null)
        {
            await using RtmpPublisher publisher = await publishing;
        }
        else
        {
            var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => publishing);
            Assert.Equal(StatusCode.PublishDenied, e.Code);
        }

        Assert.Equal(
            1, door.Meters.Sum("steadycast_admission_publish_verdicts_total", $"verdict={verdict ?? "allowed"}"));
        Assert.DoesNotContain(door.Log.Lines, l => l.Contains("s3cret") || l.Contains("wrong"));
    }

    [Fact]
    public async Task A_player_may_not_conjure_up_a_stream_that_nobody_may_publish()
    {
        await using TestDoor door = TestDoor.Open([new("live/show", "s3cret")]);

        var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => door.PlayAsync("live/other"));

        Assert.Equal(StatusCode.PlayStreamNotFound, e.Code);
        Assert.Empty(door.Hub.Streams);
    }

    [Theory]
    [InlineData("live/../etc")]
    [InlineData("live/%2e%2e")]
    [InlineData("live/sh%2fow")]
    [InlineData("live/index.m3u8")]
    public async Task A_name_that_is_no_name_is_refused(string path)
    {
        await using TestDoor door = TestDoor.Open();
        RtmpUrl url = door.Url("live/x") with { Name = path["live/".Length..] };

        var e = await Assert.ThrowsAsync<RtmpRefusedException>(() => RtmpPublisher.ConnectAsync(
            door.Transport, url, new RtmpDialOptions(), TimeProvider.System, door.Deadline));

        Assert.Equal(StatusCode.PublishBadName, e.Code);
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_requests_total", "outcome=bad_name"));
    }

    [Fact]
    public async Task A_player_that_pauses_gets_nothing_and_goes_on_at_the_live_edge()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        await SendGroupAsync(publisher, 0);
        using TcpClient player = await door.ConnectAsync();
        NetworkStream stream = player.GetStream();
        await stream.WriteAsync(EncoderScripts.LibrtmpPlayer("live", "show").ToArray(), door.Deadline);
        await door.UntilAsync(() => Sent(door) > 20_000);

        await stream.WriteAsync(Pause(true), door.Deadline);
        await ReadUntilAsync(stream, "NetStream.Pause.Notify", door);
        double sent = Sent(door);
        await SendGroupAsync(publisher, 2000);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 10);
        Assert.Equal(sent, Sent(door));

        await stream.WriteAsync(Pause(false), door.Deadline);
        await ReadUntilAsync(stream, "NetStream.Unpause.Notify", door);
        await door.UntilAsync(() => Sent(door) > sent + 20_000);
    }

    [Fact]
    public async Task Stopping_tells_publishers_and_players()
    {
        TestDoor door = TestDoor.Open();
        RtmpPublisher publisher = await door.PublishAsync("live/show");
        RtmpPlayer player = await door.PlayAsync("live/show");
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        Task stopping = door.Transport.StopAsync(grace.Token);

        Assert.Empty(await ReadAsync(player, int.MaxValue, door));
        await Assert.ThrowsAsync<TransportException>(() => publisher.Ended.WaitAsync(door.Deadline));
        await player.DisposeAsync();
        await publisher.DisposeAsync();
        await stopping;
        Assert.Equal(2, door.Meters.Sum("steadycast_rtmp_closed_total", "reason=stopping"));
        Assert.Equal(0, door.Meters.Sum("steadycast_rtmp_connections"));
        await door.DisposeAsync();
    }

    private static double Sent(TestDoor door) =>
        door.Meters.Sum("steadycast_rtmp_media_bytes_total", "direction=sent");

    private static byte[] Pause(bool pause) =>
        new RtmpScript().Command(8, 1, "pause", 0, Amf0Value.Null, pause, 0.0).ToArray();

    private static async Task ReadUntilAsync(NetworkStream stream, string text, TestDoor door)
    {
        byte[] buffer = new byte[65_536];
        var read = new List<byte>();
        while (!Encoding.Latin1.GetString([.. read]).Contains(text, StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(buffer, door.Deadline);
            Assert.NotEqual(0, count);
            read.AddRange(buffer.AsSpan(0, count));
        }
    }

    private static StreamName Name(string text) =>
        StreamName.TryParse(text, out StreamName name, out _) ? name : throw new ArgumentException(text, nameof(text));

    /// <summary>Five messages: metadata, both headers, a keyframe, a sound.</summary>
    private static async Task SendGroupAsync(RtmpPublisher publisher, uint time)
    {
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.DataAmf0, time, Metadata));
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Video, time, EncoderScripts.VideoHeader));
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Audio, time, EncoderScripts.AudioHeader));
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Video, time, EncoderScripts.Picture(true, 20_000)));
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Audio, time + 20, EncoderScripts.Sound(300)));
    }

    private static async Task<List<string>> ReadAsync(RtmpPlayer player, int count, TestDoor door)
    {
        List<string> read = [];
        await foreach (MediaMessage message in player.ReadAsync(door.Deadline))
        {
            read.Add($"{message.Type} {message.Payload.Length}");
            if (read.Count == count)
                break;
        }

        return read;
    }
}
