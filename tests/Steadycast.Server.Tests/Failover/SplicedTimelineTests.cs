using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Failover;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Packagers of other makes, told apart second by second.</summary>
public sealed class SplicedTimelineTests
{
    private static FakePackager Undated(string name, double phase) => new(name, phase, 2) { ClockOff = null };

    [Fact]
    public void A_cold_start_takes_up_the_whole_window_at_one_stroke_under_numbers_of_its_own()
    {
        SplicedWorld world = SplicedWorld.OnAir();

        MediaPlaylist playlist = world.Playlist;
        Assert.True(playlist.Segments.Length >= 6);
        Assert.Equal(2, playlist.TargetDurationSeconds);
        Assert.True(playlist.MediaSequence > 1_000_000, "numbers begin at the clock");
        Assert.All(playlist.Segments, s => Assert.StartsWith("a-", s.Uri, StringComparison.Ordinal));
        Assert.Equal(0, world.Discontinuities);
        Assert.Empty(world.Steps());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_active_origin_that_is_stopped_costs_one_discontinuity_and_nothing_else(bool dated)
    {
        SplicedWorld world = dated ? SplicedWorld.OnAir() : SplicedWorld.OnAir(Undated("a", 0), Undated("b", 0.7));
        world.A.Reachable = false;

        world.Pass(1.5);
        Assert.Equal("b", world.Active);
        world.Pass(10);

        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
        Assert.InRange(world.Behind, 0, 2.5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_packager_that_is_stopped_is_seen_within_two_target_durations(bool dated)
    {
        SplicedWorld world = dated ? SplicedWorld.OnAir() : SplicedWorld.OnAir(Undated("a", 0), Undated("b", 0.7));
        world.A.Running = false;

        world.Pass(6);
        Assert.Equal("b", world.Active);
        world.Pass(10);

        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
    }

    [Fact]
    public void Segments_that_cannot_be_had_are_taken_from_the_other_origin()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.A.LosesMedia = true;

        world.Pass(6);

        Assert.Equal("b", world.Active);
        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
    }

    [Fact]
    public void When_the_source_stops_nobody_is_left()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        (world.A.Running, world.B.Running) = (false, false);

        world.Pass(60);

        Assert.Equal("a", world.Active);
        Assert.Equal(0, world.Discontinuities);
    }

    [Fact]
    public void An_origin_that_is_ill_itself_is_not_switched_to()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.B.Running = false;
        world.Pass(8);
        world.A.Reachable = false;

        world.Pass(20);

        Assert.Equal("a", world.Active);
        world.A.Reachable = true;
        world.Pass(4);
        // Its window has moved on meanwhile: what is missing is said, once.
        Assert.Equal(1, world.Discontinuities);
        Assert.Single(world.Steps());
    }

    [Fact]
    public void An_outage_shorter_than_the_window_leaves_nothing_out_when_there_is_nowhere_to_go()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.B.Reachable = false;
        world.Pass(1);
        world.A.Reachable = false;
        world.Pass(6);
        world.A.Reachable = true;

        world.Pass(6);

