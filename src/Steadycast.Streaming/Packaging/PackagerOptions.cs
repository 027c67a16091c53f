using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Packaging;

/// <summary>The <c>packager</c> section: stamped feed in, segments and playlists out.</summary>
public sealed record PackagerOptions
{
    /// <summary>
    /// The ingest's HTTP address: <c>http://ingest:9101</c>. Or a list, of ingests that are each other's <c>peers</c>:
    /// the next one is followed when one is out of reach.
    /// </summary>
    [Required]
    public IReadOnlyList<string> Feed { get; init; } = [];

    /// <summary>Health and metrics.</summary>
    public string HttpAddr { get; init; } = "127.0.0.1:9102";

    /// <summary>
    /// CMAF by default: about a quarter fewer bytes than MPEG-TS at low rates, what HEVC needs on Apple, and alone in
    /// carrying AV1 and Opus. MP3 sound asks for <c>ts</c>: Chromium does not play it from fMP4.
    /// </summary>
    public Container Container { get; init; } = Container.Fmp4;

    /// <summary>
    /// How much the media playlist lists. 10 to 3600 s. Default 60: room for a viewer that pauses for a breath.
    /// </summary>
    [Range(10, 3600)]
    public int WindowSeconds { get; init; } = 60;

    /// <summary><c>memory</c> (an origin in the same process serves it) or a directory.</summary>
    public string Store { get; init; } = "memory";

    /// <summary>Which streams; empty: every stream that the ingest has.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];
}

/// <summary>What segments are made of.</summary>
public enum Container
{
    Fmp4,
    Ts,
}
