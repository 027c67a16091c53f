using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Protocols.Tests.Rtmp;

public sealed class ClientSessionTests
{
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(700)]
    public void Our_client_publishes_to_our_server_however_the_bytes_come(int piece)
    {
        var pair = new Pair(Options(ClientRole.Publish), piece);
        pair.Start();
        Assert.Equal([ClientEventKind.Started], pair.ClientEvents);
        Assert.Equal(65_536, pair.Client.ChunkSize);

        byte[] metadata = RtmpScript.CommandBytes("onMetaData", 1);
        pair.Write(new MediaMessage(RtmpMessageType.DataAmf0, 0, metadata));
        pair.Write(new MediaMessage(RtmpMessageType.Video, 0xFFFFFE, EncoderScripts.Picture(true, 70_000)));
        pair.Write(new MediaMessage(RtmpMessageType.Audio, 0x01000000, EncoderScripts.Sound(300)));
        pair.Stop();

        Assert.Equal(
            ["connect live", "publish live/show on 1", $"DataAmf0 0 {metadata.Length}", "Video 16777214 70000",
             "Audio 16777216 300", "PublishStopped"],
            pair.Server.Lines.Select(l => l.StartsWith("connect", StringComparison.Ordinal) || l.Contains(" on ")
                ? l : string.Join(' ', l.Split(' ').Take(3))));
    }

    [Fact]
    public void Our_client_plays_and_gets_the_media_and_the_end()
    {
        var pair = new Pair(Options(ClientRole.Play), 500);
        pair.Start();
        ChunkWriter.Write(
            pair.Server.Output, MediaChunkStream.Video, RtmpMessageType.Video, 1, 40, EncoderScripts.Picture(
                true, 9000),
            ServerSession.OutgoingChunkSize);
        pair.Server.Session.WriteStreamEof(pair.Server.Output);
        pair.Pump();

        Assert.Equal("play live/show on 1", pair.Server.Lines[^1]);
        Assert.Equal(
            [ClientEventKind.Status, ClientEventKind.Started, ClientEventKind.Media, ClientEventKind.Ended],
            pair.ClientEvents);
        Assert.Contains("Video 40 9000", pair.Played);
    }

    [Theory]
    [InlineData(StatusCode.PublishBadName)]
    [InlineData(StatusCode.PublishDenied)]
    public void A_refusal_is_told_with_its_code(string code)
    {
        var pair = new Pair(Options(ClientRole.Publish), 1000) { PublishRefusal = code };
        pair.Start();

        Assert.Equal([ClientEventKind.Refused], pair.ClientEvents);
        Assert.Equal(code, pair.LastStatus!.Code);
        Assert.Throws<InvalidOperationException>(() => pair.Write(default));
    }

    [Fact]
    public void A_refused_connect_is_told_with_its_code()
    {
        var pair = new Pair(Options(ClientRole.Publish), 1000) { ConnectRefusal = StatusCode.ConnectInvalidApp };
        pair.Start();

        Assert.Equal([ClientEventKind.Refused], pair.ClientEvents);
        Assert.Equal(StatusCode.ConnectInvalidApp, pair.LastStatus!.Code);
    }

    [Fact]
    public void The_server_acknowledges_as_often_as_it_is_asked_to()
    {
        var pair = new Pair(Options(ClientRole.Publish) with { AcknowledgeEvery = 10_000 }, 1000);
        pair.Start();
        for (uint at = 0; at < 5; at++)
            pair.Write(new MediaMessage(RtmpMessageType.Video, at, EncoderScripts.Picture(true, 9_000)));

        uint[] acknowledged = [.. pair.Values(ClientEventKind.Acknowledged)];

        Assert.Equal(acknowledged.Order(), acknowledged);
        Assert.InRange(acknowledged.Length, 4, 5);
        // All but less than one window is confirmed.
        Assert.InRange(acknowledged[^1], pair.SentBytes - 10_000, pair.SentBytes);
    }

    [Fact]
    public void A_ping_is_answered_with_its_own_timestamp()
    {
        var pair = new Pair(Options(ClientRole.Publish), 1000);
        pair.Start();

        pair.Ping(0xFEDCBA98);

        Assert.Equal([0xFEDCBA98], pair.Values(ClientEventKind.Pong));
    }

    [Fact]
    public void Connect_carries_what_another_client_said()
    {
        var pair = new Pair(
            Options(ClientRole.Publish) with
            {
                ConnectMembers =
                [
                    new("app", "else"), new("flashVer", "FMLE/3.0 (obs)"), new("tcUrl", "rtmp://else/else"),
                    new("videoCodecs", 128.0), new("fourCcList", Amf0Value.StrictArray([Amf0Value.Of("hvc1")])),
                    new("capsEx", 2.0),
                ],
            },
            1000);
        pair.Start();

        Amf0Value connect = pair.Connect!.Object;

        Assert.Equal(
            ["app", "type", "tcUrl", "flashVer", "videoCodecs", "fourCcList", "capsEx"],
            connect.Properties.Select(p => p.Name));
        Assert.Equal("live", connect["app"].Text);
        Assert.Equal("rtmp://127.0.0.1/live", connect["tcUrl"].Text);
        Assert.Equal("FMLE/3.0 (obs)", connect["flashVer"].Text);
        Assert.Equal("hvc1", Assert.Single(pair.Connect.EnhancedRtmp!.FourCcList));
        Assert.Equal(CapsEx.Multitrack, pair.Connect.EnhancedRtmp.CapsEx);
    }

    [Fact]
    public void The_server_s_chunk_size_is_repeated_but_never_below_4096()
    {
        var chosen = new Pair(Options(ClientRole.Publish) with { ChunkSize = 128 }, 1000);
        chosen.Start();
        Assert.Equal(128, chosen.Client.ChunkSize);
    }

    [Theory]
    [InlineData(
        "rtmp://127.0.0.1/live/show?key=a", false, "127.0.0.1", 1935, "live", "show?key=a", "rtmp://127.0.0.1/live")]
    [InlineData("rtmps://h.example/a/b/c", true, "h.example", 443, "a/b", "c", "rtmps://h.example/a/b")]
    [InlineData("rtmp://[::1]:1936/mystream", false, "::1", 1936, "mystream", "", "rtmp://[::1]:1936/mystream")]
    [InlineData("rtmp://h:1936/mystream?key=a", false, "h", 1936, "mystream?key=a", "", "rtmp://h:1936/mystream?key=a")]
    public void Addresses_part_into_app_and_name(
        string text, bool tls, string host, int port, string app, string name, string tcUrl)
    {
        Assert.True(RtmpUrl.TryParse(text, out RtmpUrl? url));
        Assert.Equal((tls, host, port, app, name), (url.IsTls, url.Host, url.Port, url.App, url.Name));
        Assert.Equal(tcUrl, url.TcUrl);
        Assert.DoesNotContain("key", url.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://h/live")]
    [InlineData("rtmp://h")]
    [InlineData("rtmp:///live/show")]
    [InlineData("live/show")]
    public void Other_addresses_are_not_taken(string text) => Assert.False(RtmpUrl.TryParse(text, out _));

    [Fact]
    public void Any_answer_of_a_server_is_events_or_a_protocol_exception() =>
        Prop.ForAll<int, byte[]>((seed, bytes) =>
        {
            var pair = new Pair(Options(ClientRole.Publish), int.MaxValue);
            byte[] answers = pair.RecordServer();
            var random = new Random(seed);
            for (int i = 0; i < 4; i++)
                answers[random.Next(3073, answers.Length)] = (byte)random.Next(256);

            using var client = new ClientSession(Options(ClientRole.Publish));
            var output = new ArrayBufferWriter<byte>();
            client.Start(output);
            try
            {
                foreach (byte[] part in new[] { answers, bytes ?? [] })
                {
                    ReadOnlySpan<byte> input = part;
                    while (client.TryRead(ref input, output, out _))
                        continue;
                }
            }
            catch (RtmpProtocolException)
            {
            }
        }).QuickCheckThrowOnFailure();

    private static ClientSessionOptions Options(ClientRole role) => new()
    {
        Role = role,
        App = "live",
        Name = "show",
        TcUrl = "rtmp://127.0.0.1/live",
    };

    /// <summary>A client and a server whose outputs are each other's inputs, in pieces.</summary>
    private sealed class Pair(ClientSessionOptions options, int piece)
    {
        private readonly ArrayBufferWriter<byte> _toServer = new();
        private readonly ArrayBufferWriter<byte> _recorded = new();
        private readonly List<ClientEvent> _events = [];

        public ClientSession Client { get; } = new(options);

        public ServerTranscript Server { get; } = new();

        public List<ClientEventKind> ClientEvents { get; } = [];

        public long SentBytes { get; private set; }

        public ConnectRequest? Connect => Server.Connect;

        public List<string> Played { get; } = [];

        public StatusInfo? LastStatus { get; private set; }

        public string? PublishRefusal { get; init; }

        public string? ConnectRefusal { get; init; }

        public void Start()
        {
            Client.Start(_toServer);
            Pump();
        }

        public byte[] RecordServer()
        {
            Start();
            return _recorded.WrittenSpan.ToArray();
        }

        public void Write(in MediaMessage message)
        {
            Client.WriteMedia(_toServer, message);
            Pump();
        }

        public IEnumerable<uint> Values(ClientEventKind kind) =>
            _events.Where(e => e.Kind == kind).Select(e => e.Value);

        public void Ping(uint timestamp)
        {
            Client.WritePing(_toServer, timestamp);
            Pump();
        }

        public void Stop()
        {
            Client.WriteStop(_toServer);
            Pump();
        }

        public void Pump()
        {
            while (_toServer.WrittenCount + Server.Output.WrittenCount > 0)
            {
                SentBytes += _toServer.WrittenCount;
                foreach (byte[] part in Take(_toServer).Chunk(piece))
                    FeedServer(part);
                _recorded.Write(Server.Output.WrittenSpan);
                foreach (byte[] part in Take(Server.Output).Chunk(piece))
                    FeedClient(part);
            }
        }

        private void FeedServer(ReadOnlySpan<byte> part)
        {
            if (PublishRefusal is null && ConnectRefusal is null)
            {
                Server.Feed(part);
                return;
            }

            while (Server.Session.TryRead(ref part, Server.Output, out ServerEvent e))
            {
                if (e.Kind == ServerEventKind.PublishRequested)
                    Server.Session.RefusePublish(Server.Output, PublishRefusal!, "No.");
                else if (e.Kind == ServerEventKind.ConnectRequested && ConnectRefusal is not null)
                    Server.Session.RefuseConnect(Server.Output, ConnectRefusal, "No.");
                else if (e.Kind == ServerEventKind.ConnectRequested)
                    Server.Session.AcceptConnect(Server.Output);
            }
        }

        private void FeedClient(ReadOnlySpan<byte> part)
        {
            while (Client.TryRead(ref part, _toServer, out ClientEvent e))
            {
                ClientEvents.Add(e.Kind);
                _events.Add(e with { Media = default });
                LastStatus = e.Status ?? LastStatus;
                if (e.Kind == ClientEventKind.Media)
                    Played.Add($"{e.Media.Type} {e.Media.Timestamp} {e.Media.Payload.Length}");
            }
        }

        private static byte[] Take(ArrayBufferWriter<byte> from)
        {
            byte[] bytes = from.WrittenSpan.ToArray();
            from.ResetWrittenCount();
            return bytes;
        }
    }
}
