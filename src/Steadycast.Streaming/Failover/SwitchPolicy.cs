namespace Steadycast.Streaming.Failover;

/// <summary>The numbers behind the switch's decisions.</summary>
internal sealed record SwitchPolicy
{
    /// <summary>No progress for this long is stale; null is 1.5 target durations.</summary>
    public TimeSpan? StaleAfter { get; init; }

    /// <summary>How long a preferred origin must be fresh before it is active again.</summary>
    public TimeSpan ReturnHold { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Fetches of one stream at one time: catching up, without drowning an origin that has just come back.
    /// </summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Before a segment that no candidate could deliver is asked for again.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>In target durations: before a segment that is lost everywhere becomes an EXT-X-GAP.</summary>
    public double GapPatience { get; init; } = 0.75;

    /// <summary>More lost segments in a row are a new window, not a hole.</summary>
    public int MaxGaps { get; init; } = 5;

    /// <summary>How long a new window may be collected before what is there is published.</summary>
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the first window waits to hear what another switch has published.</summary>
    public TimeSpan PeerPatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A window longer than this is taken up from its newer end.</summary>
    public int MaxJoin { get; init; } = 2000;

    public static SwitchPolicy Of(SwitchOptions options) => new()
    {
        StaleAfter = options.SegmentAgeThresholdSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        ReturnHold = TimeSpan.FromSeconds(options.CheckIntervalSeconds * options.RequiredWindows),
    };
}
