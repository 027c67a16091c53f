namespace Steadycast.Streaming.Hub;

/// <summary>What a subscription is for; a label of metrics, and the way it is woken.</summary>
public enum SubscriptionKind
{
    /// <summary>A viewer over RTMP: woken in a group with others, inside the merge window.</summary>
    Player,

    /// <summary>Another server that the stream is sent on to: woken at once, in its own time.</summary>
    Relay,

    /// <summary>The stamped feed: woken at once; does not keep a stream alive.</summary>
    Feed,

    /// <summary>A recorder: as the feed.</summary>
    Recorder,
}

/// <summary>How to subscribe.</summary>
/// <param name="Kind">What it is for.</param>
public sealed record SubscriptionOptions(SubscriptionKind Kind)
{
    /// <summary>Bytes behind before the cursor is moved; absent: <see cref="HubOptions.MaxLagBytes"/>.</summary>
    public int? MaxLagBytes { get; init; }

    /// <summary>Time behind before the cursor is moved; absent: <see cref="HubOptions.MaxLag"/>.</summary>
    public TimeSpan? MaxLag { get; init; }

    /// <summary>
    /// Whether the log keeps what the receiver has not confirmed, so that another one can be given it. Default false.
    /// </summary>
    public bool CanRewind { get; init; }
}
