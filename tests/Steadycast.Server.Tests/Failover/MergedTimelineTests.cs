using System.Collections.Immutable;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Failover;

public sealed class MergedTimelineTests
{
    [Fact]
    public void A_cold_start_takes_up_the_whole_window_at_one_stroke()
    {
        TimelineWorld world = Started(segments: 6, publish: false);

        world.CompleteAll();

        Assert.Equal(1, world.Publications);
        Assert.Equal(6, world.Timeline.Published!.Segments.Length);
        Assert.Equal(world.Edge, world.Timeline.Published.Edge);
    }

    [Fact]
    public void A_segment_that_failed_everywhere_at_the_start_is_left_out_with_what_was_before_it()
    {
        TimelineWorld world = Started(segments: 6, publish: false);
        world.FailNumber(world.Edge - 2);

        world.CompleteAll();

        Assert.Equal(2, world.Timeline.Published!.Segments.Length);
        Assert.Equal(0, world.Gaps);
    }

    [Fact]
    public void Nothing_is_published_before_its_bytes_are_here()
    {
        TimelineWorld world = Started();
        long before = world.Timeline.Published!.Edge;
        world.Source();
        world.Observe(0);
        world.Observe(1);

        world.Pass(10);
        Assert.Equal(before, world.Timeline.Published.Edge);

        world.CompleteAll();
        Assert.Equal(world.Edge, world.Timeline.Published.Edge);
    }

    [Fact]
    public void The_edge_is_that_of_the_union_whoever_is_active()
    {
        TimelineWorld world = Started();
        Assert.Equal("o0", world.Timeline.Active.Current!.Name);
        world.Source();

        world.Observe(1);
        world.CompleteAll();

        Assert.Equal(world.Edge, world.Timeline.Published!.Edge);
        Assert.Equal("o0", world.Timeline.Active.Current.Name);
    }

    [Fact]
    public void Both_origins_at_one_edge_publish_the_records_as_they_are()
    {
        TimelineWorld world = Started();
        world.Source(newEpoch: true);
        world.Source();

        world.Observe(0);
        world.Observe(1);
        world.CompleteAll();

        Assert.Equal(world.WindowAt(world.Edge), world.Timeline.Published!.Segments.TakeLast(TimelineWorld.Window));
    }

    [Fact]
    public void A_segment_lost_everywhere_becomes_a_gap_when_a_later_one_is_here_and_patience_is_over()
    {
        TimelineWorld world = Started();
        long lost = world.Edge + 1;
        world.Source();
        world.Source();
        world.Observe(0);
        world.Observe(1);
        world.Complete(0, delivered: false);
        world.Complete(0, delivered: true);

        world.Pass(1.25);
        Assert.Equal(lost - 1, world.Timeline.Published!.Edge);
        while (world.Pending > 0)
            world.Complete(0, delivered: false);
        world.Pass(0.5);

        Assert.Equal(world.Edge, world.Timeline.Published.Edge);
        SegmentRecord gap = world.Timeline.Published.Segments.Single(s => s.Msn == lost);
        Assert.True(gap.Gap);
        Assert.Equal(world.Truth[^2].Duration, gap.Duration);
        Assert.Equal(world.Truth[^2].ProgramDateTimeMs, gap.ProgramDateTimeMs);
    }

    [Fact]
    public void A_number_that_no_origin_lists_any_more_becomes_a_gap_of_the_missing_length()
    {
        TimelineWorld world = Started();
        long before = world.Edge;
        world.Source();
        world.Source();
        world.Source();
        world.Observe(0, world.WindowAt(world.Edge, 1));
        world.Observe(1, world.WindowAt(world.Edge, 1));
        world.CompleteAll();

        world.Pass(2);

        Assert.Equal(2, world.Gaps);
        Assert.Equal(before + 3, world.Timeline.Published!.Edge);
    }

