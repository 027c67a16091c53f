using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Steadycast.Protocols.Hls;

/// <summary>Writes playlists as UTF-8 text with LF ends; equal playlists give equal bytes on every machine.</summary>
public static class PlaylistWriter
{
    /// <summary>Whole milliseconds and Z, as every player reads it.</summary>
    private const string DateTimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string Write(MediaPlaylist playlist)
    {
        var text = new StringBuilder(256 + playlist.Segments.Length * 112);
        Header(text, playlist.Version);
        Line(text, $"#EXT-X-TARGETDURATION:{playlist.TargetDurationSeconds}");
        if (playlist.PlaylistType is { } type)
            Line(text, $"#EXT-X-PLAYLIST-TYPE:{type}");
        if (playlist.ServerControl is { } control)
            WriteServerControl(text, control);
        if (playlist.PartTarget is { } partTarget)
            Line(text, $"#EXT-X-PART-INF:PART-TARGET={Seconds(partTarget)}");
        Line(text, $"#EXT-X-MEDIA-SEQUENCE:{playlist.MediaSequence}");
        if (playlist.DiscontinuitySequence is { } discontinuities)
            Line(text, $"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}");
        if (playlist.IndependentSegments)
            Line(text, $"#EXT-X-INDEPENDENT-SEGMENTS");
        if (playlist.IFramesOnly)
            Line(text, $"#EXT-X-I-FRAMES-ONLY");
        if (playlist.SkippedSegments > 0)
            Line(text, $"#EXT-X-SKIP:SKIPPED-SEGMENTS={playlist.SkippedSegments}");

        MediaSegment? before = null;
        foreach (var segment in playlist.Segments)
        {
            WriteSegment(text, segment, before);
            before = segment;
        }

        WriteLines(text, playlist.OtherTags);
        foreach (var part in playlist.TrailingParts)
            WritePart(text, part);
        foreach (var hint in playlist.PreloadHints)
            WriteHint(text, hint);
        foreach (var report in playlist.RenditionReports)
            WriteReport(text, report);
        if (playlist.EndList)
            Line(text, $"#EXT-X-ENDLIST");
        return text.ToString();
    }

    public static string Write(MultivariantPlaylist playlist)
    {
        var text = new StringBuilder(512);
        Header(text, playlist.Version);
        if (playlist.IndependentSegments)
            Line(text, $"#EXT-X-INDEPENDENT-SEGMENTS");
        WriteLines(text, playlist.OtherTags);
        foreach (var rendition in playlist.Renditions)
        {
            var flags = (rendition.Default ? ",DEFAULT=YES" : "") + (rendition.AutoSelect ? ",AUTOSELECT=YES" : "");
            var rest = flags + Quoted("URI", rendition.Uri) + Appended(rendition.OtherAttributes);
            var (type, group, name) = (rendition.Type, rendition.GroupId, rendition.Name);
            Line(text, $"#EXT-X-MEDIA:TYPE={type},GROUP-ID=\"{group}\",NAME=\"{name}\"{rest}");
        }

        foreach (var variant in playlist.Variants)
            WriteVariant(text, variant);
        return text.ToString();
    }

    private static void Header(StringBuilder text, int version)
    {
        Line(text, $"#EXTM3U");
        if (version > 1)
            Line(text, $"#EXT-X-VERSION:{version}");
    }

    private static void WriteServerControl(StringBuilder text, ServerControl control)
    {
        var attributes = new List<string>(5);
        if (control.CanBlockReload)
            attributes.Add("CAN-BLOCK-RELOAD=YES");
        if (control.CanSkipUntil is { } skip)
            attributes.Add($"CAN-SKIP-UNTIL={Seconds(skip)}");
        if (control.CanSkipDateRanges)
            attributes.Add("CAN-SKIP-DATERANGES=YES");
        if (control.HoldBack is { } hold)
            attributes.Add($"HOLD-BACK={Seconds(hold)}");
        if (control.PartHoldBack is { } partHold)
            attributes.Add($"PART-HOLD-BACK={Seconds(partHold)}");
        Line(text, $"#EXT-X-SERVER-CONTROL:{string.Join(',', attributes)}");
    }

