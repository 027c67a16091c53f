using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>How one stream stands, for metrics, health and the API; made by its loop, read by anybody.</summary>
/// <param name="Active">Null until an origin was fit to be it.</param>
/// <param name="Pinned">The origin that an operator prefers; null when none was pinned.</param>
/// <param name="Index">What viewers see; null before anything was published.</param>
/// <param name="PdtDrift">How far behind the wall clock the edge ended when it was published.</param>
/// <param name="Switches">Changes of the active origin so far.</param>
/// <param name="Peers">The other switches, by what they have published; none is ever lagging or stale.</param>
internal sealed record StreamSnapshot(
    string Stream,
    OriginSnapshot? Active,
    string? Pinned,
    StreamIndex? Index,
    TimeSpan? PdtDrift,
    long Switches,
    ImmutableArray<OriginSnapshot> Origins,
    ImmutableArray<OriginSnapshot> Peers);

/// <param name="Lag">Segments behind the best origin; null where numbers cannot be compared.</param>
/// <param name="AdvancedAt">Timestamp of the last progress.</param>
/// <param name="LastSegmentPdtMs">Unix ms of the newest segment's beginning; null when the origin does not say.</param>
internal sealed record OriginSnapshot(
    string Name,
    int Rank,
    Freshness Freshness,
    long Edge,
    long? Lag,
    long AdvancedAt,
    long? LastSegmentPdtMs,
    OriginFault LastFault,
    string? LastError)
{
    /// <summary>Whether what is said of its edge is of now, not of before it went silent.</summary>
    public bool IsHeard => Freshness is not (Freshness.Down or Freshness.Unknown);
}
