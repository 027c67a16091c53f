using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Relay;

/// <summary>When an upstream that keeps failing is left alone; keys and meaning are those of ffmpeg-go-relay.</summary>
public sealed record CircuitBreakerOptions
{
    /// <summary>Whether there is a breaker. Default false, as in ffmpeg-go-relay.</summary>
    public bool Enabled { get; init; }

    /// <summary>Failures in a row that open it. 1 to 1,000; default 5.</summary>
    [Range(1, 1_000)]
    public int MaxFailures { get; init; } = 5;

    /// <summary>How many seconds after the last failure the upstream is tried again. 1 to 86,400; default 30.</summary>
    [Range(1, 86_400)]
    public int ResetTimeoutSec { get; init; } = 30;

    /// <summary>
    /// Successes in a row of such trials that close it. 1 to 1,000; default 1: what ffmpeg-go-relay did, though its
    /// README said 2.
    /// </summary>
    [Range(1, 1_000)]
    public int SuccessThreshold { get; init; } = 1;
}
