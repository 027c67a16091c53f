using System.Collections.Immutable;

namespace Steadycast.Protocols.Hls;

/// <summary>
/// What both kinds of playlist have: a <see cref="MediaPlaylist"/> or a <see cref="MultivariantPlaylist"/>.
/// </summary>
public abstract record Playlist
{
    /// <summary>EXT-X-VERSION; 1 when the tag is absent.</summary>
    public int Version { get; init; } = 1;

    /// <summary>EXT-X-INDEPENDENT-SEGMENTS: every segment can be decoded without the one before.</summary>
    public bool IndependentSegments { get; init; }

    /// <summary>
    /// Tags that have no meaning here, as they were written. Of a media playlist: those after the last segment; the
    /// others stand with their segment.
    /// </summary>
    public ImmutableArray<string> OtherTags { get; init; } = [];
}
