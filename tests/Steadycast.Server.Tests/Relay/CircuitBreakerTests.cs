using Steadycast.Streaming.Relay;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Relay;

public sealed class CircuitBreakerTests
{
    private static readonly CircuitBreakerOptions Options = new()
    {
        Enabled = true,
        MaxFailures = 3,
        ResetTimeoutSec = 30,
        SuccessThreshold = 2,
    };

    private readonly ManualTime _time = new();

    /// <summary>
    /// B begins an attempt (b: is refused one), S, F and A end one, digits are tens of seconds.
    /// </summary>
    [Theory]
    [InlineData("", CircuitState.Closed)]
    [InlineData("BF BF", CircuitState.Closed)]
    [InlineData("BF BF BS BF BF", CircuitState.Closed)]
    [InlineData("BF BF BA BF b", CircuitState.Open)]
    [InlineData("BF BF BF b 2 b", CircuitState.Open)]
    [InlineData("BF BF BF 3", CircuitState.HalfOpen)]
    [InlineData("BF BF BF 3 BS", CircuitState.HalfOpen)]
    [InlineData("BF BF BF 3 BS BS BF", CircuitState.Closed)]
    [InlineData("BF BF BF 3 BF b", CircuitState.Open)]
    [InlineData("BF BF BF 3 BS BF b 3 BS BS", CircuitState.Closed)]
    [InlineData("BF BF BF 3 BB b SS B", CircuitState.Closed)]
    [InlineData("BF BF BF 3 BA BA BA BS Bb", CircuitState.HalfOpen)]
    [InlineData("BBBB F F F S b", CircuitState.Open)]
    public void It_opens_waits_tries_and_closes(string story, CircuitState expected)
    {
        var breaker = new CircuitBreaker(Options, _time);
        foreach (char step in story)
            Take(breaker, step);

        Assert.Equal(expected, breaker.Snapshot.State);
    }

    [Fact]
    public void It_waits_since_the_last_failure()
    {
        var breaker = new CircuitBreaker(Options, _time);
        foreach (char step in "BBBBB FFF 2 F 2 b 1 B")
            Take(breaker, step);

        CircuitSnapshot snapshot = breaker.Snapshot;
        Assert.Equal((CircuitState.HalfOpen, 4, 0), (snapshot.State, snapshot.Failures, snapshot.Successes));
        Assert.Equal(_time.GetUtcNow() - TimeSpan.FromSeconds(30), snapshot.LastFailure);
    }

    [Fact]
    public void Switched_off_it_never_opens()
    {
        var breaker = new CircuitBreaker(Options with { Enabled = false }, _time);
        foreach (char step in "BF BF BF BF BF BF B")
            Take(breaker, step);

        Assert.Equal(CircuitState.Closed, breaker.Snapshot.State);
        Assert.Equal(6, breaker.Snapshot.Failures);
    }

    private void Take(CircuitBreaker breaker, char step)
    {
        switch (step)
        {
            case 'B':
                Assert.True(breaker.IsPassable);
                Assert.True(breaker.TryBegin());
                break;
            case 'b':
                Assert.False(breaker.IsPassable);
                Assert.False(breaker.TryBegin());
                break;
            case 'S':
                breaker.Succeed();
                break;
            case 'F':
                breaker.Fail();
                break;
            case 'A':
                breaker.Abandon();
                break;
            case >= '0' and <= '9':
                _time.Advance(TimeSpan.FromSeconds(10 * (step - '0')));
                break;
        }
    }
}
