using System.Buffers;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// What may be the name of a stream or of an object in one: the gate between names from the network and paths on disk.
/// </summary>
public static class ObjectName
{
    public const string MediaPlaylist = "index.m3u8";

    /// <summary>Pictures alone, of a stream with several audio tracks.</summary>
    public const string VideoPlaylist = "video.m3u8";
    public const string MultivariantPlaylist = "master.m3u8";
    public const string Index = "index.json";

    private const string PlaylistEnding = ".m3u8";
    private const string AudioPrefix = "audio-";
    private const int MaxObjectLength = 128;
    private const int MaxStreamLength = 256;
    private const int MaxPartLength = 128;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-");

    private static readonly string[] ObjectEndings =
        [".m4s", ".mp4", ".ts", ".aac", ".vtt", PlaylistEnding, ".json", ".tmp"];

    /// <summary>
    /// A segment or an initialisation section: a plain file name without a leading dot, no playlist and no index.
    /// </summary>
    public static bool IsObject(string? name) =>
        name is { Length: > 0 and <= MaxObjectLength }
        && name is not Index
        && !name.EndsWith(PlaylistEnding, StringComparison.OrdinalIgnoreCase)
        && IsPart(name);

    /// <summary>One of a stream's media playlists.</summary>
    public static bool IsMediaPlaylist(string? name) =>
        name is { Length: > 0 and <= MaxObjectLength }
        && name is not MultivariantPlaylist
        && name.EndsWith(PlaylistEnding, StringComparison.Ordinal)
        && IsPart(name);

    /// <summary>The playlist of an audio track alone, by its number from 0 on.</summary>
    public static string AudioPlaylist(int number) => $"{AudioPrefix}{number}{PlaylistEnding}";

    public static bool IsAudioPlaylist(string name) => name.StartsWith(AudioPrefix, StringComparison.Ordinal);

    /// <summary>
    /// Parts as <see cref="IsObject"/>, joined by single slashes; none ends like an object, or a publisher could put a
    /// folder where another stream's segment has to go.
    /// </summary>
    public static bool IsStream(string? stream)
    {
        if (stream is not { Length: > 0 and <= MaxStreamLength })
            return false;
        foreach (var range in stream.AsSpan().Split('/'))
        {
            var part = stream.AsSpan(range);
            if (part.Length > MaxPartLength || !IsPart(part) || EndsLikeObject(part))
                return false;
        }

        return true;
    }

    /// <exception cref="ArgumentException">A name that no store takes.</exception>
    internal static void Require(string stream, string? name = null)
    {
        if (!IsStream(stream))
            throw new ArgumentException("not a stream name", nameof(stream));
        if (name is not null && !IsObject(name))
            throw new ArgumentException("not an object name", nameof(name));
    }

    private static bool IsPart(ReadOnlySpan<char> part) =>
        part.Length > 0 && part[0] != '.' && !part.ContainsAnyExcept(Allowed);

    private static bool EndsLikeObject(ReadOnlySpan<char> part)
    {
        foreach (var ending in ObjectEndings)
        {
            if (part.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }
}
