using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

public sealed class CutterTimeTests
{
    [Theory]
    [InlineData(0xFFFFFFFFu - 5000, 32)]
    [InlineData(0x7FFFFFFFu - 5000, 32)]
    [InlineData(0x00FFFFFFu - 5000, 32)]
    [InlineData(0x00FFFFFFu - 5000, 24)]
    [InlineData(0xFFFFFFFFu - 5000, 24)]
    public void Timestamps_wrap_without_a_seam(uint start, int bits)
    {
        using var run = new CutterRun().Publish(new TestEncoder { Start = start, TimestampBits = bits }).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.DoesNotContain(run.Segments, segment => segment.Begin.Discontinuity);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(24)]
    public void Two_days_are_one_epoch(int bits)
    {
        // One picture a second: the clock is what is tested, over ten wraps of 24 bits and one of 32.
        const double Days = 48 * 3600;
        var encoder = new TestEncoder
        {
            Seconds = Days,
            FramesPerSecond = 1,
            SampleRate = 0,
            Start = 0xFFFFFFFFu - 86_400_000,
            TimestampBits = bits,
        };
        using var run = new CutterRun().Publish(encoder).Check();
        Assert.Equal(Days - 2, run.Durations().Sum(), 0.01);
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.EpochId).Distinct());
    }

    [Theory]
    [InlineData(1950, 0)]
    [InlineData(2100, 1)]
    [InlineData(3_600_000, 1)]
    [InlineData(-100, 0)]
    [InlineData(-499, 0)]
    [InlineData(-700, 1)]
    [InlineData(-10_000, 1)]
    [InlineData(1_000_000_000, 1)]
    public void A_jump_of_the_timestamps_starts_an_epoch_and_a_small_step_is_repaired(int jumpMs, int epochs)
    {
        using var run = new CutterRun();
        var messages = new TestEncoder { SampleRate = 0, Gops = [1] }.Messages().Select(m => m.AtMs < 9500
            ? m : m with { Timestamp = (uint)(m.Timestamp + jumpMs) });
        run.Publish([.. messages]).Leave().Check();
        Assert.Equal(epochs, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Timestamps]);
        Assert.Equal(epochs, run.Segments.Count(segment => segment.Begin.Discontinuity));
        Assert.Equal(epochs + 1, run.Segments.Select(segment => segment.Begin.Epoch.EpochId).Distinct().Count());
        if (jumpMs is < 0 and > -500)
            Assert.InRange(run.Cutter.Counters.RepairedTimestamps, 1, 13);
        if (epochs == 1)
            Assert.Single(run.Segments, segment => segment.End.IsShort && segment != run.Segments[^1]);
    }

    [Fact]
    public void Both_tracks_jump_together_to_one_new_epoch()
    {
        using var run = new CutterRun();
        var messages = new TestEncoder { Gops = [1] }.Messages().Select(m => m.AtMs < 9500
            ? m : m with { Timestamp = m.Timestamp - 9_500 });
        run.Publish([.. messages]).Leave().Check();
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Timestamps]);
        Assert.All(run.Segments, segment => Assert.Equal(2, segment.Begin.Tracks.Length));
    }

    [Fact]
    public void Tracks_on_different_bases_are_brought_together()
    {
        using var run = new CutterRun();
        var messages = new TestEncoder().Messages().Select(
            m => m.Type == RtmpMessageType.Audio ? m with { Timestamp = m.Timestamp + 777_000 } : m);
        run.Publish([.. messages]).Check();
        Assert.Equal(1, run.Cutter.Counters.RebasedTracks);
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        Assert.All(run.Segments, segment => Assert.InRange(segment.AccessUnits.Count(u => u.TrackId == 2), 92, 95));
    }

    [Fact]
    public void A_gap_in_the_audio_is_snapped_to_and_audio_that_runs_ahead_is_thinned()
    {
        using var gap = new CutterRun().Publish(new TestEncoder { AudioHole = (9, 10) }).Check();
        Assert.Equal(1, gap.Cutter.Counters.AudioResnaps);

        // A sound card that is 1 % fast: 48480 samples in a second of its timestamps.
        var messages = new TestEncoder { SampleRate = 48000, Seconds = 60 }.Messages().Select(
            m => m.Type == RtmpMessageType.Audio ? m with { Timestamp = (uint)(m.Timestamp * 0.99) } : m);
        using var fast = new CutterRun().Publish([.. messages]).Check();
        Assert.InRange(fast.Cutter.Counters.AudioResnaps, 8, 13);
        Assert.InRange(fast.Cutter.Counters.Drops[(int)FeedDrop.AudioAhead], 20, 32);
    }

    [Fact]
    public void A_publisher_that_returns_continues_the_numbers_and_the_time_of_day()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 9.5, Start = 1234 }).Leave(7.25);
        run.Publish(new TestEncoder { Seconds = 9.5, Start = 99_999 }).Leave().Check();
        var back = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal([2, 2, 2, 2, 1.52, 2, 2, 2, 2, 1.52], run.Durations().Select(d => Math.Round(d, 2)));
        Assert.True(run.Segments[4].End.IsShort);
        var absolute = CutterRun.StartUtcMs + 9_493 + 7_250;
        Assert.InRange(back.Begin.Epoch.AnchorUtcMs + (back.Begin.Time / 90), absolute - 20, absolute + 40);
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Publisher]);
        Assert.Equal(run.Segments[0].Begin.Epoch.EpochId + 1, back.Begin.Epoch.EpochId);
    }

    [Theory]
    [InlineData(-1500, true)]
    [InlineData(-59_000, true)]
    [InlineData(1900, true)]
    [InlineData(-61_000, false)]
    [InlineData(2100, false)]
    [InlineData(-3_600_000, false)]
    public void The_anchor_is_when_the_first_picture_was_made_if_that_can_be_right(long errorMs, bool isUsed)
    {
        using var run = new CutterRun().Publish(Clocked(new TestEncoder(), CutterRun.StartUtcMs + errorMs)).Check();
        var anchor = CutterRun.StartUtcMs + (isUsed ? errorMs : 0);
        Assert.All(run.Segments, segment => Assert.Equal(anchor, segment.Begin.Epoch.AnchorUtcMs));
        Assert.Equal((isUsed ? 1 : 0, isUsed ? 0 : 1),
            (run.Cutter.Counters.WallClocksUsed, run.Cutter.Counters.WallClocksRefused));
        // Numbers come from this machine's clock all the same: no publisher can turn them back.
        using var plain = new CutterRun().Publish(new TestEncoder());
        Assert.Equal(plain.Segments[0].Begin.Msn, run.Segments[0].Begin.Msn);
    }

    [Fact]
    public void A_publisher_that_returns_continues_the_time_of_day_of_its_pictures()
    {
        const long Delay = 1500;
        using var run = new CutterRun();
        run.Publish(Clocked(new TestEncoder { Seconds = 9.5 }, CutterRun.StartUtcMs - Delay)).Leave(7);
        var start = run.UtcMs;
        run.Publish(Clocked(new TestEncoder { Seconds = 9.5, Start = 5000 }, start - Delay)).Leave().Check();
        var back = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(start - Delay, back.Begin.Epoch.AnchorUtcMs + (back.Begin.Time / 90));
        Assert.Equal(2, run.Cutter.Counters.WallClocksUsed);
    }

    /// <summary>Keyframes say when they were made.</summary>
    private static List<TestMessage> Clocked(TestEncoder encoder, long firstUtcMs) =>
        [.. encoder.Messages().Select(message => message.Payload is not [0x17, 1, ..] ? message : message with
        {
            Payload =
            [
                .. message.Payload[..5],
                .. BroadcastMetrics.In(
                    message.Payload.AsSpan(5), Codec.H264, BroadcastMetrics.Text(firstUtcMs + message.AtMs)),
            ],
        })];

    [Fact]
    public void A_tail_of_less_than_a_second_is_taken_back_and_its_number_given_again()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 8.5 }).Leave(1);
        Assert.Equal(4, run.Segments.Count);
        run.Publish(new TestEncoder { Seconds = 4.5 }).Check();
        Assert.Equal([2, 2, 2, 2, 2, 2], run.Durations());
        Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.True(run.Cutter.Counters.Drops[(int)FeedDrop.TooShort] > 20);
    }

    [Fact]
    public void A_publisher_that_replaces_another_without_a_pause_starts_an_epoch()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 9.5 }).Publish(new TestEncoder()).Check();
        Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
    }

    [Fact]
    public void Messages_that_were_lost_in_between_start_an_epoch()
    {
        using var run = new CutterRun();
        var messages = new TestEncoder { Gops = [1] }.Messages();
        run.Publish([.. messages.Where(m => m.AtMs < 8300)]);
        foreach (var (message, index) in messages.Where(m => m.AtMs >= 10_000).Select((m, i) => (m, i)))
            run.Send(message, afterLoss: index == 0);
        run.Leave().Check();
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Loss]);
    }

    [Fact]
    public void A_clock_that_went_back_does_not_take_time_back()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 9.5 }).Leave(-3600);
        run.Publish(new TestEncoder { Seconds = 9.5 }).Leave().Check();
        Assert.Equal(10, run.Segments.Count);
    }

    [Fact]
    public void A_publisher_that_leaves_before_one_whole_segment_freezes_nothing()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 3, Gops = [10] }).Leave(1);
        Assert.Null(run.Cutter.State);
        Assert.Empty(run.Records);
        run.Publish(new TestEncoder()).Check();
        Assert.Equal(2, run.Segments[0].Begin.Epoch.TargetDurationSeconds);
        Assert.False(run.Segments[0].Begin.Discontinuity);
    }

    [Fact]
    public void A_restarted_ingest_continues_where_its_state_says()
    {
        using var before = new CutterRun().Publish(new TestEncoder { Seconds = 9.5 });
        using var after = new CutterRun(state: before.Cutter.State) { UtcMs = before.UtcMs + 3000 };
        after.Publish(new TestEncoder()).Check();
        var (last, first) = (before.Segments[^1], after.Segments[0]);
        Assert.Equal(last.Begin.Msn + 1, first.Begin.Msn);
        Assert.Equal(last.Begin.Epoch.EpochId + 1, first.Begin.Epoch.EpochId);
        Assert.Equal(last.Begin.DiscontinuitySequence + 1, first.Begin.DiscontinuitySequence);
        Assert.Equal(last.Begin.Epoch.AnchorUtcMs, first.Begin.Epoch.AnchorUtcMs);
        Assert.True(first.Begin.Discontinuity);
        Assert.True(first.Begin.Time >= last.Begin.Time + last.End.Duration);
        Assert.InRange(after.FirstSegmentAtMs!.Value, 1900, 2600);
        Assert.Equal(1, after.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Restart]);
    }

    [Fact]
    public void Numbers_from_the_clock_are_above_all_that_were_used_before()
    {
        using var before = new CutterRun(segmentSeconds: 1).Publish(new TestEncoder { Gops = [0.96], Seconds = 600 });
        using var after = new CutterRun(segmentSeconds: 1, lost: true) { UtcMs = before.UtcMs };
        after.Publish(new TestEncoder { Gops = [1], Seconds = 9 }).Check();
        Assert.True(after.Segments[0].Begin.Msn > before.Segments[^1].Begin.Msn);
        Assert.True(after.Segments[0].Begin.Epoch.EpochId > before.Segments[^1].Begin.Epoch.EpochId);
        Assert.True(after.Segments[0].Begin.DiscontinuitySequence > before.Segments[^1].Begin.DiscontinuitySequence);
        Assert.True(after.Segments[0].Begin.Discontinuity);
    }

    [Fact]
    public void State_is_ahead_of_every_record_that_goes_out()
    {
        // Whoever restarts from the state after any call gives no number out that has ended before.
        using var run = new CutterRun();
        foreach (var message in new TestEncoder().Messages())
        {
            run.Send(message);
            if (run.Segments.Count > 0)
                Assert.Equal(run.Segments[^1].Begin.Msn + 1, run.Cutter.State!.NextMsn);
        }

        Assert.Equal(9, run.Segments.Count);
    }
}
