namespace Steadycast.Server.Telemetry;

/// <summary>One series of an instrument: a number, or the buckets of a histogram. Safe for many writers.</summary>
internal sealed class Series(double[]? bounds)
{
    private readonly long[]? _buckets = bounds is null ? null : new long[bounds.Length + 1];
    private double _value;

    /// <summary>The number; of a histogram, the sum.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>Counts per bucket, not cumulative; the last one is above every bound.</summary>
    public long[] Buckets()
    {
        var copy = new long[_buckets!.Length];
        for (var i = 0; i < copy.Length; i++)
            copy[i] = Interlocked.Read(ref _buckets[i]);
        return copy;
    }

    public void Set(double value) => Volatile.Write(ref _value, value);

    public void Add(double delta)
    {
        var seen = Volatile.Read(ref _value);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _value, seen + delta, seen);
            if (before.Equals(seen))
                return;
            seen = before;
        }
    }

    public void Observe(double value)
    {
        var bucket = Array.BinarySearch(bounds!, value);
        Interlocked.Increment(ref _buckets![bucket < 0 ? ~bucket : bucket]);
        Add(value);
    }
}
