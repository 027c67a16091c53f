using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Steadycast.Streaming.Hub;

/// <summary>The name of a stream: <c>app[/name]</c>, parts of <c>[A-Za-z0-9_.~-]</c> joined by slashes.</summary>
/// <remarks>A parsed name is safe in logs, in URLs and as a relative path; the text it came from is not.</remarks>
public readonly record struct StreamName
{
    /// <summary>The longest application part: what a <c>tcUrl</c> within its own limit leaves for it.</summary>
    public const int MaxAppLength = 128;

    /// <summary>The longest name over all its parts, so that segment stores can make folders of it.</summary>
    public const int MaxLength = 256;

    private const int MaxPartLength = 128;
    private const int MaxSegments = 8;
    private const int MaxLoggedLength = 64;

    // A segment directory holds files of these kinds beside the directories of deeper streams (live/, live/hd/).
    private static readonly string[] ReservedEndings = [".m3u8", ".m4s", ".mp4", ".ts", ".json", ".tmp"];

    private readonly string? value;

    private StreamName(string value) => this.value = value;

    /// <summary><c>live/show</c>; empty for the default value.</summary>
    public string Value => value ?? "";

    /// <summary>Reads a name that was percent-encoded at most once.</summary>
    /// <param name="text">Without query; one leading and one trailing slash are forgiven.</param>
    /// <param name="name">The name, when true is returned.</param>
    /// <param name="fault">Why not, in words for the operator; never holds the text itself.</param>
    public static bool TryParse(string text, out StreamName name, [NotNullWhen(false)] out string? fault)
    {
        name = default;
        if (text.Length > 3 * MaxLength)
        {
            fault = "the stream name is too long";
            return false;
        }

        if (!TryDecode(text, out string? decoded, out fault))
            return false;
        decoded = decoded.StartsWith('/') ? decoded[1..] : decoded;
        decoded = decoded.EndsWith('/') ? decoded[..^1] : decoded;
        fault = FaultOf(decoded);
        if (fault is not null)
            return false;
        name = new StreamName(decoded);
        return true;
    }

    /// <summary>Text from the network made safe for a log line: printable ASCII, cut at 64 characters.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (char c in text)
        {
            if (escaped.Length >= MaxLoggedLength)
                return escaped.Append("...").ToString();
            if (c is > ' ' and < '\x7f' and not '\\')
                escaped.Append(c);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return escaped.ToString();
    }

    public override string ToString() => Value;

    private static string? FaultOf(string decoded)
    {
        if (decoded.Length == 0)
            return "the stream name is empty";
        string[] segments = decoded.Split('/');
        if (segments.Length > MaxSegments)
            return $"the stream name has more than {MaxSegments} parts";
        if (segments[0].Length > MaxAppLength)
            return $"the application is longer than {MaxAppLength} characters";
        if (decoded.Length > MaxLength)
            return $"the stream name is longer than {MaxLength} characters";
        foreach (string segment in segments)
        {
            if (segment.Length > MaxPartLength)
                return $"a part of the stream name is longer than {MaxPartLength} characters";
            if (segment is "" || segment[0] == '.')
                return "the stream name has an empty part, or one that begins with a dot";
            if (ReservedEndings.Any(e => segment.EndsWith(e, StringComparison.OrdinalIgnoreCase)))
                return "the stream name ends like a playlist or segment file";
        }

        return null;
    }

    private static bool TryDecode(
        string text, [NotNullWhen(true)] out string? decoded, [NotNullWhen(false)] out string? fault)
    {
        decoded = null;
        fault = "the stream name has a character outside of A-Z a-z 0-9 _ . ~ - and /";
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '/')
            {
                result.Append(c);
                continue;
            }

            // An escaped slash would be a second way to write the same name, so only plain ones separate.
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                    return false;
                c = (char)int.Parse(text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                i += 2;
            }

            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '~' or '-'))
                return false;
            result.Append(c);
        }

        decoded = result.ToString();
        fault = null;
        return true;
    }
}
