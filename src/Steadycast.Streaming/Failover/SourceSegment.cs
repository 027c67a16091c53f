using System.Collections.Immutable;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Failover;

/// <summary>A segment as an origin that is not ours lists it.</summary>
internal sealed record SourceSegment
{
    /// <summary>The origin's own number; means something within one <see cref="Run"/> only.</summary>
    public required long Msn { get; init; }

    /// <summary>Counts how often the origin has begun its numbers anew while it was followed.</summary>
    public required int Run { get; init; }

    public required MediaSource Media { get; init; }

    /// <summary>The initialisation section; null for MPEG-TS.</summary>
    public MediaSource? Map { get; init; }

    /// <summary>In 1/90000 s.</summary>
    public required long Duration { get; init; }

    /// <summary>When it begins by the origin's EXT-X-PROGRAM-DATE-TIME, Unix ms; null when it has none.</summary>
    public long? DateMs { get; init; }

    public bool Discontinuity { get; init; }

    /// <summary>EXT-X-GAP, or an EXTINF of 0: there is nothing to fetch.</summary>
    public bool Gap { get; init; }

    public bool Independent { get; init; }

    /// <summary>
    /// When it was listed first, on our clock; reckoned from the ones after it when several came at once.
    /// </summary>
    public required TimeSpan SeenAt { get; init; }

    /// <summary>What the stream's other media playlists list under the same number, in their order.</summary>
    public ImmutableArray<SourceObject> Companions { get; init; } = [];

    public long? DateEndMs => DateMs + Duration / 90;

    /// <summary>Of what all playlists list here, in 1/90000 s: none may be above the target duration.</summary>
    public long Longest => Companions.Aggregate(Duration, (longest, c) => Math.Max(longest, c.Duration));

    /// <summary>Whether both are the same stretch of the same resource at the same time of day.</summary>
    /// <remarks>
    /// Without the query: signed addresses change with every playlist. Dates may move a little; encoders round.
    /// </remarks>
    public bool IsSame(SourceSegment other) =>
        Media.IsSame(other.Media)
        && (DateMs is not { } a || other.DateMs is not { } b || Math.Abs(a - b) <= 500);
}

/// <summary>What one more media playlist of the origin lists beside a segment.</summary>
/// <param name="Map">The initialisation section; null where there is none.</param>
/// <param name="Duration">In 1/90000 s.</param>
/// <param name="DateMs">When it begins, Unix ms; null when the origin does not say.</param>
internal sealed record SourceObject(MediaSource Media, MediaSource? Map, long Duration, long? DateMs);

/// <summary>Where bytes are to be had.</summary>
internal sealed record MediaSource(Uri Address, ByteRange? Range)
{
    public bool IsSame(MediaSource other) =>
        Range == other.Range && Address.AbsolutePath == other.Address.AbsolutePath;
}

/// <summary>One segment of one origin, for as long as the switch runs.</summary>
internal readonly record struct SourceKey(int Rank, int Run, long Msn);
