namespace Steadycast.Streaming.Failover;

/// <summary>The last answers' times of one origin. Thread-safe.</summary>
internal sealed class LatencyWindow
{
    private readonly Lock _gate = new();
    private readonly TimeSpan[] _last = new TimeSpan[32];
    private int _count;

    public void Add(TimeSpan time)
    {
        lock (_gate)
            _last[_count++ % _last.Length] = time;
    }

    /// <summary>The time that 95 % of them kept to; null before there are any.</summary>
    public TimeSpan? Percentile95()
    {
        Span<TimeSpan> sorted = stackalloc TimeSpan[_last.Length];
        lock (_gate)
        {
            if (_count == 0)
                return null;
            sorted = sorted[..Math.Min(_count, _last.Length)];
            _last.AsSpan(0, sorted.Length).CopyTo(sorted);
        }

        sorted.Sort();
        return sorted[(sorted.Length - 1) * 95 / 100];
    }
}
