using System.Net.Sockets;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Rtmp;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Server.Tests.Rtmp;

/// <summary>Bad input on real sockets: refused with a reason, counted, and nobody else is disturbed.</summary>
public sealed class HostilePeerTests
{
    private static readonly byte[] Picture = EncoderScripts.Picture(true, 2_000);

    public static TheoryData<string, byte[], string> Garbage => new()
    {
        { "random bytes", RandomBytes(5_000, 0x47), "HTTP on a port for RTMP" },
        { "TLS", [0x16, 3, 1, 2, 0, 1], "TLS on a port for plain RTMP" },
        { "RTMPE", [6], "RTMPE" },
        { "a handshake, then random bytes", [.. new RtmpScript().Handshake().ToArray(), .. RandomBytes(5_000, 0xC4)],
            "type 3 header begins chunk stream 4" },
        { "16 MB declared before publish",
            new RtmpScript().Handshake().Header(0, 3, 0, 0xFFFFFF, RtmpMessageType.CommandAmf0).ToArray(),
            "message of 16777215 bytes, at most 65536" },
        { "a command that is not AMF", new RtmpScript().Handshake()
            .Message(3, RtmpMessageType.CommandAmf0, 0, RandomBytes(100, 0xFF)).ToArray(), "unknown marker 0xff" },
        { "65 KB of talk before publish", Talk(), "before publish or play" },
    };

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Garbage_is_closed_with_a_reason(string name, byte[] bytes, string fault)
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        using TcpClient peer = await door.ConnectAsync();
        NetworkStream stream = peer.GetStream();

        await stream.WriteAsync(bytes, door.Deadline);
        await ReadToEndAsync(stream, door);

        Assert.Contains(door.Log.Lines, l => l.Contains(fault, StringComparison.Ordinal));
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_closed_total", "reason=protocol"));
        await AssertAliveAsync(publisher, door);
        Assert.NotEmpty(name);
    }

    [Fact]
    public async Task Bytes_that_stop_in_the_middle_leave_nothing_behind()
    {
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        byte[] session = EncoderScripts.Obs("live", "other").ToArray();
        int peers = 0;
        for (int at = 1; at < session.Length; at += 1_000, peers++)
        {
            using TcpClient peer = await door.ConnectAsync();
            await peer.GetStream().WriteAsync(session.AsMemory(0, at), door.Deadline);
        }

        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_closed_total") == peers);
        await door.UntilAsync(() => door.Transport.ConnectionCount == 2);
        await AssertAliveAsync(publisher, door);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_admission_waiting_connections") == 0);
        Assert.Equal(1, door.Meters.Sum("steadycast_rtmp_connections"));
    }

    [Fact]
    public async Task A_thousand_handshakes_at_a_byte_a_second_are_shed_and_a_live_publisher_is_not_hurt()
    {
        const int slow = 1_000;
        await using TestDoor door = TestDoor.Open();
        await using RtmpPublisher publisher = await door.PublishAsync("live/show");
        List<TcpClient> peers = [];
        for (int i = 0; i < slow; i++)
            peers.Add(await door.ConnectAsync());
        await door.UntilAsync(() => door.Meters.Sum("steadycast_admission_waiting_connections") == slow);

        int sent = 0;
        for (int second = 0; second < 5; second++)
        {
            foreach (TcpClient peer in peers)
                await peer.GetStream().WriteAsync(new byte[] { 3 }, door.Deadline);
            await publisher.SendAsync(new MediaMessage(RtmpMessageType.Video, (uint)(40 * sent++), Picture), door.Deadline);
            await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == sent);
            door.Time.Advance(TimeSpan.FromSeconds(1));
        }

        door.Time.Advance(TimeSpan.FromSeconds(0.5));
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_closed_total", "reason=aborted") == slow);

        await door.UntilAsync(() => door.Meters.Sum("steadycast_admission_waiting_connections") == 0);
        Assert.Equal(slow, door.Meters.Sum("steadycast_transport_aborts_total", "kind=deadline"));
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Video, (uint)(40 * sent++), Picture), door.Deadline);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == sent);
        await using RtmpPublisher late = await door.PublishAsync("live/late");
        peers.ForEach(p => p.Dispose());
    }

    [Fact]
    public async Task Who_connects_and_never_publishes_is_closed_after_10_s()
    {
        await using TestDoor door = TestDoor.Open();
        using TcpClient peer = await door.ConnectAsync();
        await peer.GetStream().WriteAsync(new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, Amf0Value.Object(new Amf0Property("app", "live"))).ToArray(), door.Deadline);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_handshakes_total") == 1);

        door.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, door.Transport.ConnectionCount);
        door.Time.Advance(TimeSpan.FromSeconds(2));
        await door.UntilAsync(() => door.Transport.ConnectionCount == 0);

        Assert.Contains(door.Log.Lines, l => l.Contains("no publish or play in time", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_publisher_that_sends_commands_but_no_media_is_silent_too()
    {
        await using TestDoor door = TestDoor.Open();
        using TcpClient peer = await door.ConnectAsync();
        NetworkStream stream = peer.GetStream();
        byte[] ping = new RtmpScript().Message(2, RtmpMessageType.UserControl, 0, [0, 6, 0, 0, 0, 1]).ToArray();
        await stream.WriteAsync(EncoderScripts.ObsOnAir("live", "show").ToArray(), door.Deadline);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == 7);

        for (int second = 0; second < 9 && door.Transport.ConnectionCount > 0; second++)
        {
            door.Time.Advance(TimeSpan.FromSeconds(1));
            try
            {
                await stream.WriteAsync(ping, door.Deadline);
            }
            catch (IOException)
            {
                break;
            }
        }

        await door.UntilAsync(() => door.Transport.ConnectionCount == 0);
        Assert.Contains(door.Log.Lines, l => l.Contains("the publisher was silent", StringComparison.Ordinal));
    }

    private static async Task AssertAliveAsync(RtmpPublisher publisher, TestDoor door)
    {
        double before = door.Meters.Sum("steadycast_rtmp_media_messages_total");
        await publisher.SendAsync(new MediaMessage(RtmpMessageType.Video, 0, Picture), door.Deadline);
        await door.UntilAsync(() => door.Meters.Sum("steadycast_rtmp_media_messages_total") == before + 1);
    }

    private static async Task ReadToEndAsync(NetworkStream stream, TestDoor door)
    {
        byte[] buffer = new byte[8192];
        try
        {
            while (await stream.ReadAsync(buffer, door.Deadline) > 0)
                continue;
        }
        catch (IOException)
        {
            // A reset is an end as well.
        }
    }

    private static byte[] RandomBytes(int length, byte first)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        bytes[0] = first;
        return bytes;
    }

    private static byte[] Talk()
    {
        RtmpScript script = new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, Amf0Value.Object(new Amf0Property("app", "live")));
        for (int i = 0; i < 70; i++)
            script.Message(4, RtmpMessageType.Audio, 0, new byte[1000], 1);
        return script.ToArray();
    }
}
