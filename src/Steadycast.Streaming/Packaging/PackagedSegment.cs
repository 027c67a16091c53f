using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>A segment as it goes into a store, with all that the stream's index needs of it.</summary>
/// <param name="Bytes">Empty for a gap.</param>
/// <param name="Map">The initialisation section that it needs; null for MPEG-TS.</param>
/// <param name="Variant">Its bandwidths are 0: they are the window's.</param>
/// <param name="AllIndependent">Whether every segment of the stream so far starts with a keyframe.</param>
public sealed record PackagedSegment(
    string Stream,
    int TargetDurationSeconds,
    ReadOnlyMemory<byte> Bytes,
    SegmentRecord Record,
    MapRecord? Map,
    ReadOnlyMemory<byte> MapBytes,
    VariantInfo Variant,
    bool AllIndependent)
{
    /// <summary>The index with this segment at its edge.</summary>
    public StreamIndex AppendTo(StreamIndex? before, TimeSpan window) => SegmentWindow.Append(
        before, Stream, TargetDurationSeconds, Record, Map, Variant, AllIndependent, window);
}
