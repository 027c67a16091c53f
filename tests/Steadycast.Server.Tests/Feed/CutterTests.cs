using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

public sealed class CutterTests
{
    [Fact]
    public void Two_second_groups_of_pictures_become_two_second_segments()
    {
        using var run = new CutterRun().Publish(new TestEncoder()).Check();
        Assert.Equal(2, run.Segments[0].Begin.Epoch.TargetDurationSeconds);
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.All(run.Segments, segment => Assert.Equal(50, segment.AccessUnits.Count(unit => unit.TrackId == 1)));
        Assert.False(run.Segments[0].Begin.Discontinuity);
        Assert.Equal(0, run.Segments[0].Begin.Time);
        Assert.Equal(CutterRun.StartUtcMs, run.Segments[0].Begin.Epoch.AnchorUtcMs);
        Assert.InRange(run.FirstSegmentAtMs!.Value, 0, 5000);
    }

    [Theory]
    [InlineData(1, 2, new[] { 1.0 }, 2)]
    [InlineData(2, 2, new[] { 0.5 }, 2)]
    [InlineData(2, 2, new[] { 1.0 }, 2)]
    [InlineData(2, 2, new[] { 1.96 }, 2)]
    [InlineData(2, 3, new[] { 3.0 }, 3)]
    [InlineData(2, 4, new[] { 4.0 }, 4)]
    [InlineData(2, 10, new[] { 10.0 }, 10)]
    [InlineData(2, 3, new[] { 2.48 }, 3)]
    [InlineData(6, 6, new[] { 2.0 }, 6)]
    [InlineData(10, 12, new[] { 4.0 }, 12)]
    [InlineData(2, 3, new[] { 2.0, 3.0, 2.4, 2.8 }, 3)]
    public void The_target_duration_fits_the_keyframe_interval(int segmentSeconds, int most, double[] gops, int target)
    {
        var encoder = new TestEncoder { Gops = gops, Seconds = 60 };
        using var run = new CutterRun(segmentSeconds).Publish(encoder).Check();
        Assert.InRange(run.Segments[0].Begin.Epoch.TargetDurationSeconds, segmentSeconds, most);
        if (segmentSeconds > 1)
            Assert.Equal(target, run.Segments[0].Begin.Epoch.TargetDurationSeconds);
        Assert.All(run.Segments, segment => Assert.True(segment.Begin.Independent));
        Assert.Equal(0, run.Cutter.Counters.ForcedCuts);
    }

