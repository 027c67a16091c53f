using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// Both playlists of a stream, each a pure function of its index: two origins at one edge send the same bytes.
/// </summary>
public static class PlaylistBuilder
{
    /// <summary>EXT-X-MAP outside I-frame playlists needs 6; TARGETDURATION rounds to nearest from 6 on too.</summary>
    private const int Version = 6;

    /// <summary>The media playlist (<c>index.m3u8</c>), UTF-8.</summary>
    public static byte[] Media(StreamIndex index)
    {
        var first = index.Segments[0];
        return Encoding.UTF8.GetBytes(PlaylistWriter.Write(new MediaPlaylist
        {
            Version = Version,
            TargetDurationSeconds = index.TargetDurationSeconds,
            MediaSequence = first.Msn,
            // The tag before the first segment, if it is still there, has not been counted yet.
            DiscontinuitySequence = first.DiscontinuitySequence - (first.Discontinuity ? 1 : 0),
            IndependentSegments = index.IndependentSegments,
            Segments = [.. index.Segments.Select(Segment)],
        }));
    }

    /// <summary>The multivariant playlist (<c>master.m3u8</c>), UTF-8.</summary>
    public static byte[] Multivariant(StreamIndex index) => Encoding.UTF8.GetBytes(PlaylistWriter.Write(
        new MultivariantPlaylist
        {
            Version = Version,
            IndependentSegments = index.IndependentSegments,
            Variants =
            [
                new VariantStream
                {
                    Uri = ObjectName.MediaPlaylist,
                    Bandwidth = index.Variant.Bandwidth,
                    AverageBandwidth = index.Variant.AverageBandwidth,
                    Codecs = index.Variant.Codecs,
                    Width = index.Variant.Width,
                    Height = index.Variant.Height,
                    FrameRate = index.Variant.FrameRate,
                },
            ],
        }));

    private static MediaSegment Segment(SegmentRecord record) => new()
    {
        Uri = record.Uri,
        Duration = ExtInf(record.Duration),
        Discontinuity = record.Discontinuity,
        Gap = record.Gap,
        Map = record.MapUri is { } map ? new MediaMap(map) : null,
        ProgramDateTime = DateTimeOffset.FromUnixTimeMilliseconds(record.ProgramDateTimeMs),
    };

    /// <summary>
    /// Whole milliseconds are exact; what falls between microseconds is cut off, never rounded up: 2.4999999 s written
    /// as 2.500 would round to 3, above a target duration of 2.
    /// </summary>
    private static TimeSpan ExtInf(long duration) => TimeSpan.FromMicroseconds(duration * 100 / 9);
}
