using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Tests.Relay;

public sealed class RetryPolicyTests
{
    private static readonly RetryOptions Options = new()
    {
        Enabled = true,
        MaxAttempts = 6,
        InitialDelaySec = 1,
        MaxDelaySec = 10,
        Multiplier = 2,
        JitterFraction = 0,
    };

    [Fact]
    public void The_delay_grows_to_its_bound_and_the_last_attempt_is_the_last()
    {
        var policy = new RetryPolicy(Options);

        Assert.Equal(
            [1.0, 2.0, 4.0, 8.0, 10.0, null], Enumerable.Range(1, 6).Select(n => policy.DelayAfter(n)?.TotalSeconds));
        Assert.Equal(10, policy.BackOff(1000).TotalSeconds);
    }

    [Fact]
    public void Jitter_stays_within_its_part_of_the_delay()
    {
        var policy = new RetryPolicy(Options with { JitterFraction = 0.1 }, new Random(1));

        double[] delays = [.. Enumerable.Range(0, 1000).Select(_ => policy.BackOff(2).TotalSeconds)];

        Assert.All(delays, delay => Assert.InRange(delay, 1.8, 2.2));
        Assert.True(delays.Max() - delays.Min() > 0.35, "the dice are not thrown");
    }

    [Fact]
    public void Switched_off_there_is_one_attempt()
    {
        var policy = new RetryPolicy(Options with { Enabled = false });

        Assert.Equal(1, policy.MaxAttempts);
        Assert.Null(policy.DelayAfter(1));
    }
}
