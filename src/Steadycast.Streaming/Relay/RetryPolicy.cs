namespace Steadycast.Streaming.Relay;

/// <summary>When to try again. Pure but for its dice.</summary>
public sealed class RetryPolicy(RetryOptions options, Random dice)
{
    public RetryPolicy(RetryOptions options)
        : this(options, Random.Shared)
    {
    }

    /// <summary>Attempts in all.</summary>
    public int MaxAttempts => options.Enabled ? options.MaxAttempts : 1;

    /// <summary>How long to wait after so many failed attempts; null: that was the last one.</summary>
    /// <param name="failed">1 or more.</param>
    public TimeSpan? DelayAfter(int failed) => failed < MaxAttempts ? BackOff(failed) : null;

    /// <summary>How long to wait after so many failed attempts of something that is tried for ever.</summary>
    /// <param name="failed">1 or more.</param>
    public TimeSpan BackOff(int failed)
    {
        double delay = options.InitialDelaySec * Math.Pow(options.Multiplier, failed - 1);
        double jitter = 1 + (((2 * dice.NextDouble()) - 1) * options.JitterFraction);
        return TimeSpan.FromSeconds(Math.Min(delay, options.MaxDelaySec) * jitter);
    }
}
