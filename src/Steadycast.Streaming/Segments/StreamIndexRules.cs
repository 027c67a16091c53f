using System.Collections.Immutable;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// What must hold of an index before it is believed; its text ends up in playlists and its names in paths.
/// </summary>
internal static class StreamIndexRules
{
    private const int MaxSegments = 36_000;
    private const int MaxObjectBytes = 1 << 30;
    private const int MaxCodecsLength = 256;
    private const int MaxTextLength = 2048;

    /// <summary>EXT-X-STREAM-INF and EXT-X-MEDIA together.</summary>
    private const int MaxLines = 1000;

    /// <summary>Twice what a feed has tracks.</summary>
    private const int MaxParts = 16;
    private const int MaxTargetDuration = 3600;
    private const long MaxMsn = 1L << 53;
    private const long TicksPerSecond = 90_000;

    /// <summary>Year 9999, the last that a date can be written in.</summary>
    private const long MaxUnixMs = 253_402_300_799_999;

    /// <summary>Why the index cannot be right, or null.</summary>
    public static string? FindFault(StreamIndex? index)
    {
        if (index is null)
            return "null";
        if (!ObjectName.IsStream(index.Stream))
            return "stream: not a stream name";
        if (index.TargetDurationSeconds is < 1 or > MaxTargetDuration)
            return "target_duration_seconds: out of range";
        if (index.Segments.IsDefaultOrEmpty || index.Segments.Length > MaxSegments)
            return "segments: none, or too many";
        return FindFault(index.Variant) ?? FindFault(index.Audio) ?? FindFault(index.Playlists)
            ?? FindFault(index.Maps) ?? FindFault(index.Segments, index.Maps, index.Playlists);
    }

    private static string? FindFault(VariantInfo variant)
    {
        if (variant.Bandwidth < 0 || variant.AverageBandwidth < 0)
            return "variant: negative bandwidth";
        if (variant.Codecs.Length > MaxCodecsLength || !variant.Codecs.All(IsOfCodecName))
            return "variant.codecs: not a list of RFC 6381 names";
        if (variant.Width is < 0 or > 65_536 || variant.Height is < 0 or > 65_536)
            return "variant: picture size out of range";
        return variant.FrameRate is >= 0 and <= 10_000 ? null : "variant.frame_rate: out of range";
    }

    private static string? FindFault(AudioGroup? audio)
    {
        if (audio is null)
            return null;
        if (!ObjectName.IsMediaPlaylist(audio.VariantUri))
            return "audio.variant_uri: not a playlist's name";
        if (audio.Renditions.IsDefaultOrEmpty || audio.Renditions.Length > MaxParts)
            return "audio.renditions: none, or too many";
        foreach (var rendition in audio.Renditions)
        {
            if (rendition is null || (rendition.Uri is not null && !ObjectName.IsMediaPlaylist(rendition.Uri)))
                return "audio.renditions: not a playlist's name";
            if (rendition.Name.Length is 0 or > AudioRendition.MaxNameLength || !rendition.Name.All(IsQuotable))
                return "audio.renditions: a name that cannot be quoted";
            if (rendition.Language is { } language && !AudioRendition.IsLanguage(language))
                return "audio.renditions: not a language";
            if (rendition.Channels is < 0 or > 255)
                return "audio.renditions: channels out of range";
        }

        return audio.Renditions.DistinctBy(rendition => rendition.Name, StringComparer.Ordinal).Count()
            == audio.Renditions.Length ? null : "audio.renditions: two of one name";
    }

    private static string? FindFault(PlaylistSet? set)
    {
        if (set is null)
            return null;
        if (set.Variants.IsDefaultOrEmpty || set.Renditions.IsDefault || set.Variants.Contains(null!)
            || set.Renditions.Contains(null!) || set.Variants.Length + set.Renditions.Length > MaxLines)
            return "playlists: no variants, or too many";
        if (set.Names.Length > PlaylistSet.MaxPlaylists || set.Names[0] != ObjectName.MediaPlaylist
            || !set.Names.All(ObjectName.IsMediaPlaylist))
            return "playlists: not the names of media playlists, or too many";
        if (!set.Variants.All(v => v is { Bandwidth: >= 0, Width: >= 0, Height: >= 0, FrameRate: >= 0 and <= 10_000 }
                && v.AverageBandwidth is null or >= 0))
            return "playlists: a number out of range";
        var quoted = set.Variants.SelectMany(v => (string?[])[v.Codecs, v.Audio, v.Subtitles])
            .Concat(set.Renditions.SelectMany(r => (string?[])[r.Type, r.GroupId, r.Name]));
        var written = set.Variants.Select(v => v.OtherAttributes).Concat(set.Renditions.Select(r => r.OtherAttributes));
        return quoted.All(text => text is null || (text.Length <= MaxTextLength && text.All(IsQuotable)))
            && written.All(text => text.Length <= MaxTextLength && !text.Any(char.IsControl))
            ? null
            : "playlists: text that would not stay in its line";
    }

