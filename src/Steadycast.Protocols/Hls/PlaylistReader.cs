using System.Globalization;

namespace Steadycast.Protocols.Hls;

/// <summary>Reads playlist text from anywhere.</summary>
/// <remarks>
/// Pure, and bounded by what it is given: at most <see cref="MaxLength"/> characters and <see cref="MaxSegments"/>
/// segments. Forgives what real servers do (order, spaces, CR LF, a byte order mark, unknown tags and attributes);
/// refuses what has no one meaning.
/// </remarks>
public static class PlaylistReader
{
    /// <summary>A day of two-second segments takes about 5 MB with dates.</summary>
    public const int MaxLength = 8 << 20;

    public const int MaxSegments = 50_000;

    /// <exception cref="PlaylistFormatException">Not a playlist; says on which line.</exception>
    public static Playlist Parse(string text)
    {
        if (text.Length > MaxLength)
            throw new PlaylistFormatException(0, $"{text.Length} characters are more than {MaxLength}");

        var media = new MediaPlaylistReader();
        var multivariant = new MultivariantPlaylistReader();
        var begun = false;
        var number = 0;
        var last = 0;
        foreach (var raw in text.AsSpan().TrimStart('\uFEFF').EnumerateLines())
        {
            number++;
            var line = raw.Trim();
            if (line.IsEmpty)
                continue;
            last = number;
            if (!begun)
            {
                if (!line.StartsWith("#EXTM3U", StringComparison.Ordinal))
                    throw new PlaylistFormatException(number, "a playlist starts with #EXTM3U");
                begun = true;
                continue;
            }

            if (line[0] == '#' && !line.StartsWith("#EXT", StringComparison.Ordinal))
                continue;
            var (name, value) = Split(line);
            // What belongs to both kinds goes to both; what neither knows is kept by the kind that it turns out to be.
            multivariant.Read(name, value, line, number);
            media.Read(name, value, line, number);
            if (media.IsCertain && multivariant.IsCertain)
                throw new PlaylistFormatException(number, "tags of a media and of a multivariant playlist in one");
        }

        if (!begun)
            throw new PlaylistFormatException(0, "empty");
        if (multivariant.IsCertain)
            return multivariant.Finish(last);
        return media.IsCertain
            ? media.Finish(last)
            : throw new PlaylistFormatException(last, "neither segments nor variants, nor a target duration");
    }

    /// <summary>As <see cref="Parse"/>, where only a media playlist will do.</summary>
    /// <exception cref="PlaylistFormatException">Not a playlist, or a multivariant one.</exception>
    public static MediaPlaylist ParseMedia(string text) => Parse(text) as MediaPlaylist
        ?? throw new PlaylistFormatException(0, "a multivariant playlist where a media playlist was expected");

    internal static long ReadInteger(ReadOnlySpan<char> value, int line, string what) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new PlaylistFormatException(line, $"{what} is not a whole number");

    /// <summary>A tag and what follows its colon; a line that is no tag is a URI and has no name.</summary>
    private static (string Name, string Value) Split(ReadOnlySpan<char> line)
    {
        if (line[0] != '#')
            return ("", line.ToString());
        var colon = line.IndexOf(':');
        return colon < 0
            ? (line.ToString(), "")
            : (line[..colon].TrimEnd().ToString(), line[(colon + 1)..].Trim().ToString());
    }
}
