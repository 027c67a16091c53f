namespace Steadycast.Streaming.Relay;

/// <summary>The upstreams of a route, in the order in which they are to be tried. Safe from any thread.</summary>
public sealed class UpstreamPool
{
    private readonly Lock _lock = new();
    private readonly Member[] _members;
    private readonly UpstreamStrategy _strategy;
    private readonly Random _dice;

    public UpstreamPool(IEnumerable<Upstream> upstreams, UpstreamStrategy strategy, Random dice)
    {
        _members = [.. upstreams.Select(u => new Member(u))];
        (_strategy, _dice) = (strategy, dice);
    }

    public IEnumerable<Upstream> Upstreams => _members.Select(m => m.Upstream);

    /// <summary>
    /// Who may be tried now, best first: those that are well, or all that no breaker closes when none is. Empty: every
    /// breaker is open.
    /// </summary>
    public IReadOnlyList<Upstream> Candidates()
    {
        Upstream[] passable = [.. InOrder().Where(u => u.Breaker.IsPassable)];
        Upstream[] healthy = [.. passable.Where(u => u.Verdict.IsHealthy)];
        return healthy.Length > 0 ? healthy : passable;
    }

    private IEnumerable<Upstream> InOrder()
    {
        lock (_lock)
        {
            IEnumerable<Member> ordered = _strategy switch
            {
                UpstreamStrategy.RoundRobin => TakeTurn_NeedsLock(),
                // The k-th root of a number by lot sorts in proportion to k (Efraimidis and Spirakis, 2006).
                UpstreamStrategy.Random =>
                    _members.OrderByDescending(m => Math.Pow(_dice.NextDouble(), 1.0 / m.Upstream.Weight)),
                _ => _members.OrderBy(m => (double)m.Upstream.Sessions / m.Upstream.Weight),
            };
            return [.. ordered.Select(m => m.Upstream)];
        }
    }

    /// <summary>
    /// Smooth weighted round robin, as nginx: each gains its weight, the richest is taken and pays the sum.
    /// </summary>
    private Member[] TakeTurn_NeedsLock()
    {
        foreach (Member member in _members)
            member.Credit += member.Upstream.Weight;
        Member[] ordered = [.. _members.OrderByDescending(m => m.Credit)];
        ordered[0].Credit -= _members.Sum(m => m.Upstream.Weight);
        return ordered;
    }

    private sealed class Member(Upstream upstream)
    {
        public Upstream Upstream => upstream;

        public int Credit { get; set; }
    }
}
