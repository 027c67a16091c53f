using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Segments;

/// <summary>A stream as an origin holds it: the window's records and what its playlists say above them.</summary>
/// <remarks>
/// Immutable snapshot, swapped whole. Serialised as <c>index.json</c> beside <c>index.m3u8</c> (snake_case); both
/// playlists are pure functions of it (<c>PlaylistBuilder</c>).
/// </remarks>
public sealed record StreamIndex
{
    public required string Stream { get; init; }

    /// <summary>EXT-X-TARGETDURATION; never changes over the life of the stream.</summary>
    public required int TargetDurationSeconds { get; init; }

    /// <summary>Whether EXT-X-INDEPENDENT-SEGMENTS is true of every segment so far.</summary>
    [JsonRequired]
    public bool IndependentSegments { get; init; } = true;

    /// <summary>Consecutive numbers, oldest first; never empty once published.</summary>
    public required ImmutableArray<SegmentRecord> Segments { get; init; }

    /// <summary>Every initialisation section that a listed segment names, with hash and size.</summary>
    public ImmutableArray<MapRecord> Maps { get; init; } = [];

    /// <summary>What the multivariant playlist says of this rendition.</summary>
    public required VariantInfo Variant { get; init; }

    /// <summary>Null for a stream with one audio track, or none.</summary>
    public AudioGroup? Audio { get; init; }

    /// <summary>What it says instead, of a stream whose media playlists list objects of their own; else null.</summary>
    public PlaylistSet? Playlists { get; init; }

    /// <summary>
    /// The stream's media playlists, <c>index.m3u8</c> first: all are of the same numbers, times and discontinuities,
    /// and move together.
    /// </summary>
    internal IEnumerable<string> MediaPlaylists => Segments
        .SelectMany(segment => segment.Parts ?? Enumerable.Empty<SegmentPart>())
        .Select(part => part.Playlist)
        .Concat(Playlists?.Names ?? [])
        .Prepend(ObjectName.MediaPlaylist)
        .Distinct(StringComparer.Ordinal);

    /// <summary>The same with <c>index.m3u8</c> as the only playlist that lists objects of its own.</summary>
    internal StreamIndex WithoutCompanions() => Playlists is null ? this : this with
    {
        Playlists = null,
        Segments = [.. Segments.Select(segment => segment with { Companions = default })],
    };

    public long First => Segments[0].Msn;

    public long Edge => Segments[^1].Msn;
}

/// <summary>An initialisation section (EXT-X-MAP).</summary>
public sealed record MapRecord(string Uri, int Bytes, string Sha256);

/// <summary>The attributes of EXT-X-STREAM-INF, measured and parsed, not configured.</summary>
/// <param name="Bandwidth">Peak segment bit rate in bit/s over the window.</param>
/// <param name="AverageBandwidth">Average segment bit rate in bit/s over the window.</param>
/// <param name="Codecs">RFC 6381: <c>avc1.64001f,mp4a.40.2</c>.</param>
/// <param name="Width">0 when there is no video.</param>
/// <param name="FrameRate">Frames per second as measured or declared; 0 when unknown.</param>
public sealed record VariantInfo(
    long Bandwidth,
    long AverageBandwidth,
    string Codecs,
    int Width,
    int Height,
    double FrameRate);
