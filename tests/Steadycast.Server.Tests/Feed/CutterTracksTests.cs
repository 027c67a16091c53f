using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Publishers with several audio tracks (Enhanced RTMP multitrack).</summary>
public sealed class CutterTracksTests
{
    private static readonly byte[] Stereo48 = [0x11, 0x90];
    private static readonly byte[] Mono44 = [0x12, 0x08];

    public enum Form
    {
        OneTrack,
        ManyTracks,
        ManyCodecs,
    }

    [Theory]
    [InlineData(Form.OneTrack)]
    [InlineData(Form.ManyTracks)]
    [InlineData(Form.ManyCodecs)]
    public void Every_track_is_in_the_segment_of_its_time_and_the_first_is_what_it_was(Form form)
    {
        using var plain = new CutterRun().Publish(new TestEncoder()).Check();
        using var run = new CutterRun().Publish([.. With(new TestEncoder().Messages(), form)]).Check();

        Assert.Equal(plain.Durations(), run.Durations());
        foreach (var (ours, theirs) in run.Segments.Zip(plain.Segments))
        {
            Assert.Equal([1, 2, 3, 5], ours.Begin.Tracks.Select(track => track.TrackId));
            Assert.Equal(Units(theirs, 1, 2), Units(ours, 1, 2));
            // The same grid as the first track's, since both began with the same message.
            Assert.Equal(Times(ours, 2), Times(ours, 3));
            Assert.Equal(Times(ours, 2), Times(ours, 5));
            Assert.Equal(Enumerable.Repeat((byte)3, Times(ours, 3).Count), Payloads(ours, 3).Select(p => p[^1]));
        }

        Assert.Equal(0, run.Cutter.Counters.Drops.Sum());
    }

    [Fact]
    public void The_form_of_the_messages_does_not_show()
    {
        var forms = Enum.GetValues<Form>().Select(form =>
        {
            using var run = new CutterRun().Publish([.. With(new TestEncoder().Messages(), form)]);
            return string.Join(' ', run.Segments.Select(segment => Convert.ToHexString(segment.End.Hash.Span)));
        });
        Assert.Single(forms.Distinct());
    }

    [Fact]
    public void A_track_may_have_a_rate_of_its_own()
    {
        var messages = new TestEncoder().Messages().ToList();
        messages.Insert(2, Sound(0, isConfiguration: true, new TrackBody(1, "mp4a", Mono44)));
        for (long n = 0; n * 1024 * 1000 / 44100 < 20_000; n++)
            messages.Add(Sound(n * 1024 * 1000 / 44100, false, new TrackBody(1, "mp4a", [1, 2, (byte)n])));
        using var run = new CutterRun().Publish([.. messages.OrderBy(message => message.AtMs)]).Check();

        foreach (var segment in run.Segments)
        {
            var times = Times(segment, 3);
            Assert.InRange(times[0] - segment.Begin.Time, 0, 2090);
            Assert.InRange(segment.Begin.Time + segment.End.Duration - times[^1], 0, 2090);
            var positions = segment.AccessUnits.Where(unit => unit.TrackId == 3).Select(unit => unit.SamplePosition);
            Assert.All(positions.Zip(positions.Skip(1)), pair => Assert.Equal(1024, pair.Second - pair.First));
        }
    }

