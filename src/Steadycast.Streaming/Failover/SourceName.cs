using System.Globalization;
using System.Text;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// What a segment of an origin that is not ours is called here: <c>primary-97327-1a2b3c4d5e6f.ts</c>, the origin, its
/// number there and the beginning of its hash.
/// </summary>
/// <remarks>
/// The hash keeps a name from ever standing for other bytes, over restarts of origin and switch and without any memory.
/// Origin and number tell a switch that starts again where it was.
/// </remarks>
internal static class SourceName
{
    private const int HashDigits = 12;
    private const int MaxOriginLength = 64;

    /// <summary>In the order of <see cref="MediaContainer"/>.</summary>
    private static readonly string[] Endings = ["ts", "m4s", "aac", "vtt"];

    public static string Of(string origin, long msn, string sha256, MediaContainer container) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Plain(origin)}-{msn}-{sha256[..HashDigits]}.{Endings[(int)container]}");

    /// <summary>
    /// As <see cref="Of"/>, in one more playlist of the stream: <c>primary-variant-2-97327-1a2b3c4d5e6f.ts</c>.
    /// </summary>
    /// <param name="playlist"><c>variant-2.m3u8</c></param>
    public static string OfCompanion(
        string origin, string playlist, long msn, string sha256, MediaContainer container) =>
        Of($"{Plain(origin)}-{Path.GetFileNameWithoutExtension(playlist)}", msn, sha256, container);

    public static MediaContainer ContainerOf(string name)
    {
        var ending = Array.IndexOf(Endings, Path.GetExtension(name).TrimStart('.'));
        return ending < 0 ? MediaContainer.Fmp4 : (MediaContainer)ending;
    }

    /// <summary>Initialisation sections are named by their bytes alone: alike on two origins is the same.</summary>
    public static string OfMap(string sha256) => $"init-{sha256[..HashDigits]}.mp4";

    /// <summary>Whether <paramref name="name"/> is one of these names, of this origin, and its number there.</summary>
    public static bool IsOf(string origin, string name, out long msn)
    {
        msn = -1;
        return TrySplit(name, out var plain, out msn) && plain == Plain(origin);
    }

    /// <summary>Whether the name is of this making at all.</summary>
    public static bool IsOne(string name) => TrySplit(name, out _, out _);

    private static bool TrySplit(string name, out string origin, out long msn)
    {
        (origin, msn) = ("", -1);
        var last = name.LastIndexOf('-');
        var middle = last > 0 ? name.LastIndexOf('-', last - 1) : -1;
        if (middle <= 0 || name.IndexOf('.', last) != last + 1 + HashDigits)
            return false;
        origin = name[..middle];
        return long.TryParse(
            name.AsSpan(middle + 1, last - middle - 1), NumberStyles.None, CultureInfo.InvariantCulture, out msn);
    }

    /// <summary>An origin may be called anything; a name in a playlist and on a disk may not.</summary>
    private static string Plain(string origin)
    {
        var text = new StringBuilder(origin.Length);
        foreach (var c in origin.AsSpan(0, Math.Min(origin.Length, MaxOriginLength)))
            text.Append(char.IsAsciiLetterOrDigit(c) || c is '_' or '-' ? c : '_');
        return text.Length == 0 || text[0] == '-' ? "o" + text : text.ToString();
    }
}
