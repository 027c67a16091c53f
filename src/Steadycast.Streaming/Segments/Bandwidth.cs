using System.Collections.Immutable;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// BANDWIDTH and AVERAGE-BANDWIDTH as the specification defines them (section 4.4.6.2), over the window.
/// </summary>
internal static class Bandwidth
{
    private const long TicksPerSecond = 90_000;

    public static VariantInfo Measure(
        VariantInfo variant,
        ImmutableArray<SegmentRecord> segments,
        int targetDurationSeconds)
    {
        long bytes = 0, ticks = 0;
        foreach (var segment in segments)
        {
            if (segment.Gap)
                continue;
            bytes += segment.ViewerBytes;
            ticks += segment.Duration;
        }

        var average = BitRate(bytes, ticks);
        var peak = Peak(segments, targetDurationSeconds * TicksPerSecond);
        return variant with { Bandwidth = Math.Max(peak, average), AverageBandwidth = average };
    }

    /// <summary>
    /// "The largest bit rate of any contiguous set of segments whose total duration is between 0.5 and 1.5 times the
    /// target duration": a short tail alone does not count.
    /// </summary>
    private static long Peak(ImmutableArray<SegmentRecord> segments, long target)
    {
        long peak = 0;
        for (var first = 0; first < segments.Length; first++)
        {
            long bytes = 0, ticks = 0;
            for (var last = first; last < segments.Length && !segments[last].Gap; last++)
            {
                bytes += segments[last].ViewerBytes;
                ticks += segments[last].Duration;
                if (ticks * 2 > target * 3)
                    break;
                if (ticks * 2 >= target)
                    peak = Math.Max(peak, BitRate(bytes, ticks));
            }
        }

        return peak;
    }

    private static long BitRate(long bytes, long ticks) =>
        ticks <= 0 ? 0 : (bytes * 8 * TicksPerSecond + ticks - 1) / ticks;
}
