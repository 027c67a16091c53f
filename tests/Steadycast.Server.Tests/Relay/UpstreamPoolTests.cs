using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Tests.Relay;

public sealed class UpstreamPoolTests
{
    [Fact]
    public void Round_robin_takes_turns_in_proportion_to_weights()
    {
        UpstreamPool pool = Pool(UpstreamStrategy.RoundRobin, 1, 3, 1);

        string turns = string.Concat(Enumerable.Range(0, 10).Select(_ => pool.Candidates()[0].Address.Host));

        Assert.Equal((2, 6, 2), (turns.Count(c => c == 'a'), turns.Count(c => c == 'b'), turns.Count(c => c == 'c')));
        Assert.DoesNotContain("bbbb", turns, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_draws_in_proportion_to_weights()
    {
        UpstreamPool pool = Pool(UpstreamStrategy.Random, 1, 3);

        int first = Enumerable.Range(0, 4_000).Count(_ => pool.Candidates()[0].Address.Host == "a");

        Assert.InRange(first, 900, 1_100);
    }

    [Fact]
    public void Least_sessions_counts_them_by_weight()
    {
        UpstreamPool pool = Pool(UpstreamStrategy.LeastSessions, 1, 3, 1);
        var order = new List<string>();
        for (int i = 0; i < 10; i++)
        {
            Upstream first = pool.Candidates()[0];
            first.SessionBegan();
            order.Add(first.Address.Host);
        }

        Assert.Equal((2, 6, 2), (order.Count(h => h == "a"), order.Count(h => h == "b"), order.Count(h => h == "c")));
        pool.Upstreams.First().SessionEnded();
        Assert.Equal("a", pool.Candidates()[0].Address.Host);
    }

    [Fact]
    public void Who_is_unhealthy_or_behind_an_open_breaker_is_left_out()
    {
        UpstreamPool pool = Pool(UpstreamStrategy.LeastSessions, 1, 1, 1);
        Upstream[] all = [.. pool.Upstreams];
        all[0].Verdict = new UpstreamVerdict(false, null, "connection refused");
        all[1].Breaker.Fail();

        Assert.Equal([all[2]], pool.Candidates());
    }

    [Fact]
    public void When_none_is_healthy_all_are_tried_that_no_breaker_closes()
    {
        UpstreamPool pool = Pool(UpstreamStrategy.LeastSessions, 1, 1);
        Upstream[] all = [.. pool.Upstreams];
        foreach (Upstream upstream in all)
            upstream.Verdict = new UpstreamVerdict(false, null, "connection refused");
        Assert.Equal(all, pool.Candidates());

        all[0].Breaker.Fail();
        Assert.Equal([all[1]], pool.Candidates());
        all[1].Breaker.Fail();
        Assert.Empty(pool.Candidates());
    }

    private static UpstreamPool Pool(UpstreamStrategy strategy, params int[] weights)
    {
        var breaker = new CircuitBreakerOptions { Enabled = true, MaxFailures = 1 };
        return new UpstreamPool(
            weights.Select((weight, i) => new Upstream(
                new UpstreamAddress(false, ((char)('a' + i)).ToString(), 1935, "", ""),
                weight,
                new CircuitBreaker(breaker, TimeProvider.System))),
            strategy,
            new Random(7));
    }
}
