using System.Collections.Immutable;

namespace Steadycast.Streaming.Segments;

/// <summary>The sliding window of a live playlist: append at the edge, trim at the front, never go back.</summary>
/// <remarks>
/// Pure. What the window holds depends only on the records behind the edge, so two packagers at the same edge that both
/// have a window's worth of history agree, whenever each was started.
/// </remarks>
public static class SegmentWindow
{
    private const int MinSegments = 6;
    private const int MinTargetDurations = 3;
    private const long TicksPerSecond = 90_000;

    /// <summary>
    /// The index after <paramref name="segment"/>. Starts a new window when there is none, when numbers are missing in
    /// between (a playlist cannot have holes), when the count of discontinuities does not follow (its header is a
    /// running number too) and when the target duration is another one (it may not change).
    /// </summary>
    /// <param name="before">The index so far; null for a stream's first segment.</param>
    /// <param name="maps">The initialisation sections that the segment names; known ones may be left out.</param>
    /// <param name="variant">Codecs, picture size and frame rate; the bandwidths are measured here.</param>
    /// <param name="allIndependent">Whether every segment of the stream so far starts with a keyframe.</param>
    /// <param name="window">
    /// How much to list; at least six segments and three target durations are kept all the same.
    /// </param>
    /// <param name="audio">What the multivariant playlist offers of several audio tracks.</param>
    /// <exception cref="ArgumentException">A number at or below the edge, or a map that nobody described.</exception>
    public static StreamIndex Append(
        StreamIndex? before,
        string stream,
        int targetDurationSeconds,
        SegmentRecord segment,
        ImmutableArray<MapRecord> maps,
        VariantInfo variant,
        bool allIndependent,
        TimeSpan window,
        AudioGroup? audio = null)
    {
        if (before is not null && segment.Msn <= before.Edge)
            throw new ArgumentException($"segment {segment.Msn} is not above the edge {before.Edge}", nameof(segment));

        var step = segment.Discontinuity ? 1 : 0;
        var continues = before is not null
            && segment.Msn == before.Edge + 1
            && segment.DiscontinuitySequence == before.Segments[^1].DiscontinuitySequence + step
            && targetDurationSeconds == before.TargetDurationSeconds;
        var segments = continues ? Trim(before!.Segments.Add(segment), targetDurationSeconds, window) : [segment];
        return new StreamIndex
        {
            Stream = stream,
            TargetDurationSeconds = targetDurationSeconds,
            IndependentSegments = allIndependent && segment.Independent && (!continues || before!.IndependentSegments),
            Segments = segments,
            Maps = MapsOf(segments, [.. maps, .. before?.Maps ?? []]),
            Variant = Bandwidth.Measure(variant, segments, targetDurationSeconds),
            Audio = audio,
        };
    }

    internal static ImmutableArray<SegmentRecord> Trim(
        ImmutableArray<SegmentRecord> segments,
        int target,
        TimeSpan window)
    {
        var windowTicks = window.Ticks * 9 / 1000;
        var left = segments.Sum(s => s.Duration);
        var first = 0;
        while (left > windowTicks
               && segments.Length - first > MinSegments
               && left - segments[first].Duration >= MinTargetDurations * target * TicksPerSecond)
        {
            left -= segments[first++].Duration;
        }

        return segments.RemoveRange(0, first);
    }

    internal static ImmutableArray<MapRecord> MapsOf(
        ImmutableArray<SegmentRecord> segments,
        ImmutableArray<MapRecord> known)
    {
        var maps = ImmutableArray.CreateBuilder<MapRecord>();
        foreach (var uri in segments.SelectMany(s => s.MapUris).Distinct(StringComparer.Ordinal))
        {
            maps.Add(known.FirstOrDefault(m => m.Uri == uri)
                ?? throw new ArgumentException($"no record of the map {uri}", nameof(known)));
        }

        return maps.ToImmutable();
    }
}
