using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>A segment as it goes into a store, with all that the stream's index needs of it.</summary>
/// <param name="Bytes">Empty for a gap.</param>
/// <param name="Maps">The initialisation sections that its playlists name; none for MPEG-TS.</param>
/// <param name="Variant">Its bandwidths are 0: they are the window's.</param>
/// <param name="AllIndependent">Whether every segment of the stream so far starts with a keyframe.</param>
/// <param name="Audio">What the multivariant playlist offers of several audio tracks; null when there is one.</param>
public sealed record PackagedSegment(
    string Stream,
    int TargetDurationSeconds,
    ReadOnlyMemory<byte> Bytes,
    SegmentRecord Record,
    ImmutableArray<PackagedMap> Maps,
    VariantInfo Variant,
    bool AllIndependent,
    AudioGroup? Audio)
{
    /// <summary>The index with this segment at its edge.</summary>
    public StreamIndex AppendTo(StreamIndex? before, TimeSpan window) => SegmentWindow.Append(
        before, Stream, TargetDurationSeconds, Record, [.. Maps.Select(map => map.Record)], Variant, AllIndependent,
        window, Audio);

    /// <summary>The initialisation section of <c>index.m3u8</c>; null for MPEG-TS.</summary>
    public MapRecord? Map => Maps.FirstOrDefault()?.Record;

    public ReadOnlyMemory<byte> MapBytes => Maps.FirstOrDefault()?.Bytes ?? default;
}

/// <summary>An initialisation section as it goes into a store.</summary>
public sealed record PackagedMap(MapRecord Record, ReadOnlyMemory<byte> Bytes);
