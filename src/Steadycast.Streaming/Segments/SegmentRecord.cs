using System.Collections.Immutable;
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

    /// <summary>Who stamped it; never lower than that of the segment before.</summary>
    public required uint EpochId { get; init; }

    /// <summary>The epoch whose timeline this one goes on with, without a seam; null: a timeline of its own.</summary>
    public uint? TimelineId { get; init; }

    /// <summary>Equal for segments whose media times and bitstream go on from one to the other.</summary>
    [JsonIgnore]
    public uint Timeline => TimelineId ?? EpochId;

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

    /// <summary>
    /// What the other media playlists of a <see cref="PlaylistSet"/> list under this number, in its order; all that is
    /// not said of them is as above. Default in a stream without one.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ImmutableArray<ObjectRecord> Companions { get; init; }

    /// <summary>Every initialisation section that a playlist names with this segment.</summary>
    internal IEnumerable<string> MapUris => (Parts ?? Enumerable.Empty<SegmentPart>())
        .Select(part => part.MapUri).Concat(Objects.Select(listed => listed.MapUri)).OfType<string>();

    /// <summary>The segment and its companions: what has to be had before any of it can be published.</summary>
    internal IEnumerable<ObjectRecord> Objects
    {
        get
        {
            yield return new ObjectRecord
            {
                Uri = Uri,
                MapUri = MapUri,
                Duration = Duration,
                ProgramDateTimeMs = ProgramDateTimeMs,
                Bytes = Bytes,
                Sha256 = Sha256,
            };
            if (Companions.IsDefaultOrEmpty)
                yield break;
            foreach (var companion in Companions)
                yield return companion;
        }
    }

    /// <summary>See <see cref="SegmentParts.ViewerBytes"/>.</summary>
    internal int ViewerBytes => Parts?.ViewerBytes ?? Bytes;

    /// <summary>All that is not of one object alone.</summary>
    private (long, long, bool, long, uint, bool, bool, SegmentParts?) Common =>
        (Msn, Time, Discontinuity, DiscontinuitySequence, EpochId, Independent, Gap, Parts);

    /// <remarks>The compiler's own would compare <see cref="Companions"/> by reference.</remarks>
    public bool Equals(SegmentRecord? other) =>
        other is not null && Common.Equals(other.Common) && Objects.SequenceEqual(other.Objects);

    public override int GetHashCode() => HashCode.Combine(Msn, Uri, Sha256);
}

/// <summary>An object of its own: what one of several media playlists lists under one number.</summary>
public sealed record ObjectRecord
{
    /// <summary>As <see cref="SegmentRecord.Uri"/>.</summary>
    public required string Uri { get; init; }

    public string? MapUri { get; init; }

    /// <summary>In 1/90000 s; sound may be cut a frame beside the picture.</summary>
    public required long Duration { get; init; }

    public required long ProgramDateTimeMs { get; init; }

    public required int Bytes { get; init; }

    public required string Sha256 { get; init; }
}
