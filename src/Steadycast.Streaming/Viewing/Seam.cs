using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Viewing;

/// <summary>The ways in which a viewer can notice, or a player can trip over, what happens behind a stream.</summary>
[JsonConverter(typeof(SeamKindConverter))]
public enum SeamKind
{
    /// <summary>The simulated play head stood still for more than 100 ms after it had begun.</summary>
    Stall,

    /// <summary>Media is missing: left unfetched, not to be had, EXT-X-GAP, or the bytes jump.</summary>
    Hole,

    /// <summary>Media comes twice: equal bytes or URI under another number, or timestamps that overlap.</summary>
    Repeat,

    /// <summary>EXT-X-MEDIA-SEQUENCE, or the last number listed, went back.</summary>
    Regression,

    /// <summary>What was said of a listed segment is said differently now.</summary>
    ChangedLine,

    /// <summary>An EXT-X-DISCONTINUITY among the segments played.</summary>
    Discontinuity,

    /// <summary>A segment's discontinuity sequence number changed, or EXT-X-DISCONTINUITY-SEQUENCE went back.</summary>
    DiscontinuitySequence,

    /// <summary>Any answer but 200, a timeout, a broken connection, a short body.</summary>
    HttpError,

    /// <summary>The playlist stood still for more than 1.5 target durations.</summary>
    StalePlaylist,

    /// <summary>EXT-X-TARGETDURATION changed, or a segment is longer than it.</summary>
    TargetDuration,

    /// <summary>MPEG-TS continuity counters that do not continue the segment before.</summary>
    ContinuityCounter,

    /// <summary>Not a playlist, or not the media that it says it is.</summary>
    Malformed,
}

/// <summary>One thing that went wrong, or nearly.</summary>
/// <param name="AtSeconds">When, since the viewer started.</param>
/// <param name="Msn">The media sequence number concerned, where there is one.</param>
/// <param name="Seconds">How long it lasted or how much media it concerns, where that is known.</param>
/// <param name="Detail">One sentence with the figures.</param>
public sealed record Seam(SeamKind Kind, double AtSeconds, long? Msn, double? Seconds, string Detail);

/// <summary><c>changed_line</c>, as value and as key.</summary>
public sealed class SeamKindConverter() : JsonStringEnumConverter<SeamKind>(JsonNamingPolicy.SnakeCaseLower);
