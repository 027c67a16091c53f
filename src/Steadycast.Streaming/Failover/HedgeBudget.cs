namespace Steadycast.Streaming.Failover;

/// <summary>
/// Lets one fetch in ten be asked for twice, so that a slow origin does not double the other one's load.
/// </summary>
internal sealed class HedgeBudget
{
    private const double PerFetch = 0.1;
    private const double Most = 10;

    private readonly Lock _gate = new();
    private double _tokens = Most;

    public void Earn()
    {
        lock (_gate)
            _tokens = Math.Min(Most, _tokens + PerFetch);
    }

    public bool TrySpend()
    {
        lock (_gate)
        {
            if (_tokens < 1)
                return false;
            _tokens--;
            return true;
        }
    }
}
