using System.Buffers;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.TestPeers;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Protocols.Tests.Rtmp;

public sealed class ServerSessionTests
{
    [Fact]
    public void OBS_is_understood_in_its_order_however_the_bytes_come()
    {
        byte[] bytes = EncoderScripts.Obs("live", "show?key=abc").ToArray();
        IReadOnlyList<string> whole = ServerTranscript.Of([bytes]);

        Assert.Equal(
            ["connect live", "publish live/show on 1", "DataAmf0 0 80", "Audio 0 4", "Video 0 10", "Video 0 9000",
             "Audio 21 180", "Video 33 600", "Video 66 600", "PublishStopped"],
            whole.Select(WithoutHash));
        Assert.Equal(whole, ServerTranscript.Of(Splits.OneByOne(bytes)));
        for (int at = 1; at < bytes.Length; at += at is > 3070 and < 4200 ? 1 : 97)
            Assert.Equal(whole, ServerTranscript.Of([bytes.AsMemory(0, at), bytes.AsMemory(at)]));
    }

    [Fact]
    public void Commands_and_data_in_AMF_3_envelopes_are_understood() => Assert.Equal(
        ["connect live", "publish live/cam on 1", "DataAmf0 0 80", "Video 0 10", "Video 40 5000", "Audio 40 4"],
        ServerTranscript.Of([EncoderScripts.Amf3Encoder("live", "cam").ToArray()]).Select(WithoutHash));

    [Fact]
    public void A_librtmp_player_plays() => Assert.Equal(
        ["connect live", "play live/show on 1"],
        ServerTranscript.Of([EncoderScripts.LibrtmpPlayer("live", "show").ToArray()]));

    [Theory]
    [InlineData("ffmpeg-5.1-h264-aac.bin", "live/show", 27, 46, 0, 1000)]
    [InlineData("ffmpeg-5.1-extended-timestamps.bin", "live/show", 17, 31, 16778000, 16778600)]
    [InlineData("gstreamer-1.22-rtmp2sink-h264-aac.bin", "live/show", 27, 44, 0, 1100)]
    [InlineData("gstreamer-1.22-rtmpsink-librtmp-h264-aac.bin", "live/show", 27, 44, 0, 1100)]
    public void Recorded_publishers_are_understood(
        string file, string path, int pictures, int sounds, int firstTime, int lastTime)
    {
        byte[] bytes = Recordings.Read(file);
        IReadOnlyList<string> lines = ServerTranscript.Of([bytes]);

        Assert.Equal(["connect live", $"publish {path} on 1"], lines.Take(2));
        Assert.Equal(pictures, lines.Count(l => l.StartsWith("Video ", StringComparison.Ordinal)));
        Assert.Equal(sounds, lines.Count(l => l.StartsWith("Audio ", StringComparison.Ordinal)));
        long[] times = [.. lines.Where(l => l.StartsWith("Video ", StringComparison.Ordinal)).Select(l =>
            long.Parse(l.Split(' ')[1]))];
        Assert.All(times.Skip(2), t => Assert.InRange(t, firstTime, lastTime));
        Assert.Equal(times.Order(), times);
        for (int seed = 0; seed < 20; seed++)
            Assert.Equal(lines, ServerTranscript.Of(Splits.Random(bytes, seed, 500)));
    }

    [Theory]
    [InlineData("ffmpeg-5.1-play.bin")]
    [InlineData("rtmpdump-2.4-play.bin")]
    public void Recorded_players_are_understood(string file) =>
        Assert.Equal(["connect live", "play live/p on 1"], ServerTranscript.Of([Recordings.Read(file)]).Take(2));

    [Fact]
    public void Connect_is_answered_as_a_real_server_does_and_with_a_chunk_size_of_64_KB()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(new RtmpScript().Handshake().Command(3, 0, "connect", 1, App("live")).ToArray());

