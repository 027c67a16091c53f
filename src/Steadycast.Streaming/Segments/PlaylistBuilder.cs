using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// All playlists of a stream, each a pure function of its index: two origins at one edge send the same bytes.
/// </summary>
public static class PlaylistBuilder
{
    /// <summary>EXT-X-MAP outside I-frame playlists needs 6; TARGETDURATION rounds to nearest from 6 on too.</summary>
    private const int Version = 6;

    private const string AudioGroupId = "audio";

    /// <summary>A media playlist, UTF-8.</summary>
    /// <param name="index">What is published.</param>
    /// <param name="playlist">
    /// Its name. Of a playlist that came in mid-stream the first segment is the first that it has a part of; where it
    /// lacks a later one, it has a gap.
    /// </param>
    public static byte[] Media(StreamIndex index, string playlist = ObjectName.MediaPlaylist)
    {
        var records = index.Segments;
        var place = index.Playlists?.Names.IndexOf(playlist) ?? 0;
        if (place == 0 && playlist != ObjectName.MediaPlaylist)
            records = [.. records.SkipWhile(record => record.Parts?.Find(playlist) is null)];
        var first = records[0];
        MediaSegment? before = null;
        return Encoding.UTF8.GetBytes(PlaylistWriter.Write(new MediaPlaylist
        {
            Version = Version,
            TargetDurationSeconds = index.TargetDurationSeconds,
            MediaSequence = first.Msn,
            // The tag before the first segment, if it is still there, has not been counted yet.
            DiscontinuitySequence = first.DiscontinuitySequence - (first.Discontinuity ? 1 : 0),
            IndependentSegments = index.IndependentSegments,
            Segments =
            [
                .. records.Select(record => before = place > 0
                    ? Companion(record, record.Companions[place - 1])
                    : Segment(record, playlist, before)),
            ],
        }));
    }

    /// <summary>The multivariant playlist (<c>master.m3u8</c>), UTF-8.</summary>
    public static byte[] Multivariant(StreamIndex index) => Encoding.UTF8.GetBytes(PlaylistWriter.Write(
        new MultivariantPlaylist
        {
            Version = Version,
            IndependentSegments = index.IndependentSegments,
            Renditions = index.Playlists?.Renditions ?? (index.Audio is { } audio ? Renditions(audio) : []),
            Variants = index.Playlists?.Variants ??
            [
                new VariantStream
                {
                    Uri = index.Audio?.VariantUri ?? ObjectName.MediaPlaylist,
                    Bandwidth = index.Variant.Bandwidth,
                    AverageBandwidth = index.Variant.AverageBandwidth,
                    Codecs = index.Variant.Codecs,
                    Width = index.Variant.Width,
                    Height = index.Variant.Height,
                    FrameRate = index.Variant.FrameRate,
                    Audio = index.Audio is null ? null : AudioGroupId,
                },
            ],
        }));

    /// <summary>
    /// Section 4.4.6.1.1: a tag with AUTOSELECT=YES should have a language that no other one of its group has: a player
    /// may pick for itself only what it can tell from the others.
    /// </summary>
    private static ImmutableArray<Rendition> Renditions(AudioGroup audio)
    {
        var languages = new HashSet<string?>([audio.Renditions[0].Language, null], StringComparer.OrdinalIgnoreCase);
        return
        [
            .. audio.Renditions.Select((rendition, place) => new Rendition(
                "AUDIO",
                AudioGroupId,
                rendition.Name,
                rendition.Uri,
                Default: place == 0,
                AutoSelect: place == 0 || languages.Add(rendition.Language),
                string.Join(',', AttributesOf(rendition)))),
        ];
    }

    private static IEnumerable<string> AttributesOf(AudioRendition rendition)
    {
        if (rendition.Language is { } language)
            yield return $"LANGUAGE=\"{language}\"";
        if (rendition.Channels > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"CHANNELS=\"{rendition.Channels}\"");
    }

    private static MediaSegment Segment(SegmentRecord record, string playlist, MediaSegment? before)
    {
        var part = record.Parts?.Find(playlist);
        var isMissing = part is null && (playlist != ObjectName.MediaPlaylist || record.Parts is not null);
        var map = part is not null ? part.MapUri : isMissing ? before?.Map?.Uri : record.MapUri;
        return new MediaSegment
        {
            Uri = record.Uri,
            Duration = ExtInf(record.Duration),
            Discontinuity = record.Discontinuity,
            Gap = record.Gap || isMissing,
            Map = map is null ? null : new MediaMap(map),
            ProgramDateTime = DateTimeOffset.FromUnixTimeMilliseconds(record.ProgramDateTimeMs),
            ByteRange = part is null ? null : new ByteRange(part.Bytes, part.Offset),
        };
    }

    private static MediaSegment Companion(SegmentRecord record, ObjectRecord listed) => new()
    {
        Uri = listed.Uri,
        Duration = ExtInf(listed.Duration),
        Discontinuity = record.Discontinuity,
        Gap = record.Gap,
        Map = listed.MapUri is { } map ? new MediaMap(map) : null,
        ProgramDateTime = DateTimeOffset.FromUnixTimeMilliseconds(listed.ProgramDateTimeMs),
    };

    /// <summary>
    /// Whole milliseconds are exact; what falls between microseconds is cut off, never rounded up: 2.4999999 s written
    /// as 2.500 would round to 3, above a target duration of 2.
    /// </summary>
    private static TimeSpan ExtInf(long duration) => TimeSpan.FromMicroseconds(duration * 100 / 9);
}
