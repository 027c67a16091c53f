using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Hub;

/// <summary>What the hub counts.</summary>
public sealed class HubMetrics
{
    // Label values, boxed once: counting allocates nothing.
    private static readonly object[] Kinds = ["player", "relay", "feed", "recorder"];

    private readonly UpDownCounter<long> streams;
    private readonly UpDownCounter<long> publishers;
    private readonly UpDownCounter<long> subscribers;
    private readonly Counter<long> publishes;
    private readonly Counter<long> takeovers;
    private readonly UpDownCounter<long> standbysOnAir;
    private readonly Counter<long> switches;
    private readonly Histogram<double> switchTimes;
    private readonly Counter<long> messages;
    private readonly Counter<long> bytes;
    private readonly Counter<long> dropped;
    private readonly Counter<long> notReplayable;
    private readonly Counter<long> skips;
    private readonly Counter<long> skippedBytes;
    private readonly Histogram<double> joins;

    public HubMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create("Steadycast.Hub");
        streams = meter.CreateUpDownCounter<long>("steadycast_hub_streams", "{stream}");
        publishers = meter.CreateUpDownCounter<long>("steadycast_hub_publishers", "{publisher}");
        subscribers = meter.CreateUpDownCounter<long>("steadycast_hub_subscribers", "{subscriber}");
        publishes = meter.CreateCounter<long>("steadycast_hub_publishes_total", "{request}");
        takeovers = meter.CreateCounter<long>("steadycast_hub_takeovers_total", "{takeover}");
        standbysOnAir = meter.CreateUpDownCounter<long>("steadycast_hub_standbys_on_air", "{stream}");
        switches = meter.CreateCounter<long>("steadycast_hub_publisher_switches_total", "{switch}");
        switchTimes = meter.CreateHistogram<double>("steadycast_hub_publisher_switch_seconds", "s");
        messages = meter.CreateCounter<long>("steadycast_hub_messages_total", "{message}");
        bytes = meter.CreateCounter<long>("steadycast_hub_bytes_total", "By");
        dropped = meter.CreateCounter<long>("steadycast_hub_dropped_messages_total", "{message}");
        notReplayable = meter.CreateCounter<long>("steadycast_hub_not_replayable_total", "{event}");
        skips = meter.CreateCounter<long>("steadycast_hub_skips_total", "{skip}");
        skippedBytes = meter.CreateCounter<long>("steadycast_hub_skipped_bytes_total", "By");
        joins = meter.CreateHistogram<double>("steadycast_hub_join_seconds", "s");
    }

    internal void StreamAdded() => streams.Add(1);

    internal void StreamRemoved() => streams.Add(-1);

    internal void Published(PublishOutcome outcome, PublisherRole role)
    {
        string label = outcome switch
        {
            PublishOutcome.Accepted => "accepted",
            PublishOutcome.Busy => "busy",
            _ => "full",
        };
        publishes.Add(1, KeyValuePair.Create("outcome", (object?)label));
        if (outcome == PublishOutcome.Accepted)
            publishers.Add(1, Label(role));
    }

    internal void Unpublished(PublisherRole role) => publishers.Add(-1, Label(role));

    /// <summary>Who is on air has changed; null: nobody.</summary>
    internal void OnAir(PublisherRole? before, PublisherRole? now)
    {
        int change = (now == PublisherRole.Standby ? 1 : 0) - (before == PublisherRole.Standby ? 1 : 0);
        if (change != 0)
            standbysOnAir.Add(change);
    }

    /// <param name="to">Who went on air.</param>
    /// <param name="still">How long the one before had brought nothing new.</param>
    internal void Switched(PublisherRole to, SwitchReason reason, TimeSpan still)
    {
        string label = reason switch
        {
            SwitchReason.Left => "left",
            SwitchReason.Silent => "silent",
            SwitchReason.Frozen => "frozen",
            _ => "returned",
        };
        switches.Add(1, Label(to, "to"), KeyValuePair.Create("reason", (object?)label));
        switchTimes.Record(still.TotalSeconds, KeyValuePair.Create("reason", (object?)label));
    }

    internal void TakenOver() => takeovers.Add(1);

    internal void Subscribed(SubscriptionKind kind) => subscribers.Add(1, Label(kind));

    internal void Unsubscribed(SubscriptionKind kind) => subscribers.Add(-1, Label(kind));

    internal void Appended(int payloadBytes)
    {
        messages.Add(1);
        bytes.Add(payloadBytes);
    }

    /// <param name="reason">
    /// <c>not_media</c>, <c>header_too_large</c>, <c>too_many_tracks</c> (kept in the log, not for those who join),
    /// <c>before_keyframe</c>.
    /// </param>
    internal void Dropped(string reason) => dropped.Add(1, KeyValuePair.Create("reason", (object?)reason));

    internal void NotReplayable() => notReplayable.Add(1);

    /// <param name="kind">Of the subscription that was skipped forward.</param>
    /// <param name="reason"><c>bytes</c> or <c>time</c> behind, or <c>log_full</c>.</param>
    internal void Skipped(SubscriptionKind kind, string reason, long skipped)
    {
        skips.Add(1, Label(kind), KeyValuePair.Create("reason", (object?)reason));
        skippedBytes.Add(skipped, Label(kind), KeyValuePair.Create("reason", (object?)reason));
    }

    internal void Joined(SubscriptionKind kind, TimeSpan after) => joins.Record(after.TotalSeconds, Label(kind));

    private static KeyValuePair<string, object?> Label(PublisherRole role, string name = "role") =>
        new(name, role == PublisherRole.Main ? "main" : "standby");

    private static KeyValuePair<string, object?> Label(SubscriptionKind kind) => new("kind", Kinds[(int)kind]);
}
