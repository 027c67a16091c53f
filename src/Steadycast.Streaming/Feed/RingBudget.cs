namespace Steadycast.Streaming.Feed;

/// <summary>The memory that all replay rings of a process share; the largest one gives first.</summary>
internal sealed class RingBudget(long maxBytes)
{
    /// <summary>256 MiB: 70 s of five streams at 6 Mbit/s, or of thirty at 1 Mbit/s.</summary>
    public const long DefaultBytes = 256L * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<ReplayRing> _rings = [];

    public void Join(ReplayRing ring)
    {
        lock (_gate)
            _rings.Add(ring);
    }

    public void Leave(ReplayRing ring)
    {
        lock (_gate)
            _rings.Remove(ring);
    }

    /// <summary>Evicts whole segments until the sum fits, or every ring is down to its newest one.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            var excess = _rings.Sum(ring => ring.Bytes) - maxBytes;
            while (excess > 0)
            {
                var largest = _rings.Where(ring => ring.CanEvict).MaxBy(ring => ring.Bytes);
                if (largest is null)
                    return;
                excess -= largest.EvictOldest();
            }
        }
    }
}
