using System.Collections.Immutable;

namespace Steadycast.Streaming.Segments;

/// <summary>The audio renditions of a stream with several audio tracks, as <c>master.m3u8</c> offers them.</summary>
/// <param name="VariantUri">
/// The playlist of EXT-X-STREAM-INF: pictures alone (<c>video.m3u8</c>), or, where the first track's sound is muxed
/// with them, <c>index.m3u8</c>.
/// </param>
/// <param name="Renditions">One per audio track, the default one first; never empty.</param>
public sealed record AudioGroup(string VariantUri, ImmutableArray<AudioRendition> Renditions);

/// <summary>One EXT-X-MEDIA of TYPE=AUDIO.</summary>
/// <param name="Name">For people; another one for each rendition.</param>
/// <param name="Channels">How many; 0 when unknown.</param>
/// <param name="Uri">Its media playlist; null: the sound that is muxed with the pictures.</param>
/// <param name="Language">RFC 5646; null when the publisher does not say.</param>
public sealed record AudioRendition(string Name, int Channels, string? Uri = null, string? Language = null)
{
    public const int MaxNameLength = 64;

    private const int MaxLanguageLength = 35;

    /// <summary>Whether it looks like a language tag (RFC 5646), not whether there is such a one.</summary>
    public static bool IsLanguage(string text) =>
        text.Length is > 1 and <= MaxLanguageLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
}
