namespace Steadycast.Streaming.Relay;

/// <summary>One server that streams are sent on to, and what is known of it. Safe from any thread.</summary>
public sealed class Upstream(UpstreamAddress address, int weight, CircuitBreaker breaker)
{
    private int _sessions;
    private UpstreamVerdict _verdict = new(IsHealthy: true, CheckedAt: null, Error: null);

    public UpstreamAddress Address => address;

    /// <summary>Its share of the streams, against that of the others; 1 or more.</summary>
    public int Weight => weight;

    public CircuitBreaker Breaker => breaker;

    /// <summary>Streams that it has now.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    /// <summary>What the last health check said; healthy before the first one.</summary>
    public UpstreamVerdict Verdict
    {
        get => Volatile.Read(ref _verdict);
        set => Volatile.Write(ref _verdict, value);
    }

    internal void SessionBegan() => Interlocked.Increment(ref _sessions);

    internal void SessionEnded() => Interlocked.Decrement(ref _sessions);

    public override string ToString() => address.ToString();
}

/// <summary>What a health check said.</summary>
/// <param name="Error">Why not healthy; null when it is.</param>
public sealed record UpstreamVerdict(bool IsHealthy, DateTimeOffset? CheckedAt, string? Error);