    private static void WriteSegment(StringBuilder text, MediaSegment segment, MediaSegment? before)
    {
        WriteLines(text, segment.OtherTags);
        if (segment.Discontinuity)
            Line(text, $"#EXT-X-DISCONTINUITY");
        WriteKeys(text, segment.Keys, before?.Keys ?? []);
        if (segment.Map is { } map && map != before?.Map)
        {
            var range = map.ByteRange is { } r ? $",BYTERANGE=\"{r.Length}@{r.Offset}\"" : "";
            Line(text, $"#EXT-X-MAP:URI=\"{map.Uri}\"{range}");
        }

        if (segment.ProgramDateTime is { } time)
            Line(text, $"#EXT-X-PROGRAM-DATE-TIME:{Date(time)}");
        foreach (var part in segment.Parts)
            WritePart(text, part);
        if (segment.Gap)
            Line(text, $"#EXT-X-GAP");
        Line(text, $"#EXTINF:{Seconds(segment.Duration)},{segment.Title}");
        if (segment.ByteRange is { } bytes)
            Line(text, $"#EXT-X-BYTERANGE:{bytes.Length}@{bytes.Offset}");
        Line(text, $"{segment.Uri}");
    }

    private static void WriteKeys(StringBuilder text, ImmutableArray<string> keys, ImmutableArray<string> before)
    {
        if (keys.SequenceEqual(before, StringComparer.Ordinal))
            return;
        // A key of another KEYFORMAT joins those in force; only NONE, or the same format again, ends one.
        if (!before.IsEmpty)
            Line(text, $"#EXT-X-KEY:METHOD=NONE");
        foreach (var key in keys)
            Line(text, $"#EXT-X-KEY:{key}");
    }

    private static void WritePart(StringBuilder text, PartialSegment part)
    {
        var range = part.ByteRange is { } r ? $",BYTERANGE=\"{r.Length}@{r.Offset}\"" : "";
        var flags = (part.Independent ? ",INDEPENDENT=YES" : "") + (part.Gap ? ",GAP=YES" : "");
        Line(text, $"#EXT-X-PART:DURATION={Seconds(part.Duration)},URI=\"{part.Uri}\"{flags}{range}");
    }

    private static void WriteHint(StringBuilder text, PreloadHint hint)
    {
        var start = hint.ByteRangeStart is { } s ? $",BYTERANGE-START={s}" : "";
        var length = hint.ByteRangeLength is { } l ? $",BYTERANGE-LENGTH={l}" : "";
        Line(text, $"#EXT-X-PRELOAD-HINT:TYPE={hint.Type},URI=\"{hint.Uri}\"{start}{length}");
    }

    private static void WriteReport(StringBuilder text, RenditionReport report)
    {
        var msn = report.LastMsn is { } m ? $",LAST-MSN={m}" : "";
        var part = report.LastPart is { } p ? $",LAST-PART={p}" : "";
        Line(text, $"#EXT-X-RENDITION-REPORT:URI=\"{report.Uri}\"{msn}{part}");
    }

    private static void WriteVariant(StringBuilder text, VariantStream variant)
    {
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-STREAM-INF:BANDWIDTH={variant.Bandwidth}");
        if (variant.AverageBandwidth is { } average)
            text.Append(CultureInfo.InvariantCulture, $",AVERAGE-BANDWIDTH={average}");
        text.Append(Quoted("CODECS", variant.Codecs.Length == 0 ? null : variant.Codecs));
        if (variant.Width > 0 && variant.Height > 0)
            text.Append(CultureInfo.InvariantCulture, $",RESOLUTION={variant.Width}x{variant.Height}");
        if (variant.FrameRate > 0)
            text.Append(CultureInfo.InvariantCulture, $",FRAME-RATE={variant.FrameRate:F3}");
        text.Append(Quoted("AUDIO", variant.Audio)).Append(Quoted("SUBTITLES", variant.Subtitles));
        text.Append(Appended(variant.OtherAttributes)).Append('\n').Append(variant.Uri).Append('\n');
    }

    /// <summary>At least milliseconds, at most 100 ns, no trailing zeros beyond the third decimal.</summary>
    private static string Seconds(TimeSpan duration) =>
        ((decimal)duration.Ticks / TimeSpan.TicksPerSecond).ToString("0.000####", CultureInfo.InvariantCulture);

    private static string Date(DateTimeOffset time) =>
        time.UtcDateTime.ToString(DateTimeFormat, CultureInfo.InvariantCulture);

    private static string Quoted(string name, string? value) => value is null ? "" : $",{name}=\"{value}\"";

    private static string Appended(string attributes) => attributes.Length == 0 ? "" : "," + attributes;

    private static void WriteLines(StringBuilder text, ImmutableArray<string> lines)
    {
        foreach (var line in lines)
            text.Append(line).Append('\n');
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
