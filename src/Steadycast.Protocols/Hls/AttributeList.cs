using System.Globalization;

namespace Steadycast.Protocols.Hls;

/// <summary>The attribute list of one tag (section 4.2): <c>NAME=value,NAME="quoted, with commas"</c>.</summary>
/// <remarks>
/// Lenient: spaces around names and values, a quote that never ends or stands in the middle, a name that is none, a
/// value that is no number where one should be: all read as well as they can be, or as absent. Of two like names the
/// first counts.
/// </remarks>
internal sealed class AttributeList
{
    private const int MaxAttributes = 64;

    /// <summary>A day: no duration in a playlist is longer.</summary>
    private const decimal MaxSeconds = 86_400;

    private readonly List<(string Name, string Value, bool Quoted)> _attributes = [];

    private AttributeList()
    {
    }

    public static AttributeList Parse(ReadOnlySpan<char> text)
    {
        var list = new AttributeList();
        while (!text.IsEmpty && list._attributes.Count < MaxAttributes)
        {
            var equals = text.IndexOf('=');
            if (equals < 0)
                break;
            var name = text[..equals].Trim(" ,\t").ToString();
            text = text[(equals + 1)..].TrimStart();
            var quoted = !text.IsEmpty && text[0] == '"';
            if (quoted)
                text = text[1..];
            var end = text.IndexOf(quoted ? '"' : ',');
            var value = end < 0 ? text : text[..end];
            if (IsName(name))
                list._attributes.Add((name, quoted ? value.ToString() : Unquoted(value), quoted));
            text = end < 0 ? [] : text[(end + 1)..];
            if (quoted)
                text = text.IndexOf(',') is var comma and >= 0 ? text[(comma + 1)..] : [];
        }

        return list;
    }

    public string? Text(string name)
    {
        foreach (var attribute in _attributes)
        {
            if (attribute.Name == name)
                return attribute.Value;
        }

        return null;
    }

    public bool Yes(string name) => Text(name) == "YES";

    /// <summary>decimal-integer; null when absent, negative or no number.</summary>
    public long? Integer(string name) =>
        long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>decimal-floating-point, as seconds.</summary>
    public TimeSpan? Seconds(string name) => TryParseSeconds(Text(name), out var seconds) ? seconds : null;

    public double? Number(string name) =>
        double.TryParse(Text(name), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>What is not among <paramref name="known"/>, as an attribute list.</summary>
    public string Others(params ReadOnlySpan<string> known)
    {
        var others = new List<string>();
        foreach (var (name, value, quoted) in _attributes)
        {
            if (!known.Contains(name))
                others.Add(quoted ? $"{name}=\"{value}\"" : $"{name}={value}");
        }

        return string.Join(',', others);
    }

    /// <summary>Not negative, at most a day; more decimals than 100 ns are rounded.</summary>
    public static bool TryParseSeconds(ReadOnlySpan<char> text, out TimeSpan seconds)
    {
        const NumberStyles style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite
            | NumberStyles.AllowTrailingWhite;
        seconds = default;
        if (!decimal.TryParse(text, style, CultureInfo.InvariantCulture, out var value) || value > MaxSeconds)
            return false;
        seconds = TimeSpan.FromTicks((long)decimal.Round(value * TimeSpan.TicksPerSecond));
        return true;
    }

    private static string Unquoted(ReadOnlySpan<char> value) => value.Trim().ToString().Replace("\"", "");

    private static bool IsName(string name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                return false;
        }

        return name.Length > 0;
    }
}
