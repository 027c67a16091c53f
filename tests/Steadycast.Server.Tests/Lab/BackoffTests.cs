using Steadycast.Server.Lab;

namespace Steadycast.Server.Tests.Lab;

public sealed class BackoffTests
{
    [Fact]
    public void A_box_that_keeps_dying_is_started_later_and_later_up_to_a_bound() =>
        Assert.Equal([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], Waits([1, 1, 1, 1, 1, 1, 1]));

    [Fact]
    public void A_healthy_life_makes_it_quick_again() =>
        Assert.Equal([0.2, 0.4, 0.2, 0.4], Waits([1, 1, 11, 1]));

    private static double[] Waits(double[] livesInSeconds)
    {
        var backoff = Backoff.OfTheLab();
        return livesInSeconds.Select(l => backoff.After(TimeSpan.FromSeconds(l)).TotalSeconds).ToArray();
    }
}