    [Fact]
    public void A_track_that_comes_in_mid_stream_waits_for_a_keyframe_and_is_one_discontinuity()
    {
        using var run = new CutterRun().Publish([.. With(new TestEncoder().Messages(), from: 9_000)]).Check();

        var first = run.Segments.First(segment => segment.Begin.Tracks.Length == 4);
        Assert.Equal(10 * CutterRun.Second, first.Begin.Time);
        Assert.Equal(first, Assert.Single(run.Segments, segment => segment.Begin.Discontinuity));
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Tracks]);
        Assert.True(run.Cutter.Counters.Drops[(int)FeedDrop.WaitingForTrackChange] > 0);
        Assert.All(run.Segments.Where(s => s.Begin.Time >= first.Begin.Time), s => Assert.NotEmpty(Times(s, 3)));
    }

    [Fact]
    public void A_track_that_goes_stays_promised_and_nothing_is_discontinuous()
    {
        var encoder = new TestEncoder { Seconds = 40 };
        using var run = new CutterRun().Publish([.. With(encoder.Messages(), to: 9_000)]).Check();

        Assert.All(run.Segments, segment => Assert.Equal(4, segment.Begin.Tracks.Length));
        Assert.DoesNotContain(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Empty(Times(run.Segments[^1], 3));
        Assert.Equal(Enumerable.Repeat(2.0, 19), run.Durations());
    }

    [Fact]
    public void In_place_of_a_track_of_another_kind_that_went_the_first_is_promised()
    {
        var messages = new TestEncoder { Seconds = 40 }.Messages().ToList();
        messages.Insert(2, Sound(0, isConfiguration: true, new TrackBody(1, "mp4a", Mono44)));
        for (long n = 0; n < 300; n++)
            messages.Add(Sound(n * 1024 * 1000 / 44100, false, new TrackBody(1, "mp4a", [1, 2, 3])));
        using var run = new CutterRun().Publish([.. messages.OrderBy(message => message.AtMs)]).Check();

        // Silent since 7 s, and given up ten seconds later.
        var change = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(18 * CutterRun.Second, change.Begin.Time);
        var (first, extra) = (change.Begin.Tracks[1], change.Begin.Tracks[2]);
        Assert.Equal((3, first with { TrackId = 3 }), (extra.TrackId, extra));
    }

    [Fact]
    public void Another_publisher_and_another_process_keep_what_was_promised()
    {
        using var run = new CutterRun().Publish([.. With(new TestEncoder().Messages())]).Leave(1);
        run.Publish(new TestEncoder()).Leave(1).Check();
        using var next = new CutterRun(state: run.Cutter.State) { UtcMs = run.UtcMs };
        next.Publish(new TestEncoder { SampleRate = 44100 }).Check();

        foreach (var segment in run.Segments.Concat(next.Segments))
            Assert.Equal([1, 2, 3, 5], segment.Begin.Tracks.Select(track => track.TrackId));
        Assert.All(next.Segments, segment => Assert.Equal(new byte[] { 0x12, 0x10 }, segment.Begin.Tracks[3].Record));
    }

    [Fact]
    public void Who_never_had_more_than_one_track_is_promised_nothing()
    {
        using var run = new CutterRun().Publish(new TestEncoder()).Check();
        Assert.Equal(0, run.Cutter.State!.ExtraTracks);
        Assert.All(run.Segments, segment => Assert.Equal(2, segment.Begin.Tracks.Length));
    }

    [Fact]
    public void Sound_alone_is_cut_at_the_first_track()
    {
        var encoder = new TestEncoder { HasVideo = false };
        using var plain = new CutterRun().Publish(encoder).Check();
        using var run = new CutterRun().Publish([.. With(encoder.Messages())]).Check();
        Assert.Equal(plain.Durations(), run.Durations());
        Assert.Equal(plain.Segments.Select(s => s.Begin.Time), run.Segments.Select(s => s.Begin.Time));
        Assert.All(run.Segments, segment => Assert.NotEmpty(Times(segment, 5)));
    }

    [Fact]
    public void Tracks_without_a_first_one_or_pictures_are_no_stream()
    {
        var messages = new TestEncoder { HasVideo = false }.Messages().Select(message => message.Payload[1] == 0
            ? message with { Payload = MultitrackAudio.OneTrack(true, new TrackBody(1, "mp4a", message.Payload[2..])) }
            : message with { Payload = MultitrackAudio.OneTrack(false, new TrackBody(1, "mp4a", [1, 2])) });
        using var run = new CutterRun().Publish([.. messages]).Leave();
        Assert.Empty(run.Segments);
        Assert.True(run.Cutter.Counters.Drops[(int)FeedDrop.NoConfiguration] > 0);
    }

    [Fact]
    public void Beyond_the_seventh_audio_track_and_the_first_video_track_they_are_counted()
    {
        var messages = new TestEncoder().Messages().SelectMany(message => message.Type switch
        {
            RtmpMessageType.Audio => [message, Again(message, 7), Again(message, 255)],
            _ when message.Payload[1] == 1 =>
                [message, message with { Payload = [0xA6, 0x01, .. "avc1"u8, 1, .. message.Payload[2..]] }],
            _ => (TestMessage[])[message],
        }).ToList();
        using var plain = new CutterRun().Publish(new TestEncoder()).Check();
        using var run = new CutterRun().Publish(messages).Check();
        Assert.Equal(plain.Segments.Select(segment => Convert.ToHexString(segment.End.Hash.Span)),
            run.Segments.Select(segment => Convert.ToHexString(segment.End.Hash.Span)));
        Assert.Equal(messages.Count - new TestEncoder().Messages().Count,
            run.Cutter.Counters.Drops[(int)FeedDrop.ExtraTrack]);
    }

    [Fact]
    public void A_damaged_track_does_not_harm_the_others()
    {
        var messages = new TestEncoder().Messages().SelectMany(message => message.Type != RtmpMessageType.Audio
            ? (TestMessage[])[message]
            : [message, Again(message, 1) with
            {
                Payload = MultitrackAudio.OneTrack(message.Payload[1] == 0, new TrackBody(1, "mp4a", [])),
            }]);
        using var run = new CutterRun().Publish([.. messages]).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.All(run.Segments, segment => Assert.Equal(2, segment.Begin.Tracks.Length));
        Assert.True(run.Cutter.Counters.Drops[(int)FeedDrop.BadConfiguration] > 0);
    }

    /// <summary>Tracks 1 and 3 beside the first, frame by frame with it; each frame ends with its track's number.</summary>
    internal static IEnumerable<TestMessage> With(
        IEnumerable<TestMessage> messages, Form form = Form.OneTrack, long from = 0, long to = long.MaxValue)
    {
        foreach (var message in messages)
        {
            yield return message;
            if (message.Type != RtmpMessageType.Audio)
                continue;
            var isConfiguration = message.Payload[1] == 0;
            if (!isConfiguration && (message.AtMs < from || message.AtMs >= to))
                continue;
            var (one, three) = (BodyOf(1), BodyOf(3));
            byte[][] payloads = form switch
            {
                Form.OneTrack =>
                    [MultitrackAudio.OneTrack(isConfiguration, one), MultitrackAudio.OneTrack(isConfiguration, three)],
                Form.ManyTracks => [MultitrackAudio.ManyTracks(isConfiguration, one, three)],
                _ => [MultitrackAudio.ManyCodecs(isConfiguration, one, three)],
            };
            foreach (var payload in payloads)
                yield return message with { Payload = payload };

            TrackBody BodyOf(byte track) => new(
                track, "mp4a", isConfiguration ? Stereo48 : [.. message.Payload[2..], (byte)(track + 2)]);
        }
    }

    private static TestMessage Again(TestMessage message, byte track) => message with
    {
        Payload = MultitrackAudio.OneTrack(message.Payload[1] == 0, new TrackBody(track, "mp4a", message.Payload[2..])),
    };

    private static TestMessage Sound(long ms, bool isConfiguration, TrackBody body) =>
        new(ms, RtmpMessageType.Audio, (uint)ms, MultitrackAudio.OneTrack(isConfiguration, body));

    private static List<(byte, long, long, string)> Units(StampedSegment segment, params byte[] tracks) =>
    [
        .. segment.AccessUnits.Where(unit => tracks.Contains(unit.TrackId)).Select(unit =>
            (unit.TrackId, unit.Dts, unit.SamplePosition, Convert.ToHexString(unit.Payload.Span))),
    ];

    private static List<long> Times(StampedSegment segment, byte track) =>
        [.. segment.AccessUnits.Where(unit => unit.TrackId == track).Select(unit => unit.Dts)];

    private static IEnumerable<byte[]> Payloads(StampedSegment segment, byte track) =>
        segment.AccessUnits.Where(unit => unit.TrackId == track).Select(unit => unit.Payload.ToArray());
}