    [Fact]
    public void A_gap_is_not_taken_back_when_an_origin_finds_the_segment_after_all()
    {
        TimelineWorld world = Started();
        world.Source();
        world.Source();
        world.Observe(0, world.WindowAt(world.Edge, 1));
        world.CompleteAll();
        world.Pass(2);
        Assert.Equal(1, world.Gaps);

        world.Observe(1);
        world.Source();
        world.Observe(1);
        world.CompleteAll();

        Assert.True(world.Timeline.Published!.Segments[^3].Gap);
        Assert.Equal(world.Edge, world.Timeline.Published.Edge);
    }

    [Fact]
    public void Numbers_that_jumped_begin_a_new_window_with_a_discontinuity()
    {
        TimelineWorld world = Started();
        StreamIndex before = world.Timeline.Published!;
        world.Source(jump: 500);
        world.Source();
        world.Observe(0);
        world.Observe(1);
        world.CompleteAll();
        Assert.Same(before, world.Timeline.Published);

        world.Pass(2);
        world.CompleteAll();

        Assert.Equal(1, world.NewWindows);
        Assert.Equal(2, world.Timeline.Published!.Segments.Length);
        Assert.True(world.Timeline.Published.Segments[0].Discontinuity);
    }

    [Fact]
    public void A_switch_that_was_away_for_longer_than_the_window_begins_a_new_one()
    {
        TimelineWorld world = Started();
        for (int i = 0; i < 30; i++)
            world.Source();
        world.Restart();
        world.Observe(0);
        world.Pass(2);
        world.CompleteAll();

        Assert.Equal(1, world.NewWindows);
        Assert.Equal(0, world.Gaps);
        Assert.Equal(world.Edge, world.Timeline.Published!.Edge);
        Assert.False(world.Timeline.Published.Segments[0].Discontinuity);
    }

    [Fact]
    public void A_killed_switch_goes_on_where_it_was()
    {
        TimelineWorld world = Started();
        StreamIndex before = world.Timeline.Published!;
        world.Restart();
        Assert.Equal(before.Segments, world.Timeline.Published!.Segments);

        world.Source();
        world.Observe(1);
        world.CompleteAll();

        Assert.Equal(before.Edge + 1, world.Timeline.Published.Edge);
        Assert.Equal(0, world.NewWindows);
    }

    [Fact]
    public void An_epoch_that_is_over_is_refused()
    {
        TimelineWorld world = Started();
        world.Source(newEpoch: true);
        world.Observe(0);
        world.CompleteAll();
        long edge = world.Timeline.Published!.Edge;

        world.Source();
        world.Observe(1, [.. world.WindowAt(world.Edge).Select(Old)]);
        world.Pass(5);
        world.CompleteAll();

        Assert.Equal(edge, world.Timeline.Published.Edge);
    }

    [Fact]
    public void A_segment_fetched_ahead_of_an_epoch_that_ends_is_fetched_again_as_it_should_be()
    {
        TimelineWorld world = Started();
        world.Source(newEpoch: true);
        long begun = world.Edge;
        world.Source();
        world.Source();
        world.Observe(0, [.. world.WindowAt(world.Edge, length: 1).Select(Old)]);
        world.CompleteAll();
        world.Observe(1, world.WindowAt(begun));
        world.CompleteAll();
        Assert.Equal(begun, world.Timeline.Published!.Edge);

        world.Observe(0, world.WindowAt(world.Edge, length: 1));
        world.Observe(1, world.WindowAt(world.Edge, length: 1));
        world.CompleteAll();
        world.Pass(5);

        Assert.Equal(begun + 2, world.Timeline.Published.Edge);
        Assert.Equal(world.Truth[^1].Sha256, world.Timeline.Published.Segments[^1].Sha256);
        Assert.Equal(1, world.Gaps);
    }

