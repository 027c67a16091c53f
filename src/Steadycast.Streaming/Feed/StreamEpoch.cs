namespace Steadycast.Streaming.Feed;

/// <summary>
/// One timeline of a stream between two interruptions, as one ingest stamps it: another that goes on with it does so in
/// an epoch of its own, so that the first is fenced off.
/// </summary>
/// <param name="Stream">The stream's name: <c>live/show</c>.</param>
/// <param name="EpochId">Fencing token, strictly increasing over the life of the stream, over restarts too.</param>
/// <param name="IngestId">Which ingest stamped it; equal epoch ids with other ingests are a split brain.</param>
/// <param name="AnchorUtcMs">UTC, Unix milliseconds, of media time 0; sampled once per stream, not per epoch.</param>
/// <param name="TargetDurationSeconds">EXT-X-TARGETDURATION, frozen for the life of the stream's playlist.</param>
public sealed record StreamEpoch(
    string Stream, uint EpochId, Guid IngestId, long AnchorUtcMs, int TargetDurationSeconds)
{
    /// <summary>
    /// The epoch in which this timeline began: itself, or the one that it goes on from without a seam.
    /// </summary>
    public uint TimelineId { get; init; } = EpochId;
}
