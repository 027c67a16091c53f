using Steadycast.Streaming.Failover;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Freshness and the choice of the active origin, second by second.</summary>
public sealed class ActiveOriginTests
{
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(30);

    private readonly SyntheticStream stream = new("live", targetSeconds: 2, segmentBytes: 8);
    private readonly IndexView primary = new("primary", 0);
    private readonly IndexView backup = new("backup", 1);
    private readonly ActiveOrigin active = new(Hold);
    private TimeSpan now;

    [Fact]
    public void A_backup_that_answers_first_waits_a_moment_for_the_primary()
    {
        Move(backup, 10);
        Assert.Null(Judge());

        Move(primary, 10);
        Assert.Equal("start", Judge()!.Reason);
        Assert.Same(primary, active.Current);
    }

    [Fact]
    public void A_primary_that_never_answers_is_not_waited_for()
    {
        Move(backup, 10);
        Judge();

        Pass(1);

        Assert.Same(backup, Judge()!.To);
    }

    [Theory]
    [InlineData(0.9, "Fresh")]
    [InlineData(1.1, "Lagging")]
    [InlineData(3.1, "Stale")]
    public void An_origin_is_late_only_when_another_is_ahead(double seconds, string freshness)
    {
        Start();
        Move(backup, 11);
        Judge();
        Pass(seconds);
        Judge();

        Assert.Equal(freshness, primary.Freshness.ToString());
        Assert.Equal(Freshness.Fresh, backup.Freshness);
    }

    [Fact]
    public void When_all_stop_nobody_is_late()
    {
        Start();

        Pass(3600);

        Assert.Null(Judge());
        Assert.Equal((Freshness.Fresh, Freshness.Fresh), (primary.Freshness, backup.Freshness));
    }

    [Fact]
    public void One_failure_is_forgiven_and_two_in_a_row_are_down()
    {
        Start();
        primary.Fail(OriginFault.Refused, "refused", now);
        Assert.Null(Judge());
        primary.Alive();
        primary.Fail(OriginFault.Refused, "refused", now);
        Assert.Null(Judge());

        primary.Fail(OriginFault.Refused, "refused", now);

        Assert.Equal("down", Judge()!.Reason);
    }

    [Fact]
    public void A_lagging_primary_is_left_for_a_fresh_backup()
    {
        Start();
        Move(backup, 11);
        Judge();

        Pass(1.1);

        Assert.Equal("lagging", Judge()!.Reason);
    }

    [Fact]
    public void An_origin_whose_segments_fail_twice_is_left_though_its_index_moves()
    {
        Start();
        primary.MediaFailed(OriginFault.Corrupt, "corrupt", now);
        Assert.Null(Judge());
        primary.MediaFailed(OriginFault.Corrupt, "corrupt", now);

        Assert.Equal("media", Judge()!.Reason);
        Assert.Equal(Freshness.Quarantined, primary.Freshness);
        Pass(10);
        Judge();
        Assert.Equal(Freshness.Fresh, primary.Freshness);
    }

    [Fact]
    public void A_backup_that_is_no_better_is_not_gone_to()
    {
        Start();
        Down(backup);
        Judge();

        Down(primary);

        Assert.Null(Judge());
        Assert.Same(primary, active.Current);
    }

    [Fact]
    public void The_way_back_takes_the_hold_and_doubles_with_each_flap()
    {
        Start();
        foreach (double seconds in new[] { 30, 60, 120 })
        {
            Down(primary);
            Assert.Equal("down", Judge()!.Reason);
            primary.Alive();
            Assert.Null(Judge());
            Pass(seconds - 1);
            Assert.Null(Judge());
            Pass(1);
            Assert.Equal("return", Judge()!.Reason);
            Assert.Same(primary, active.Current);
        }

        Pass(601);
        Judge();
        Assert.Equal(Hold, active.Hold);
    }

    [Fact]
    public void A_stumble_on_the_way_back_starts_the_hold_again()
    {
        Start();
        Down(primary);
        Judge();
        primary.Alive();
        Judge();
        Pass(20);
        Down(primary);
        Judge();
        primary.Alive();
        Judge();

        Pass(29);
        Assert.Null(Judge());
        Pass(1);
        Assert.Equal("return", Judge()!.Reason);
    }

    [Fact]
    public void A_pinned_origin_is_active_at_once_and_stays_preferred()
    {
        Start();
        active.Pin(backup);

        Assert.Equal("pin", Judge()!.Reason);
        Pass(3600);
        Assert.Null(Judge());
        Assert.Same(backup, active.Current);
    }

    [Fact]
    public void A_pinned_origin_that_is_ill_is_left_and_returned_to_after_the_hold()
    {
        Start();
        active.Pin(backup);
        Judge();

        Down(backup);
        Assert.Equal("down", Judge()!.Reason);
        Assert.Same(primary, active.Current);
        backup.Alive();
        Judge();
        Pass(29);
        Assert.Null(Judge());
        Pass(1);
        Assert.Equal("return", Judge()!.Reason);
        Assert.Same(backup, active.Current);
    }

    [Fact]
    public void Pinning_an_origin_that_is_ill_waits_until_it_is_well_and_no_longer()
    {
        Start();
        Down(backup);
        Judge();
        active.Pin(backup);
        Assert.Null(Judge());

        backup.Alive();

        Assert.Equal("pin", Judge()!.Reason);
    }

    [Fact]
    public void Released_the_usual_order_counts_again()
    {
        Start();
        active.Pin(backup);
        Judge();
        Pass(60);
        Judge();

        active.Release();

        Assert.Equal("return", Judge()!.Reason);
        Assert.Same(primary, active.Current);
    }

    private void Start()
    {
        Move(primary, 10);
        Move(backup, 10);
        Judge();
        Assert.Same(primary, active.Current);
    }

    private void Move(IndexView view, int edge) =>
        view.Observe(stream.Index(SyntheticStream.Base, SyntheticStream.Base + edge), now);

    private void Down(IndexView view)
    {
        view.Fail(OriginFault.Refused, "refused", now);
        view.Fail(OriginFault.Refused, "refused", now);
    }

    private void Pass(double seconds) => now += TimeSpan.FromSeconds(seconds);

    private OriginChange? Judge()
    {
        IndexView[] views = [primary, backup];
        FreshnessPolicy.Judge(views, staleAfter: null, now);
        return active.Judge(views, now);
    }
}
