using Steadycast.Server.Drills;

namespace Steadycast.Server.Tests.Drills;

public sealed class DrillFiguresTests
{
    private const string Active = "primary";

    [Fact]
    public void A_killed_active_origin_is_detected_left_and_taken_back()
    {
        var figures = Of(["primary"], fault: 5,
            Sample(0, 10), Sample(4, 11), Sample(5.1, 11, primary: "down", active: "primary"),
            Sample(5.2, 11, primary: "down", active: "backup"), Sample(6, 12, primary: "down", active: "backup"),
            Sample(7.5, 12, active: "backup"), Sample(8, 13, active: "backup"));

        Assert.Equal(new DrillFigures(true, 0.1, 0.2, 1, 2, 2.5), figures);
    }

    [Fact]
    public void The_other_origin_is_not_switched_away_from()
    {
        var figures = Of(["backup"], fault: 5,
            Sample(0, 10), Sample(4, 11), Sample(5.5, 11, backup: "lagging"), Sample(6, 12));

        Assert.False(figures.WasActive);
        Assert.Null(figures.SwitchSeconds);
        Assert.Equal(0.5, figures.DetectSeconds);
    }

    [Fact]
    public void A_return_after_an_earlier_drill_is_no_switch_of_this_one()
    {
        var figures = Of(["backup"], fault: 5,
            Sample(0, 10, active: "backup"), Sample(4, 11, active: "backup"), Sample(5.2, 11, active: "primary"),
            Sample(6, 12, active: "backup"), Sample(7, 12, backup: "down", active: "backup"),
            Sample(7.5, 12, backup: "down", active: "primary"));

        Assert.Equal((2.0, 2.5), (figures.DetectSeconds, figures.SwitchSeconds));
    }

    [Fact]
    public void What_nobody_notices_was_not_detected_and_needs_no_recovery()
    {
        var figures = Of(["backup"], fault: 5, Sample(0, 10), Sample(4, 11), Sample(6, 12), Sample(8, 13));

        Assert.Null(figures.DetectSeconds);
        Assert.Equal(0, figures.RecoverSeconds);
    }

    [Fact]
    public void A_lab_that_is_still_ill_at_the_end_has_not_recovered()
    {
        var figures = Of(["backup"], fault: 5, Sample(0, 10), Sample(4, 11), Sample(6, 12, backup: "down"));

        Assert.Null(figures.RecoverSeconds);
    }

    [Fact]
    public void A_source_is_missed_by_the_state_of_the_stream_and_the_time_that_runs_counts()
    {
        var figures = Of([], fault: 5, Sample(0, 10), Sample(4, 11), Sample(7, 11, state: "stalled"));

        Assert.Equal(2, figures.DetectSeconds);
        Assert.Equal(6, figures.LongestGapSeconds);
        Assert.Null(figures.NextSegmentSeconds);
    }

    [Fact]
    public void A_switch_is_missed_by_its_silence()
    {
        var figures = Of([], fault: 5,
            Sample(0, 10), Sample(4, 11), new SwitchSample(At(5.02), false, null, null, null, []), Sample(6, 12));

        Assert.Equal(0.02, figures.DetectSeconds);
        Assert.Equal(4, figures.LongestGapSeconds);
        Assert.Equal(1, figures.RecoverSeconds);
    }

    private static DrillFigures Of(IReadOnlyList<string> origins, double fault, params SwitchSample[] samples) =>
        DrillFigures.Of(samples, origins, At(fault), At(fault), At(10));

    private static SwitchSample Sample(
        double at, long edge, string primary = "fresh", string backup = "fresh", string active = Active,
        string state = "live") =>
        new(At(at), true, state, active, edge,
            [new OriginSample("primary", primary, null), new OriginSample("backup", backup, null)]);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
