using System.Collections.Immutable;

namespace Steadycast.Protocols.Hls;

/// <summary>A multivariant playlist: which renditions there are (draft-pantos-hls-rfc8216bis, section 4.4.6).</summary>
public sealed record MultivariantPlaylist : Playlist
{
    public ImmutableArray<Rendition> Renditions { get; init; } = [];

    public ImmutableArray<VariantStream> Variants { get; init; } = [];
}

/// <summary>EXT-X-STREAM-INF and the URI line after it.</summary>
public sealed record VariantStream
{
    public required string Uri { get; init; }

    /// <summary>Peak segment bit rate, bit/s; 0 when a sloppy playlist leaves it out.</summary>
    public required long Bandwidth { get; init; }

    public long? AverageBandwidth { get; init; }

    /// <summary>RFC 6381, comma-separated; empty when absent.</summary>
    public string Codecs { get; init; } = "";

    /// <summary>Pixels; 0 when absent.</summary>
    public int Width { get; init; }

    public int Height { get; init; }

    /// <summary>Frames per second; 0 when absent.</summary>
    public double FrameRate { get; init; }

    /// <summary>Group id of the audio renditions that go with this variant.</summary>
    public string? Audio { get; init; }

    public string? Subtitles { get; init; }

    /// <summary>Attributes beyond these, as written: <c>VIDEO-RANGE=SDR,PATHWAY-ID="x"</c>.</summary>
    public string OtherAttributes { get; init; } = "";
}

/// <summary>EXT-X-MEDIA: an alternative rendition.</summary>
/// <param name="Type"><c>AUDIO</c>, <c>VIDEO</c>, <c>SUBTITLES</c> or <c>CLOSED-CAPTIONS</c>.</param>
/// <param name="Uri">Its media playlist; null when it is inside the variant.</param>
/// <param name="OtherAttributes">Attributes beyond these, as written.</param>
public sealed record Rendition(
    string Type,
    string GroupId,
    string Name,
    string? Uri,
    bool Default = false,
    bool AutoSelect = false,
    string OtherAttributes = "");
