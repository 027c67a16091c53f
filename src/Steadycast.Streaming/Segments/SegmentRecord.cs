using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Segments;

/// <summary>One published segment: all that its playlist lines, and a switch that checks its bytes, need.</summary>
/// <remarks>Immutable once published; two packagers of the same feed make equal records.</remarks>
public sealed record SegmentRecord
{
    public required long Msn { get; init; }

    /// <summary>
    /// Relative to the media playlist: <c>59123456.m4s</c>. Never reused over the life of the stream.
    /// </summary>
    public required string Uri { get; init; }

    /// <summary>The EXT-X-MAP in force, relative: <c>init-1a2b3c4d.mp4</c>; null for MPEG-TS.</summary>
    public string? MapUri { get; init; }

    /// <summary>Media time in 1/90000 s since the stream's anchor.</summary>
    public required long Time { get; init; }

    /// <summary>In 1/90000 s.</summary>
    public required long Duration { get; init; }

    /// <summary>EXT-X-PROGRAM-DATE-TIME as Unix milliseconds.</summary>
    public required long ProgramDateTimeMs { get; init; }

    public bool Discontinuity { get; init; }

    /// <summary>The segment's own discontinuity sequence number, its own discontinuity included.</summary>
    public required long DiscontinuitySequence { get; init; }

    public required uint EpochId { get; init; }

    /// <summary>Starts with a keyframe, or has no video.</summary>
    [JsonRequired]
    public bool Independent { get; init; } = true;

    /// <summary>EXT-X-GAP: nothing can be fetched; <see cref="Bytes"/> is 0.</summary>
    public bool Gap { get; init; }

    public required int Bytes { get; init; }

    /// <summary>
    /// What each media playlist names of the object, of a stream that has more than one; null: the object as a whole is
    /// what <c>index.m3u8</c> names. Null for a gap: it is one in every playlist.
    /// </summary>
    public SegmentParts? Parts { get; init; }

    /// <summary>SHA-256 of the segment's bytes, lower-case hex; also its ETag.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Every initialisation section that a playlist names with this segment.</summary>
    internal IEnumerable<string> MapUris => (Parts ?? Enumerable.Empty<SegmentPart>())
        .Select(part => part.MapUri).Prepend(MapUri).OfType<string>();

    /// <summary>See <see cref="SegmentParts.ViewerBytes"/>.</summary>
    internal int ViewerBytes => Parts?.ViewerBytes ?? Bytes;
}
