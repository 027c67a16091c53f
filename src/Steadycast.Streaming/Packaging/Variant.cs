using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>What the multivariant playlist says of a stream, from its tracks and its newest segment.</summary>
internal static class Variant
{
    /// <summary>The rates that cameras and encoders have; a measured one that lies near is taken for it.</summary>
    private static readonly double[] UsualRates =
        [5, 10, 12, 12.5, 15, 20, 24000 / 1001.0, 24, 25, 30000 / 1001.0, 30, 48, 50, 60000 / 1001.0, 60, 100, 120];

    /// <summary>Two per cent: RTMP's whole milliseconds are a twentieth of it over one second.</summary>
    private const double Near = 0.02;

    /// <summary>Bandwidths are 0 here: the window measures them.</summary>
    public static VariantInfo Of(StampedSegment segment, IReadOnlyList<TrackDescription> tracks)
    {
        var video = tracks.FirstOrDefault(track => track.Config.IsVideo);
        var codecs = string.Join(',', tracks.Select(track => track.CodecsString).Distinct(StringComparer.Ordinal));
        var rate = video is null ? 0 : RateOf(segment, video);
        return new VariantInfo(0, 0, codecs, video?.Width ?? 0, video?.Height ?? 0, rate);
    }

    /// <summary>
    /// Declared, unless the segment shows another rate: encoders of variable rates declare their tick, not their
    /// pictures.
    /// </summary>
    private static double RateOf(StampedSegment segment, TrackDescription video)
    {
        var pictures = 0;
        long first = 0, last = 0;
        foreach (var unit in segment.AccessUnits)
        {
            if (unit.TrackId != video.Config.TrackId) continue;
            if (pictures++ == 0) first = unit.Dts;
            last = unit.Dts;
        }

        if (pictures < 2 || last <= first) return Rounded(video.FrameRate);
        var measured = (pictures - 1) * 90000.0 / (last - first);
        if (IsNear(measured, video.FrameRate)) return Rounded(video.FrameRate);
        var usual = UsualRates.MinBy(rate => Math.Abs(rate - measured));
        return Rounded(IsNear(measured, usual) ? usual : measured);
    }

    private static bool IsNear(double measured, double rate) => Math.Abs(measured - rate) <= rate * Near;

    /// <summary>FRAME-RATE has three decimals (section 4.4.6.2).</summary>
    private static double Rounded(double rate) => Math.Round(Math.Min(rate, 1000), 3);
}
