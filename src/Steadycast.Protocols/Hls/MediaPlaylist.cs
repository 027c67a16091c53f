using System.Collections.Immutable;

namespace Steadycast.Protocols.Hls;

/// <summary>
/// A media playlist: the segments of one rendition, oldest first (draft-pantos-hls-rfc8216bis, section 4.4.3).
/// </summary>
public sealed record MediaPlaylist : Playlist
{
    /// <summary>EXT-X-TARGETDURATION in seconds; 0 when the tag is absent, which a lenient reader lets pass.</summary>
    public int TargetDurationSeconds { get; init; }

    /// <summary>The number of the first segment.</summary>
    public long MediaSequence { get; init; }

    /// <summary>
    /// EXT-X-DISCONTINUITY-SEQUENCE: how many discontinuities have left the playlist; null: tag absent.
    /// </summary>
    public long? DiscontinuitySequence { get; init; }

    public bool IFramesOnly { get; init; }

    /// <summary>EXT-X-PLAYLIST-TYPE as written: <c>VOD</c> or <c>EVENT</c>; null in a live playlist.</summary>
    public string? PlaylistType { get; init; }

    /// <summary>EXT-X-ENDLIST: nothing will be added.</summary>
    public bool EndList { get; init; }

    public ServerControl? ServerControl { get; init; }

    /// <summary>EXT-X-PART-INF:PART-TARGET; null when there are no partial segments.</summary>
    public TimeSpan? PartTarget { get; init; }

    /// <summary>EXT-X-SKIP: how many segments a delta update left out in front of <see cref="Segments"/>.</summary>
    public int SkippedSegments { get; init; }

    public ImmutableArray<MediaSegment> Segments { get; init; } = [];

    /// <summary>Parts of the segment that is still growing.</summary>
    public ImmutableArray<PartialSegment> TrailingParts { get; init; } = [];

    public ImmutableArray<PreloadHint> PreloadHints { get; init; } = [];

    public ImmutableArray<RenditionReport> RenditionReports { get; init; } = [];

    /// <summary>The number after the last listed segment's.</summary>
    public long NextMediaSequence => MediaSequence + SkippedSegments + Segments.Length;
}

/// <summary>One segment and everything that is said of it, including what tags before earlier segments said.</summary>
public sealed record MediaSegment
{
    public required string Uri { get; init; }

    /// <summary>EXTINF; to 100 ns.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>What follows the comma of EXTINF; usually empty.</summary>
    public string Title { get; init; } = "";

    public ByteRange? ByteRange { get; init; }

    public bool Discontinuity { get; init; }

    public bool Gap { get; init; }

    /// <summary>EXT-X-PROGRAM-DATE-TIME of this very segment; null when it has none of its own.</summary>
    public DateTimeOffset? ProgramDateTime { get; init; }

    /// <summary>The EXT-X-MAP in force; the writer repeats it only when it changes.</summary>
    public MediaMap? Map { get; init; }

    /// <summary>The attribute lists of the EXT-X-KEY tags in force, as written; empty: not encrypted.</summary>
    public ImmutableArray<string> Keys { get; init; } = [];

    public ImmutableArray<PartialSegment> Parts { get; init; } = [];

    /// <summary>
    /// Tags before this segment that have no meaning here, as they were written (EXT-X-DATERANGE too).
    /// </summary>
    public ImmutableArray<string> OtherTags { get; init; } = [];
}

/// <summary>EXT-X-MAP: the initialisation section of the segments after it.</summary>
public sealed record MediaMap(string Uri, ByteRange? ByteRange = null);

/// <summary>A stretch of a resource in bytes, with its offset resolved.</summary>
public readonly record struct ByteRange(long Length, long Offset);

/// <summary>EXT-X-PART: a piece of a segment, listed before its segment is whole.</summary>
public sealed record PartialSegment(
    string Uri,
    TimeSpan Duration,
    bool Independent = false,
    bool Gap = false,
    ByteRange? ByteRange = null);

/// <summary>EXT-X-PRELOAD-HINT: what will come next.</summary>
/// <param name="Type"><c>PART</c> or <c>MAP</c>.</param>
public sealed record PreloadHint(string Type, string Uri, long? ByteRangeStart = null, long? ByteRangeLength = null);

/// <summary>EXT-X-RENDITION-REPORT: how far another rendition is.</summary>
public sealed record RenditionReport(string Uri, long? LastMsn, long? LastPart);

/// <summary>EXT-X-SERVER-CONTROL: what the server offers.</summary>
public sealed record ServerControl
{
    public bool CanBlockReload { get; init; }

    public TimeSpan? CanSkipUntil { get; init; }

    public bool CanSkipDateRanges { get; init; }

    public TimeSpan? HoldBack { get; init; }

    public TimeSpan? PartHoldBack { get; init; }
}