    [Fact]
    public void A_segment_fetched_ahead_that_nobody_offers_any_more_is_fetched_again_as_it_is_offered()
    {
        TimelineWorld world = Started();
        world.Source();
        world.Source();
        var later = world.WindowAt(world.Edge, length: 1);
        world.Observe(0, [later[0] with { Time = later[0].Time + 45_000, Sha256 = new string('d', 64) }]);
        world.CompleteAll();

        world.Observe(0, later);
        world.Observe(1, later);
        world.CompleteAll();
        world.Pass(5);

        Assert.Equal((world.Edge, 1), (world.Timeline.Published!.Edge, world.Gaps));
        Assert.Equal(later[0].Sha256, world.Timeline.Published.Segments[^1].Sha256);
    }

    [Fact]
    public void A_segment_that_one_origin_calls_a_gap_is_taken_from_the_other()
    {
        TimelineWorld world = Started();
        world.Source();
        var window = world.WindowAt(world.Edge);
        world.Observe(1, window);
        world.Observe(0, window.SetItem(window.Length - 1, window[^1] with { Gap = true, Bytes = 0, Sha256 = "" }));
        world.Observe(1, window);
        world.CompleteAll();

        Assert.Equal((world.Edge, 0), (world.Timeline.Published!.Edge, world.Gaps));
        Assert.False(world.Timeline.Published.Segments[^1].Gap);
    }

    [Fact]
    public void A_hole_before_another_epoch_is_no_gap_of_this_one()
    {
        TimelineWorld world = Started();
        SegmentRecord last = world.Truth[^1];
        world.Source();
        world.Source(newEpoch: true);
        // Its times happen to fit.
        SegmentRecord begun = world.Truth[^1] with { Time = last.Time + 2 * last.Duration };
        world.Observe(0, [begun]);
        world.Observe(1, [begun]);
        world.CompleteAll();
        world.Pass(5);
        world.CompleteAll();

        Assert.Equal((world.Edge, 0, 1), (world.Timeline.Published!.Edge, world.Gaps, world.NewWindows));
        Assert.True(world.Timeline.Published.Segments[^1].Discontinuity);
    }

    [Fact]
    public void A_hole_whose_other_side_comes_late_is_a_gap_and_no_new_window()
    {
        TimelineWorld world = Started();
        world.Source();
        world.Source();
        var later = world.WindowAt(world.Edge, length: 1);
        world.Observe(0, later);
        world.Observe(1, later);
        world.Pass(5);
        world.CompleteAll();

        Assert.Equal((world.Edge, 1, 0), (world.Timeline.Published!.Edge, world.Gaps, world.NewWindows));
    }

    [Fact]
    public void An_epoch_that_cannot_be_had_for_a_while_is_waited_for_and_not_jumped_over()
    {
        TimelineWorld world = Started();
        world.Source(newEpoch: true);
        world.Source();
        world.Observe(0);
        world.Observe(1);
        for (int i = 0; i < 12; i++)
        {
            world.FailNumber(world.Edge - 1);
            world.FailNumber(world.Edge);
            world.Pass(0.25);
        }

        world.CompleteAll();
        world.Pass(1);
        world.CompleteAll();

        Assert.Equal((world.Edge, 0), (world.Timeline.Published!.Edge, world.NewWindows));
    }

    [Fact]
    public void A_segment_fetched_for_a_window_that_never_began_is_fetched_again_for_the_one_that_goes_on()
    {
        TimelineWorld world = Started();
        world.Source();
        world.Source();
        world.Observe(0, world.WindowAt(world.Edge), target: 4);
        world.Observe(1, world.WindowAt(world.Edge), target: 4);
        world.Pass(1.75);
        world.Complete(0, delivered: true);

        world.Observe(0);
        world.Observe(1);
        world.CompleteAll();

        Assert.Equal(world.Edge, world.Timeline.Published!.Edge);
        Assert.Equal(2, world.Timeline.Published.TargetDurationSeconds);
    }