    private static string? FindFault(ImmutableArray<MapRecord> maps)
    {
        foreach (var map in maps)
        {
            if (map is null || !ObjectName.IsObject(map.Uri))
                return "maps: not an object name";
            if (map.Bytes is < 1 or > MaxObjectBytes || !IsSha256(map.Sha256))
                return $"maps: size or hash of {map.Uri}";
        }

        return null;
    }

    private static string? FindFault(
        ImmutableArray<SegmentRecord> segments, ImmutableArray<MapRecord> maps, PlaylistSet? playlists)
    {
        var companions = (playlists?.Names.Length ?? 1) - 1;
        var uris = maps.Select(m => m.Uri).ToHashSet(StringComparer.Ordinal);
        SegmentRecord? before = null;
        foreach (var segment in segments)
        {
            if (segment is null)
                return "segments: null";
            if (FindFault(segment, before) is { } fault)
                return $"segment {segment.Msn}: {fault}";
            if ((segment.Companions.IsDefault ? 0 : segment.Companions.Length) != companions)
                return $"segment {segment.Msn}: not one object for each playlist";
            if (segment.Objects.Skip(1).Select(FindFault).FirstOrDefault(f => f is not null) is { } wrong)
                return $"segment {segment.Msn}: {wrong}";
            if (!segment.MapUris.All(uris.Contains))
                return $"segment {segment.Msn}: names a map that is not listed";
            before = segment;
        }

        return null;
    }

    private static string? FindFault(SegmentRecord segment, SegmentRecord? before)
    {
        if (segment.Msn is < 0 or > MaxMsn || (before is not null && segment.Msn != before.Msn + 1))
            return "number out of range or not consecutive";
        if (!ObjectName.IsObject(segment.Uri))
            return "uri is not an object name";
        if (segment.Duration is < 1 or > MaxTargetDuration * TicksPerSecond)
            return "duration out of range";
        if (segment.ProgramDateTimeMs is < 0 or > MaxUnixMs)
            return "program_date_time_ms out of range";
        var step = segment.Discontinuity ? 1 : 0;
        if (segment.DiscontinuitySequence is < 0 or > MaxMsn || segment.DiscontinuitySequence < step)
            return "discontinuity_sequence out of range";
        if (before is not null && segment.DiscontinuitySequence != before.DiscontinuitySequence + step)
            return "discontinuity_sequence does not follow";
        if (before is not null && segment.EpochId < before.EpochId)
            return "epoch_id goes back";
        if (segment.TimelineId >= segment.EpochId)
            return "timeline_id is not of an epoch before";
        if (segment.Gap)
            return segment.Bytes == 0 && segment.Parts is null ? null : "a gap with bytes";
        if (segment.Bytes is < 1 or > MaxObjectBytes || !IsSha256(segment.Sha256))
            return "size or hash";
        return segment.Parts is null ? null : FindFault(segment.Parts, segment.Bytes);
    }

    private static string? FindFault(ObjectRecord? companion)
    {
        if (companion is null || !ObjectName.IsObject(companion.Uri))
            return "companion: not an object name";
        if (companion.Duration is < 1 or > MaxTargetDuration * TicksPerSecond)
            return "companion: duration out of range";
        if (companion.ProgramDateTimeMs is < 0 or > MaxUnixMs)
            return "companion: program_date_time_ms out of range";
        return companion.Bytes is > 0 and <= MaxObjectBytes && IsSha256(companion.Sha256)
            ? null
            : "companion: size or hash";
    }

    private static string? FindFault(SegmentParts parts, int bytes)
    {
        if (parts.Count is 0 or > MaxParts || parts.Any(part => part is null))
            return "parts: none, or too many";
        if (!parts.All(part => ObjectName.IsMediaPlaylist(part.Playlist)))
            return "parts: not a playlist's name";
        if (parts.DistinctBy(part => part.Playlist, StringComparer.Ordinal).Count() != parts.Count)
            return "parts: two of one playlist";
        return parts.All(part => part is { Offset: >= 0, Bytes: > 0 } && part.Bytes <= bytes - part.Offset)
            ? null
            : "parts: outside of the object";
    }

    private static bool IsOfCodecName(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or ',' or '-';

    /// <summary>Section 4.2: no line feed, carriage return or double quote in a quoted-string.</summary>
    private static bool IsQuotable(char c) => !char.IsControl(c) && c is not '"';

    private static bool IsSha256(string? hex) =>
        hex is { Length: 64 } && hex.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));
}