        Assert.Equal(
            ["WindowAcknowledgementSize", "SetPeerBandwidth",
             "_result 1 {fmsVer: FMS/3,5,7,7009, capabilities: 31, mode: 1} "
             + "{level: status, code: NetConnection.Connect.Success, description: Connection succeeded., "
             + "objectEncoding: 0}"],
            Answers(transcript));
        Assert.Equal(65_536, ServerSession.OutgoingChunkSize);
    }

    [Fact]
    public void Enhanced_RTMP_is_answered_when_it_is_asked_for()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(new RtmpScript().Handshake().Command(3, 0, "connect", 1, Amf0Value.Object(
            new("app", "live"),
            new("fourCcList", Amf0Value.StrictArray("hvc1")),
            new("videoFourCcInfoMap", Amf0Value.Object(new Amf0Property("hvc1", 2.0))),
            new("capsEx", 1.0))).ToArray());

        var answer = EnhancedRtmpCapabilities.Of(Command(transcript, "_result").Object)!;

        Assert.Contains("hvc1", answer.FourCcList);
        Assert.Contains(new Amf0Property("*", 4.0), answer.VideoFourCcInfoMap);
        Assert.Contains(new Amf0Property("Opus", 4.0), answer.AudioFourCcInfoMap);
        Assert.Equal(CapsEx.Multitrack | CapsEx.ModEx | CapsEx.TimestampNanoOffset, answer.CapsEx);
    }

    [Fact]
    public void The_usual_commands_are_answered()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, App("live"))
            .Command(3, 0, "releaseStream", 2, Amf0Value.Null, "show")
            .Command(3, 0, "FCPublish", 3, Amf0Value.Null, "show")
            .Command(3, 0, "createStream", 4, Amf0Value.Null)
            .Command(3, 0, "createStream", 5, Amf0Value.Null)
            .Command(3, 0, "getStreamLength", 6, Amf0Value.Null, "show")
            .Command(3, 0, "FCSubscribe", 7, Amf0Value.Null, "show")
            .Command(3, 0, "_checkbw", 8, Amf0Value.Null)
            .Command(3, 0, "unheardOf", 0, Amf0Value.Null)
            .Command(3, 0, "deleteStream", 0, Amf0Value.Null, 1.0)
            .Command(3, 0, "createStream", 9, Amf0Value.Null).ToArray());

        Assert.Equal(
            ["_result 2 Null Undefined",
             "onFCPublish 0 Null {level: status, code: NetStream.Publish.Start, description: show}",
             "_result 3 Null Undefined",
             "_result 4 Null 1",
             "_result 5 Null 2",
             "_result 6 Null 0",
             "onFCSubscribe 0 Null {level: status, code: NetStream.Play.Start, description: show}",
             "_result 7 Null Undefined",
             "_result 8 Null Undefined",
             "_result 9 Null 1"],
            Answers(transcript).Skip(3));
    }

    [Fact]
    public void Publish_is_accepted_and_ended_with_the_statuses_that_encoders_wait_for()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(Publisher("live", "show").Command(3, 0, "FCUnpublish", 6, Amf0Value.Null, "show").ToArray());

        Assert.Equal(
            ["UserControl StreamBegin 1",
             "onStatus 0 Null {level: status, code: NetStream.Publish.Start, description: live/show is now published.}",
             "onFCUnpublish 0 Null {level: status, code: NetStream.Unpublish.Success, description: show}",
             "_result 6 Null Undefined",
             "onStatus 0 Null {level: status, code: NetStream.Unpublish.Success, "
             + "description: The stream is no longer published.}"],
            Answers(transcript).Skip(4));
        Assert.Equal("PublishStopped", transcript.Lines[^1]);
    }

    [Fact]
    public void A_stopped_publisher_may_publish_again_and_what_it_sends_between_is_dropped() => Assert.Equal(
        ["connect live", "publish live/show on 1", "PublishStopped", "publish live/show on 1", "Audio 9 4"],
        ServerTranscript.Of([Publisher("live", "show")
            .Command(3, 1, "closeStream", 0, Amf0Value.Null)
            .Message(4, RtmpMessageType.Audio, 5, EncoderScripts.AudioHeader, 1)
            .Command(3, 1, "publish", 5, Amf0Value.Null, "show", "live")
            .Message(4, RtmpMessageType.Audio, 9, EncoderScripts.AudioHeader, 1).ToArray()]).Select(WithoutHash));

    [Fact]
    public void A_second_stream_on_the_same_connection_is_refused()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(Publisher("live", "show")
            .Command(3, 0, "createStream", 6, Amf0Value.Null)
            .Command(8, 2, "publish", 7, Amf0Value.Null, "other", "live")
            .Command(8, 2, "play", 8, Amf0Value.Null, "other").ToArray());

        Assert.Equal(
            ["onStatus 0 Null {level: error, code: NetStream.Publish.BadName, "
             + "description: One stream for each connection.}",
             "onStatus 0 Null {level: error, code: NetStream.Play.Failed, "
             + "description: One stream for each connection.}"],
            Answers(transcript).TakeLast(2));
        Assert.Equal(2, transcript.Lines.Count);
    }

    [Fact]
    public void Play_is_answered_and_pause_and_resume_are_told()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(EncoderScripts.LibrtmpPlayer("live", "show")
            .Command(8, 1, "pause", 0, Amf0Value.Null, true, 0.0)
            .Command(8, 1, "pause", 0, Amf0Value.Null, false, 0.0)
            .Command(8, 1, "seek", 0, Amf0Value.Null, 5000.0)
            .Command(8, 0, "deleteStream", 0, Amf0Value.Null, 1.0).ToArray());

        Assert.Equal(["connect live", "play live/show on 1", "Paused", "Resumed", "PlayStopped"], transcript.Lines);
        Assert.Equal(
            ["UserControl StreamBegin 1", "onStatus NetStream.Play.Reset", "onStatus NetStream.Play.Start",
             "UserControl StreamEof 1", "onStatus NetStream.Pause.Notify",
             "UserControl StreamBegin 1", "onStatus NetStream.Unpause.Notify", "onStatus NetStream.Seek.Failed"],
            Answers(transcript, brief: true).Skip(6));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Publish_and_play_with_false_mean_stop(bool publishes)
    {
        string command = publishes ? "publish" : "play";
        RtmpScript script = publishes ? Publisher("live", "show") : EncoderScripts.LibrtmpPlayer("live", "show");

        IReadOnlyList<string> lines = ServerTranscript.Of(
            [script.Command(8, 1, command, 9, Amf0Value.Null, false).ToArray()]);

        Assert.Equal(publishes ? "PublishStopped" : "PlayStopped", lines[^1]);
    }

    [Theory]
    [InlineData(StatusCode.PublishBadName)]
    [InlineData(StatusCode.PublishDenied)]
    public void A_refused_publish_says_why(string code)
    {
        using var session = new ServerSession(RtmpLimits.Default);
        var output = new ArrayBufferWriter<byte>();
        ReadOnlySpan<byte> input = Publisher("live", "show").ToArray();
        Assert.True(session.TryRead(ref input, output, out _));
        session.AcceptConnect(output);
        Assert.True(session.TryRead(ref input, output, out _));

        session.RefusePublish(output, code, "No.");

        Assert.Equal(
            $"onStatus 0 Null {{level: error, code: {code}, description: No.}}", Answers(output, brief: false)[^1]);
        Assert.False(session.TryRead(ref input, output, out _));
    }

    [Fact]
    public void A_refused_connect_is_an_error()
    {
        using var session = new ServerSession(RtmpLimits.Default);
        var output = new ArrayBufferWriter<byte>();
        ReadOnlySpan<byte> input = Publisher("live", "show").ToArray();
        Assert.True(session.TryRead(ref input, output, out _));

        session.RefuseConnect(output, StatusCode.ConnectInvalidApp, "No.");

        Assert.Equal(
            "_error 1 Null {level: error, code: NetConnection.Connect.InvalidApp, description: No.}",
            Assert.Single(Answers(output, brief: false)));
    }

    [Fact]
    public void A_request_must_be_answered_before_reading_on()
    {
        using var session = new ServerSession(RtmpLimits.Default);
        var output = new ArrayBufferWriter<byte>();
        byte[] bytes = Publisher("live", "show").ToArray();
        ReadOnlySpan<byte> input = bytes;
        Assert.True(session.TryRead(ref input, output, out _));

        Assert.Throws<InvalidOperationException>(() =>
        {
            ReadOnlySpan<byte> more = bytes;
            session.TryRead(ref more, output, out _);
        });
        Assert.Throws<InvalidOperationException>(() => session.AcceptPlay(output));
    }

    [Theory]
    [InlineData("live?key=a%20b", "rtmp://h/live?key=no", "show", "live", "live/show", "a b")]
    [InlineData("live", "rtmp://h/live?key=t", "show", "live", "live/show", "t")]
    [InlineData("live", "rtmp://h/live?key=t", "show?key=n", "live", "live/show", "n")]
    [InlineData("live/", "rtmp://h/live/", "show?x=1&key=n", "live", "live/show", "n")]
    [InlineData("live", "rtmp://h/live", "show?x=1?key=n", "live", "live/show", "n")]
    [InlineData("mystream", "rtmp://h/mystream", "", "mystream", "mystream", null)]
    [InlineData("mystream?key=k", "", "", "mystream", "mystream", "k")]
    [InlineData("", "rtmp://h/", "show", "", "show", null)]
    [InlineData("a/b", "rtmp://h/a/b", "c/d", "a/b", "a/b/c/d", null)]
    public void The_path_is_app_and_name_and_a_query_may_stand_behind_either(
        string app, string tcUrl, string name, string expectedApp, string path, string? key)
    {
        using var session = new ServerSession(RtmpLimits.Default);
        var output = new ArrayBufferWriter<byte>();
        ReadOnlySpan<byte> input = new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, Amf0Value.Object(new("app", app), new("tcUrl", tcUrl)))
            .Command(3, 0, "createStream", 2, Amf0Value.Null)
            .Command(8, 1, "publish", 3, Amf0Value.Null, name, "live").ToArray();
        Assert.True(session.TryRead(ref input, output, out _));
        session.AcceptConnect(output);
        Assert.True(session.TryRead(ref input, output, out ServerEvent e));

        Assert.Equal((expectedApp, path, key), (e.Stream!.App, e.Stream.Path, e.Stream.Parameter("key")));
        Assert.DoesNotContain("key", e.Stream.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_aggregate_is_split_and_its_times_moved_to_its_own()
    {
        byte[] aggregate =
        [
            .. Tag(RtmpMessageType.Audio, 1000, 3), .. Tag(RtmpMessageType.Video, 1040, 5),
            .. Tag(RtmpMessageType.UserControl, 1040, 6), .. Tag(RtmpMessageType.Audio, 1080, 4),
        ];
        byte[] bytes = Publisher("live", "show")
            .Message(4, RtmpMessageType.Aggregate, 70_000, aggregate, 1)
            .Message(4, RtmpMessageType.Aggregate, 80_000, aggregate[..^5], 1)
            .Message(4, RtmpMessageType.Audio, 90_000, [0xAF, 1], 1).ToArray();

        IReadOnlyList<string> lines = ServerTranscript.Of([bytes]);

        Assert.Equal(
            ["Audio 70000 3", "Video 70040 5", "Audio 70080 4", "Audio 80000 3", "Video 80040 5", "Audio 90000 2"],
            lines.Skip(2).Select(WithoutHash));
        Assert.Equal(lines, ServerTranscript.Of(Splits.OneByOne(bytes)));
    }

    [Fact]
    public void Received_bytes_are_acknowledged_also_past_32_bits()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(Publisher("live", "show").Control(RtmpMessageType.WindowAcknowledgementSize, 100_000)
            .ToArray());
        transcript.Output.ResetWrittenCount();
        byte[] message = new RtmpScript().Message(4, RtmpMessageType.Video, 0, new byte[49_000], 1).ToArray();

        var window = new ReceiveWindow();
        Assert.False(window.ShouldAcknowledge(1_000_000, out _));
        Assert.True(window.ShouldAcknowledge(uint.MaxValue - 10L, out _));
        Assert.False(window.ShouldAcknowledge(uint.MaxValue + 1_000_000L, out _));
        Assert.True(window.ShouldAcknowledge(uint.MaxValue + 2_000_000L, out uint wrapped));
        Assert.Equal(1_999_999u, wrapped);

        for (int i = 0; i < 10; i++)
            transcript.Feed(message);
        Assert.InRange(Answers(transcript).Count(a => a == "Acknowledgement"), 5, 10);
    }

    [Fact]
    public void A_ping_is_answered_and_one_can_be_sent()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(Publisher("live", "show")
            .Message(2, RtmpMessageType.UserControl, 0, [0, 6, 0, 0, 0x30, 0x39]).ToArray());
        transcript.Session.WritePing(transcript.Output, 77);

        Assert.Equal(["UserControl PingResponse 12345", "UserControl PingRequest 77"], Answers(transcript).TakeLast(2));
    }

    [Fact]
    public void A_message_of_16_MB_declared_before_publish_is_refused_at_its_header()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(new RtmpScript().Handshake().Command(3, 0, "connect", 1, App("live")).ToArray());

        var e = Assert.Throws<RtmpProtocolException>(() => transcript.Feed(
            new RtmpScript().Header(0, 4, 0, 0xFFFFFF, RtmpMessageType.Video, 1).ToArray()));

        Assert.Contains("message of 16777215 bytes, at most 65536", e.Fault, StringComparison.Ordinal);
        Assert.Equal(0, transcript.Session.BufferedBytes);
    }

    [Fact]
    public void After_publish_a_message_of_16_MB_is_taken()
    {
        using var transcript = new ServerTranscript();
        transcript.Feed(Publisher("live", "show").SetChunkSize(65_536)
            .Message(4, RtmpMessageType.Video, 0, new byte[0xFFFFFF], 1).ToArray());

        Assert.StartsWith("Video 0 16777215", transcript.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_talks_and_never_publishes_is_cut_off()
    {
        using var transcript = new ServerTranscript();
        byte[] chatter = new RtmpScript().Message(4, RtmpMessageType.Audio, 0, new byte[1000], 1).ToArray();
        transcript.Feed(new RtmpScript().Handshake().Command(3, 0, "connect", 1, App("live")).ToArray());

        var e = Assert.Throws<RtmpProtocolException>(() =>
        {
            for (int i = 0; i < 100; i++)
                transcript.Feed(chatter);
        });

        Assert.Contains("more than 65536 bytes before publish", e.Fault, StringComparison.Ordinal);
    }

    public static TheoryData<string, RtmpScript> BrokenCommands => new()
    {
        { "publish before connect", new RtmpScript().Handshake().Command(3, 0, "publish", 1, Amf0Value.Null, "x") },
        { "a second connect", new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, App("live")).Command(3, 0, "connect", 2, App("live")) },
        { "app of 129 characters",
            new RtmpScript().Handshake().Command(3, 0, "connect", 1, App(new string('a', 129))) },
        { "stream name of 513 characters", new RtmpScript().Handshake().Command(3, 0, "connect", 1, App("live"))
            .Command(3, 1, "publish", 2, Amf0Value.Null, new string('a', 513)) },
        { "tcUrl of 1025 characters", new RtmpScript().Handshake().Command(3, 0, "connect", 1,
            Amf0Value.Object(new("app", "a"), new("tcUrl", new string('a', 1025)))) },
        { "switch to AMF 3", new RtmpScript().Handshake().Message(3, RtmpMessageType.CommandAmf3, 0,
            [0, .. RtmpScript.CommandBytes("connect", 1), 0x11, 0x0A]) },
        { "number expected",
            new RtmpScript().Handshake().Message(3, RtmpMessageType.CommandAmf0, 0, [2, 0, 1, 65, 2, 0, 0]) },
        { "ends 1 bytes short", new RtmpScript().Handshake().Message(3, RtmpMessageType.CommandAmf0, 0, []) },
    };

    [Theory]
    [MemberData(nameof(BrokenCommands))]
    public void Broken_commands_end_the_connection_with_a_reason(string fault, RtmpScript script)
    {
        var e = Assert.Throws<RtmpProtocolException>(() => ServerTranscript.Of([script.ToArray()]));

        Assert.Contains(fault, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fault_never_shows_a_key()
    {
        byte[] bytes = Publisher("live", "show?key=secret").Command(3, 0, "connect", 9, App(
            "live?key=secret")).ToArray();

        var e = Assert.Throws<RtmpProtocolException>(() => ServerTranscript.Of([bytes]));

        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
    }

    private static RtmpScript Publisher(string app, string name) => new RtmpScript().Handshake()
        .Command(3, 0, "connect", 1, App(app))
        .Command(3, 0, "createStream", 4, Amf0Value.Null)
        .Command(8, 1, "publish", 5, Amf0Value.Null, name, "live");

    private static Amf0Value App(string app) => Amf0Value.Object(new Amf0Property("app", app));

    private static byte[] Tag(RtmpMessageType type, uint time, int length) =>
    [
        (byte)type, 0, 0, (byte)length, (byte)(time >> 16), (byte)(time >> 8), (byte)time, (byte)(time >> 24), 0, 0, 0,
        .. EncoderScripts.Sound(length), 0, 0, 0, (byte)(length + 11),
    ];

    private static string WithoutHash(string line) =>
        line.Split(' ') is [var type, var time, var length, _] && char.IsDigit(length[0])
            ? $"{type} {time} {length}" : line;

    private static Command Command(ServerTranscript transcript, string name)
    {
        Command? found = null;
        Read(transcript.Output.WrittenSpan, m =>
        {
            if (m.Type == RtmpMessageType.CommandAmf0 && Messages.Read(m) is var command && command.Name == name)
                found ??= command;
        });
        return found!;
    }

    private static List<string> Answers(ServerTranscript transcript, bool brief = false) =>
        Answers(transcript.Output, brief);

    /// <summary>What a session sent after the handshake's answer, one line for each message.</summary>
    private static List<string> Answers(ArrayBufferWriter<byte> output, bool brief)
    {
        List<string> lines = [];
        Read(output.WrittenSpan, m => lines.Add(Messages.Describe(m, brief)));
        return lines;
    }

    private static void Read(ReadOnlySpan<byte> output, Action<RtmpMessage> each)
    {
        using var reader = new ChunkReader(RtmpLimits.Default);
        bool hasHandshake = output.Length >= 3073 && output[0] == 3 && output[1..9].IndexOfAnyExcept((byte)0) < 0;
        ReadOnlySpan<byte> input = hasHandshake ? output[3073..] : output;
        while (reader.TryRead(ref input, out RtmpMessage message))
            each(message);
    }

    private static class Messages
    {
        public static Command Read(in RtmpMessage message) => Steadycast.Protocols.Rtmp.Messages.Command.Read(message);

        public static string Describe(in RtmpMessage message, bool brief)
        {
            switch (message.Type)
            {
                case RtmpMessageType.UserControl:
                    UserControl.TryRead(message.Payload.Span, out UserControl control);
                    return $"UserControl {control.Event} {control.Value}";
                case RtmpMessageType.CommandAmf0:
                    Command command = Read(message);
                    return brief && command.Name == "onStatus"
                        ? $"onStatus {command.Argument(0)["code"].Text}"
                        : $"{command.Name} {command.Transaction} {command.Object} {string.Join(
                            ' ', command.Arguments)}";
                case RtmpMessageType.DataAmf0:
                    string name = new Amf0Reader(message.Payload.Span).ReadString();
                    return name == "onStatus" ? "onStatus data" : name;
                default:
                    return message.Type.ToString();
            }
        }
    }
}