    [Fact]
    public void A_keyframe_interval_that_grows_later_is_cut_between_keyframes_and_said()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Gops = [2, 2, 2, 10], Seconds = 40 }).Check();
        Assert.Equal(2, run.Segments[0].Begin.Epoch.TargetDurationSeconds);
        Assert.Equal(8, run.Cutter.Counters.ForcedCuts);
        Assert.True(run.Segments[2].Begin is { Independent: true, AllIndependent: true });
        var dependent = run.Segments.First(segment => !segment.Begin.Independent);
        Assert.Equal(1, dependent.AccessUnits[0].TrackId);
        Assert.False(dependent.AccessUnits[0].IsKeyframe);
        Assert.All(run.Segments.SkipWhile(segment => segment.Begin.Independent),
            s => Assert.False(s.Begin.AllIndependent));
        Assert.Contains(run.Segments.Skip(5), segment => segment.Begin.Independent);
        Assert.InRange(run.Cutter.Facts!.KeyframeSeconds, 2, 10);
    }

    [Fact]
    public void A_stream_without_keyframes_is_cut_every_ten_seconds()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Gops = [1000], Seconds = 50 }).Check();
        Assert.Equal(10, run.Segments[0].Begin.Epoch.TargetDurationSeconds);
        Assert.InRange(run.Segments.Count, 4, 5);
        Assert.InRange(run.FirstSegmentAtMs!.Value, 10_000, 13_000);
    }

    [Theory]
    [InlineData(44100)]
    [InlineData(48000)]
    [InlineData(22050)]
    public void Audio_is_counted_in_samples_not_in_milliseconds(int rate)
    {
        using var run = new CutterRun().Publish(new TestEncoder { SampleRate = rate, Seconds = 60 }).Check();
        var positions =
            run.Segments.SelectMany(s => s.AccessUnits).Where(u => u.TrackId == 2).Select(u => u.SamplePosition);
        Assert.All(positions.Zip(positions.Skip(1)), pair => Assert.Equal(1024, pair.Second - pair.First));
        Assert.Equal(0, run.Cutter.Counters.AudioResnaps);
    }

    [Fact]
    public void Rate_29_97_gives_segments_of_sixty_pictures_that_add_up()
    {
        var encoder = new TestEncoder { FramesPerSecond = 30000 / 1001.0, Gops = [60 * 1001 / 30000.0], Seconds = 120 };
        using var run = new CutterRun().Publish(encoder).Check();
        Assert.All(run.Segments, segment => Assert.Equal(60, segment.AccessUnits.Count(unit => unit.TrackId == 1)));
        Assert.All(run.Durations(), duration => Assert.InRange(duration, 2.0019, 2.0031));
        Assert.Equal(run.Segments.Count * 2.002, run.Durations().Sum(), 0.002);
    }

    [Fact]
    public void Reordered_pictures_keep_their_offsets_of_either_sign()
    {
        using var run = new CutterRun().Publish(new TestEncoder { BFrames = 2 }).Check();
        var offsets =
            run.Segments[0].AccessUnits.Where(unit => unit.TrackId == 1).Select(unit => unit.CompositionOffset);
        Assert.Equal([-3600, 7200], offsets.Distinct().Order());
    }

    [Fact]
    public void Hevc_is_cut_at_its_random_access_points()
    {
        using var run = new CutterRun().Publish(new TestEncoder { IsHevc = true }).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.Equal(Codec.H265, run.Segments[0].Begin.Tracks[0].Codec);
    }

    [Fact]
    public void Access_units_come_in_the_order_of_their_decoding_times()
    {
        using var run = new CutterRun().Publish(new TestEncoder { AudioLateMs = 300 }).Check();
        foreach (var segment in run.Segments)
        {
            var times = segment.AccessUnits.Select(unit => unit.Dts).ToArray();
            Assert.Equal(times.Order(), times);
            Assert.All(times, time => Assert.InRange(
                time, segment.Begin.Time, segment.Begin.Time + segment.End.Duration - 1));
        }
    }

    [Fact]
    public void Audio_before_the_first_keyframe_is_dropped()
    {
        var messages =
            new TestEncoder().Messages().Where(m => m.Type == RtmpMessageType.Audio || m.AtMs >= 1000).ToList();
        messages.Insert(0, new TestEncoder().Messages()[0]);
        using var run = new CutterRun().Publish(messages).Check();
        Assert.Equal(0, run.Segments[0].Begin.Time);
        Assert.True(run.Segments[0].AccessUnits[0] is { TrackId: 1, IsKeyframe: true });
        Assert.All(run.Segments[0].AccessUnits, unit => Assert.True(unit.Dts >= 0));
        Assert.InRange(run.Cutter.Counters.Drops[(int)FeedDrop.BeforeKeyframe], 90, 130);
    }

    [Fact]
    public void Audio_alone_is_cut_at_audio_frames()
    {
        using var run = new CutterRun().Publish(new TestEncoder { HasVideo = false, SampleRate = 44100 }).Check();
        Assert.All(run.Durations(), duration => Assert.InRange(duration, 1.98, 2.02));
        Assert.All(run.Segments, segment => Assert.True(segment.Begin is { Independent: true, Tracks.Length: 1 }));
        Assert.InRange(run.FirstSegmentAtMs!.Value, 0, 8000);
    }

    [Fact]
    public void Video_alone_works()
    {
        using var run = new CutterRun().Publish(new TestEncoder { SampleRate = 0 }).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.All(run.Segments, segment => Assert.Equal(Codec.H264, Assert.Single(segment.Begin.Tracks).Codec));
    }

    [Fact]
    public void A_camera_without_keyframes_does_not_silence_its_microphone()
    {
        using var run = new CutterRun().Publish(new TestEncoder { VideoHole = (0, 100), Seconds = 30 }).Check();
        Assert.All(run.Segments, segment => Assert.Equal(Codec.Aac, Assert.Single(segment.Begin.Tracks).Codec));
        Assert.InRange(run.Segments.Count, 8, 11);
    }

    [Theory]
    [InlineData(0.3, 0)]
    [InlineData(3, 0)]
    [InlineData(9, 1)]
    public void A_track_that_comes_late_joins_at_a_keyframe(double audioFrom, int discontinuities)
    {
        using var run = new CutterRun().Publish(new TestEncoder { AudioFrom = audioFrom }).Check();
        Assert.Equal(discontinuities, run.Segments.Count(segment => segment.Begin.Discontinuity));
        Assert.Equal(2, run.Segments[^1].Begin.Tracks.Length);
        Assert.Equal(discontinuities == 0 ? 2 : 1, run.Segments[0].Begin.Tracks.Length);
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.EpochId).Distinct());
    }

    [Fact]
    public void Video_that_comes_late_joins_an_audio_stream()
    {
        using var run = new CutterRun();
        var video = new TestEncoder { SampleRate = 0 }.Messages();
        var audio = new TestEncoder { HasVideo = false }.Messages();
        run.Publish([.. audio.Concat(video.Where(m => m.AtMs >= 8000 || m.Payload[1] == 0).Select(
            m => m.AtMs == 0 ? m with { AtMs = 8000 } : m)).OrderBy(m => m.AtMs)]).Check();
        Assert.Single(run.Segments[0].Begin.Tracks);
        Assert.Equal(2, run.Segments[^1].Begin.Tracks.Length);
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Tracks]);
    }

    [Fact]
    public void A_track_that_falls_silent_does_not_hold_up_the_other_and_is_taken_off()
    {
        var encoder = new TestEncoder { AudioHole = (9.5, 30.5), Seconds = 44 };
        using var run = new CutterRun().Publish(encoder).Check();
        Assert.Equal(21, run.Segments.Count);
        Assert.Equal([2, 1, 2], Runs(run.Segments.Select(segment => segment.Begin.Tracks.Length)));
        Assert.Equal(2, run.Segments.Count(segment => segment.Begin.Discontinuity));
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.EpochId).Distinct());
    }

    [Fact]
    public void Video_that_falls_silent_leaves_the_audio_on_air()
    {
        using var run = new CutterRun().Publish(new TestEncoder { VideoHole = (9.5, 30.5), Seconds = 44 }).Check();
        Assert.Equal([2, 1, 2], Runs(run.Segments.Select(segment => segment.Begin.Tracks.Length)));
        Assert.InRange(run.Durations().Sum(), 41, 44);
    }

    [Fact]
    public void A_repeated_configuration_changes_nothing()
    {
        using var run = new CutterRun().Publish(new TestEncoder { RepeatsConfig = true }).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.DoesNotContain(run.Segments, segment => segment.Begin.Discontinuity);
    }

    [Fact]
    public void Another_configuration_starts_a_segment_with_a_discontinuity_in_the_same_epoch()
    {
        var first = new TestEncoder().Messages().Where(m => m.AtMs < 9000);
        var then = new TestEncoder { Gops = [9, 2, 2, 2, 2, 2, 2], VideoConfig = TestEncoder.OtherAvc }.Messages();
        var config = then[0] with { AtMs = 9000, Timestamp = 9000 };
        using var run = new CutterRun().Publish([.. first, config, .. then.Where(m => m.AtMs >= 9000)]).Check();
        Assert.Equal([2, 2, 2, 2, 1, 2, 2, 2, 2, 2], run.Durations());
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(TestEncoder.OtherAvc, changed.Begin.Tracks[0].Record.ToArray());
        Assert.Equal(9 * CutterRun.Second, changed.Begin.Time);
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.EpochId).Distinct());
    }

    [Fact]
    public void Another_audio_configuration_waits_for_the_next_keyframe()
    {
        var first = new TestEncoder().Messages().Where(m => m.AtMs < 9000 || m.Type == RtmpMessageType.Video);
        var then = new TestEncoder { HasVideo = false, SampleRate = 44100 }.Messages();
        var config = then[0] with { AtMs = 9000, Timestamp = 9000 };
        using var run = new CutterRun().Publish(
            [.. first.Concat([config]).Concat(then.Where(m => m.AtMs >= 9000)).OrderBy(m => m.AtMs)]).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(10 * CutterRun.Second, changed.Begin.Time);
        Assert.InRange(run.Cutter.Counters.Drops[(int)FeedDrop.WaitingForTrackChange], 40, 46);
    }

    [Fact]
    public void What_cannot_be_packaged_is_counted_and_left_out()
    {
        using var run = new CutterRun();
        run.Publish(new TestEncoder { Seconds = 6 });
        run.Send(new TestMessage(0, RtmpMessageType.Video, 6000, []));
        run.Send(new TestMessage(0, RtmpMessageType.Video, 6000, [0x17, 1, 0, 0, 0, 0, 0, 0, 9, 0x65]));
        run.Send(new TestMessage(0, RtmpMessageType.Video, 6000, [0x17, 0, 0, 0, 0, 1, 2, 3]));
        run.Send(new TestMessage(0, RtmpMessageType.Video, 6000, [0x12, 1, 2, 3]));
        run.Send(new TestMessage(0, RtmpMessageType.Audio, 6000, [0x2F, 1, 2, 3]));
        run.Send(new TestMessage(0, RtmpMessageType.Audio, 6000, [0xAF, 1]));
        run.Send(new TestMessage(0, RtmpMessageType.DataAmf0, 6000, [2, 0, 0]));
        run.Leave().Check();
        Assert.Equal(3, run.Cutter.Counters.Drops[(int)FeedDrop.Malformed]);
        Assert.Equal(1, run.Cutter.Counters.Drops[(int)FeedDrop.BadConfiguration]);
        Assert.Equal(1, run.Cutter.Counters.Drops[(int)FeedDrop.UnsupportedCodec]);
        Assert.Equal(3, run.Segments.Count);
    }

    private static List<int> Runs(IEnumerable<int> values)
    {
        var runs = new List<int>();
        foreach (var value in values)
        {
            if (runs.Count == 0 || runs[^1] != value)
                runs.Add(value);
        }

        return runs;
    }
}
