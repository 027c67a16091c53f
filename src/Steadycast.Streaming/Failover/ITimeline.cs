using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>What the loop of a switch needs of a timeline, however its origins are followed.</summary>
internal interface ITimeline
{
    /// <summary>The origins, by rank.</summary>
    ImmutableArray<OriginView> Origins { get; }

    /// <summary>The other switches, after the origins in rank.</summary>
    ImmutableArray<OriginView> OtherSwitches { get; }

    ActiveOrigin Active { get; }

    /// <summary>What viewers see; null before anything could be had.</summary>
    StreamIndex? Published { get; }

    /// <summary>When the newest published segment was heard of.</summary>
    TimeSpan? EdgeSeenAt { get; }

    /// <summary>What deserves counting and a line in the log; the owner empties it.</summary>
    Queue<TimelineNote> Notes { get; }

    /// <summary>Segments behind the best origin; null where numbers of two origins cannot be compared.</summary>
    long? LagOf(OriginView view);

    /// <summary>Takes up where an earlier process stopped.</summary>
    void Restore(StreamIndex index);

    /// <summary>Judges freshness anew; returns a change of the active origin, or null.</summary>
    OriginChange? Judge(TimeSpan now);

    /// <summary>Moves the edge as far as it can go; null when it stays where it is.</summary>
    Publication? Advance(TimeSpan now);
}
