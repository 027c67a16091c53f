namespace Steadycast.Streaming.Relay;

/// <summary>How long a relay waits for what.</summary>
public sealed record RelayTimes
{
    /// <summary>
    /// From a publisher's request to its answer, all upstreams and attempts together. Default 10 s: OBS gives up after
    /// 30, FFmpeg's users before.
    /// </summary>
    public TimeSpan Open { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the first packet to one upstream until it has accepted the stream. Default 3 s.</summary>
    public TimeSpan Dial { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long an upstream may show no sign of life. Default 2 s: with half a second between pings, a frozen one is
    /// found in less than 3.
    /// </summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long a stream may be without an upstream before its publisher is sent away. Default 20 s: longer than a
    /// server takes to restart, and about what the log holds of a common stream.
    /// </summary>
    public TimeSpan Failover { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long an upstream must have carried a stream to count as proven. Default 5 s.</summary>
    public TimeSpan Proof { get; init; } = TimeSpan.FromSeconds(5);
}
