using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// The media playlists of a stream that has several, and what <c>master.m3u8</c> says of them. The first one is the
/// stream's own, <c>index.m3u8</c>; the others list their <see cref="ObjectRecord"/>s under the same numbers.
/// </summary>
/// <param name="Variants">Never empty; each URI is the name of a media playlist, and may come more than once.</param>
/// <param name="Renditions">Those without a URI are inside a variant.</param>
public sealed record PlaylistSet(ImmutableArray<VariantStream> Variants, ImmutableArray<Rendition> Renditions)
{
    /// <summary>More media playlists than any ladder with all its languages.</summary>
    public const int MaxPlaylists = 32;

    /// <summary>Every media playlist once, <c>index.m3u8</c> first.</summary>
    [JsonIgnore]
    public ImmutableArray<string> Names { get; } =
    [
        .. Variants.Select(v => v.Uri).Concat(Renditions.Select(r => r.Uri).OfType<string>())
            .Distinct(StringComparer.Ordinal),
    ];
}