    [Fact]
    public void An_epoch_that_goes_on_with_the_timeline_before_is_no_break()
    {
        TimelineWorld world = Started();
        world.Source();
        // The ingest that died had told one packager of the end of its last segment, the other packager had to wait.
        SegmentRecord before = world.Truth[^1];
        ImmutableArray<SegmentRecord> early = world.WindowAt(world.Edge);
        world.Observe(0, early);
        world.CompleteAll();
        world.Source(takenOver: true);
        SegmentRecord after = world.Truth[^1];

        world.Observe(
            1,
            [.. world.WindowAt(world.Edge).Select(r =>
                r.Msn == before.Msn ? r with { EpochId = after.EpochId, TimelineId = after.TimelineId } : r)]);
        world.CompleteAll();

        Assert.Equal(after, world.Timeline.Published!.Segments[^1]);
        Assert.Equal(before, world.Timeline.Published.Segments[^2]);
        Assert.DoesNotContain(world.Timeline.Notes, n => n.Kind == NoteKind.Mismatch);
    }

    [Fact]
    public void The_newer_epoch_wins_where_two_ingests_use_one_number()
    {
        TimelineWorld world = Started();
        world.Source(newEpoch: true);
        SegmentRecord wanted = world.Truth[^1];
        world.Observe(0, [.. world.WindowAt(world.Edge).Select(r => r.Msn == wanted.Msn ? Old(r) : r)]);
        world.Observe(1);
        world.Complete(0, delivered: false);
        world.Pass(0.5);

        world.CompleteAll();

        Assert.Equal(wanted.Sha256, world.Timeline.Published!.Segments[^1].Sha256);
    }

    [Fact]
    public void Other_bytes_under_a_published_number_are_reported_once_and_change_nothing()
    {
        TimelineWorld world = Started();
        var window = world.WindowAt(world.Edge);
        StreamIndex other = world.Timeline.Published! with
        {
            Segments = window.SetItem(window.Length - 1, window[^1] with { Sha256 = new string('c', 64) }),
        };
        // A view that was compared already is not compared again; a restarted switch has compared nothing.
        world.Restart();

        world.Timeline.Observe(world.Timeline.Views[1], other, world.Now);
        world.Timeline.Observe(world.Timeline.Views[1], other, world.Now);

        TimelineNote note = Assert.Single(world.Timeline.Notes);
        Assert.Equal((NoteKind.Mismatch, "o1", world.Edge), (note.Kind, note.View!.Name, note.Msn));
        Assert.Equal(window[^1].Sha256, world.Timeline.Published!.Segments[^1].Sha256);
    }

    [Fact]
    public void Another_target_duration_is_a_new_window_never_a_change()
    {
        TimelineWorld world = Started();
        world.Source();
        world.Source();
        world.Observe(0, world.WindowAt(world.Edge), target: 4);
        world.Observe(1, world.WindowAt(world.Edge), target: 4);
        world.CompleteAll();

        world.Pass(4);
        world.CompleteAll();

        Assert.Equal(4, world.Timeline.Published!.TargetDurationSeconds);
        Assert.Equal(world.Edge - 1, world.Timeline.Published.First);
        Assert.Equal(1, world.NewWindows);
    }

    [Fact]
    public void An_index_with_a_segment_above_the_target_duration_is_garbage()
    {
        var world = new TimelineWorld();
        var window = world.WindowAt(world.Edge);

        world.Observe(0, [window[0] with { Duration = 225_000 }]);

        Assert.Equal(OriginFault.Garbage, world.Timeline.Views[0].LastFault);
        Assert.Null(world.Timeline.Views[0].Index);
    }

    /// <summary>As an ingest stamped it that does not know that it was replaced.</summary>
    private static SegmentRecord Old(SegmentRecord record) =>
        record with { EpochId = 1, Sha256 = new string('b', 64) };

    private static TimelineWorld Started(int segments = TimelineWorld.Window, bool publish = true)
    {
        var world = new TimelineWorld();
        for (int i = 1; i < segments; i++)
            world.Source();
        world.Observe(0);
        world.Observe(1);
        if (publish)
            world.CompleteAll();
        return world;
    }
}
