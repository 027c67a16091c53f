using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Relay;

/// <summary>
/// How often an upstream is tried before the next one is, and how long between; keys and meaning are those of
/// ffmpeg-go-relay.
/// </summary>
public sealed record RetryOptions
{
    /// <summary>Whether there is more than one attempt. Default false, as in ffmpeg-go-relay.</summary>
    public bool Enabled { get; init; }

    /// <summary>Attempts in all, the first one included. 1 to 100; default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Seconds before the second attempt. 0 to 3,600; default 1.</summary>
    [Range(0, 3_600)]
    public double InitialDelaySec { get; init; } = 1;

    /// <summary>Seconds between attempts at most. 0 to 3,600; default 30.</summary>
    [Range(0, 3_600)]
    public double MaxDelaySec { get; init; } = 30;

    /// <summary>What the delay is multiplied with after each attempt. 1 to 100; default 2.</summary>
    [Range(1, 100)]
    public double Multiplier { get; init; } = 2;

    /// <summary>
    /// How far a delay is off at most, as a part of itself, so that those who failed together do not come back
    /// together. 0 to 1; default 0.1.
    /// </summary>
    [Range(0, 1)]
    public double JitterFraction { get; init; } = 0.1;
}
