using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>What the streams of one switch share.</summary>
internal sealed record SwitchParts(SegmentCache Cache, SegmentFetch Fetch, SwitchMetrics Metrics, TimeProvider Time);