        Assert.Equal(0, world.Discontinuities);
        Assert.Empty(world.Steps());
    }

    [Fact]
    public void A_switch_to_an_origin_that_cannot_deliver_costs_no_seam()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.B.LosesMedia = true;
        world.A.Reachable = false;
        world.Pass(2);
        world.A.Reachable = true;

        world.Pass(20);

        Assert.Equal(0, world.Discontinuities);
        Assert.Equal("a", world.Active);
        Assert.Empty(world.Steps());
    }

    [Fact]
    public void The_preferred_origin_is_returned_to_when_it_has_been_well_for_long_enough()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.A.Reachable = false;
        world.Pass(4);
        world.A.Reachable = true;

        world.Pass(29);
        Assert.Equal("b", world.Active);
        world.Pass(10);

        Assert.Equal("a", world.Active);
        Assert.Equal(2, world.Discontinuities);
        Assert.All(world.Steps(), step => Assert.InRange(step, -1.999, 0));
    }

    [Fact]
    public void A_pinned_origin_takes_over_with_one_discontinuity()
    {
        SplicedWorld world = SplicedWorld.OnAir();

        world.Timeline.Active.Pin(world.Timeline.Views[1]);
        world.Pass(60);

        Assert.Equal("b", world.Active);
        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
    }

    [Fact]
    public void Clocks_that_do_not_agree_are_not_believed()
    {
        SplicedWorld world = SplicedWorld.OnAir(new("a", 0, 2), new("b", 0.7, 2) { ClockOff = 300 });
        world.A.Reachable = false;

        world.Pass(10);

        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -2, 0);
    }

    [Fact]
    public void An_origin_that_is_later_by_nature_is_waited_for_rather_than_shown_twice()
    {
        SplicedWorld world = SplicedWorld.OnAir(new("a", 0, 2), new("b", 0.7, 2) { Latency = 4 });
        world.A.Reachable = false;

        world.Pass(12);

        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
    }

    [Fact]
    public void A_discontinuity_of_the_origin_is_carried()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.A.Restart(append: true);

        world.Pass(6);

        Assert.Equal(1, world.Discontinuities);
        Assert.Equal("a", world.Active);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_packager_that_counts_from_0_again_under_the_same_names_is_a_discontinuity(bool dated)
    {
        SplicedWorld world = SplicedWorld.OnAir(dated ? new("a", 0, 2) : Undated("a", 0));
        world.A.Restart(append: false);

        world.Pass(3);
        world.A.Restart(append: false);
        world.Pass(12);

        Assert.InRange(world.Discontinuities, 1, 2);
        Assert.All(world.Steps(), step => Assert.True(step >= -0.001, $"{step}"));
        Assert.InRange(world.Behind, 0, 3);
    }

    [Fact]
    public void The_next_number_of_another_hour_does_not_go_on_where_the_one_before_ended()
    {
        SplicedWorld world = SplicedWorld.OnAir(new FakePackager("a", 0, 2));
        world.A.Reachable = false;
        world.Pass(8);
        world.A.Restart(append: false, from: world.Timeline.Views[0].Edge + 1);
        world.Pass(4);
        world.A.Reachable = true;

        world.Pass(6);

        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), 2.001, 20);
    }

    [Fact]
    public void The_next_number_after_one_lost_segment_does_not_go_on_either()
    {
        SplicedWorld world = SplicedWorld.OnAir(new FakePackager("a", 0, 2));
        (world.A.Reachable, world.A.Running) = (false, false);
        world.Pass(2);
        world.A.Restart(append: false, from: world.Timeline.Views[0].Edge + 1);
        world.Pass(2);
        world.A.Reachable = true;

        world.Pass(4);

        Assert.Equal(1, world.Discontinuities);
        Assert.Equal(2, Assert.Single(world.Steps()));
    }

    [Fact]
    public void Numbers_that_were_published_may_stand_for_others_when_the_packager_has_begun_anew()
    {
        // The other one's longer segments keep the published ones of the first in the window.
        SplicedWorld world = SplicedWorld.OnAir(Undated("a", 0), new("b", 0.7, 4) { ClockOff = null });
        PlaylistView view = world.Timeline.Views[0];
        long used = view.LastUsed!.Value.Msn;
        world.A.Restart(append: false, from: used - 5);
        world.PassUntil(() => view.Run == 1 && view.Edge == used);
        Assert.Equal("b", world.Active);
        world.B.Reachable = false;

        world.Pass(6);

        Assert.Equal("a", world.Active);
        Assert.All(world.Steps(), step => Assert.InRange(step, -1.999, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_older_copy_from_a_cache_is_no_news(bool dated)
    {
        SplicedWorld world = SplicedWorld.OnAir(dated ? new("a", 0, 2) : Undated("a", 0));
        world.A.AnswersFromCache = true;
        world.Pass(3);
        world.A.AnswersFromCache = false;
        world.Pass(3);
        world.A.AnswersFromCache = true;
        world.Pass(1);
        world.A.AnswersFromCache = false;

        world.Pass(6);

        Assert.Equal(0, world.Discontinuities);
        Assert.Empty(world.Steps());
    }

    [Fact]
    public void What_a_dead_packager_left_behind_is_not_begun_with()
    {
        var world = new SplicedWorld();
        world.A.Produce(19);
        world.A.Running = false;

        world.Pass(8);

        Assert.Equal("b", world.Active);
        Assert.Equal(0, world.Discontinuities);
    }

    [Fact]
    public void The_target_duration_is_that_of_the_origin_with_the_longest_segments()
    {
        SplicedWorld world = SplicedWorld.OnAir(new("a", 0, 2), new("b", 0.5, 4));
        Assert.Equal(4, world.Playlist.TargetDurationSeconds);
        world.A.Reachable = false;

        world.Pass(12);

        Assert.Equal(1, world.Discontinuities);
        Assert.Equal(0, world.NewWindows);
    }

    [Fact]
    public void A_segment_longer_than_the_target_duration_is_left_to_the_other_origin()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.A.Duration = 4;

        world.Pass(12);

        Assert.Equal("b", world.Active);
        Assert.Equal(0, world.NewWindows);
    }

    [Fact]
    public void Longer_segments_and_nothing_else_begin_a_new_window()
    {
        SplicedWorld world = SplicedWorld.OnAir(new FakePackager("a", 0, 2));
        world.A.Duration = 4;

        world.Pass(16);

        Assert.Equal(1, world.NewWindows);
        Assert.Equal(4, world.Playlist.TargetDurationSeconds);
    }

    [Fact]
    public void A_container_that_cannot_be_listed_with_the_other_begins_a_new_window()
    {
        SplicedWorld world = SplicedWorld.OnAir(
            new("a", 0, 2) { IsTransportStream = false }, new("b", 0.7, 2));
        Assert.NotNull(world.Playlist.Segments[0].Map);
        world.A.Reachable = false;

        world.Pass(8);

        Assert.Equal(1, world.NewWindows);
        Assert.Null(world.Playlist.Segments[0].Map);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void A_restart_goes_on_where_it_was(bool dated, int discontinuities)
    {
        SplicedWorld world = dated ? SplicedWorld.OnAir() : SplicedWorld.OnAir(Undated("a", 0), Undated("b", 0.7));
        world.Restart();

        world.Pass(10);

        // Without dates nobody can say that the packager was not started anew, too.
        Assert.Equal(discontinuities, world.Discontinuities);
        Assert.Empty(world.Steps());
    }

    /// <summary>Going back to the preferred one can wait for its hold; a seam at once would be for nothing.</summary>
    [Fact]
    public void A_restart_stays_with_the_origin_that_was_active()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.Timeline.Active.Pin(world.Timeline.Views[1]);
        world.Pass(8);
        Assert.Equal(1, world.Discontinuities);
        world.Restart();

        world.PassUntil(() => world.Timeline.Active.Current is not null);
        Assert.Equal("b", world.Timeline.Active.Current!.Name);
        world.Pass(4);

        Assert.Equal(1, world.Discontinuities);
    }

    [Fact]
    public void A_restart_while_the_origin_is_away_goes_on_with_the_other_one()
    {
        SplicedWorld world = SplicedWorld.OnAir();
        world.A.Reachable = false;
        world.Restart();

        world.Pass(10);

        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
    }
}
