namespace Steadycast.Streaming.Relay;

/// <summary>Which of several upstreams a stream goes to, of those that are well.</summary>
public enum UpstreamStrategy
{
    /// <summary>In turn, in proportion to their weights.</summary>
    RoundRobin,

    /// <summary>By lot, in proportion to their weights.</summary>
    Random,

    /// <summary>The one with the fewest streams for its weight.</summary>
    LeastSessions,
}
