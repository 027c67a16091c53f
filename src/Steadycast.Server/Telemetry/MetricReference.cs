using System.Collections.Frozen;
using System.Reflection;

namespace Steadycast.Server.Telemetry;

/// <summary>
/// What each metric means, from the reference page itself (docs/4-reference/metrics.md, embedded): the page, the help
/// text of a scrape and the program cannot say different things.
/// </summary>
internal static class MetricReference
{
    private static readonly FrozenDictionary<string, string> Meanings = Load();

    /// <summary>The names that the page lists.</summary>
    public static IEnumerable<string> Names => Meanings.Keys;

    /// <summary>The meaning of a metric; empty when the page does not list it.</summary>
    public static string MeaningOf(string name) => Meanings.GetValueOrDefault(name, "");

    private static FrozenDictionary<string, string> Load()
    {
        using var page = Assembly.GetExecutingAssembly().GetManifestResourceStream("metrics.md")!;
        using var reader = new StreamReader(page);
        var meanings = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            // | `name` | type | labels | meaning |
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length >= 6 && cells[1].StartsWith('`') && cells[1].EndsWith('`'))
                meanings[cells[1].Trim('`')] =
                    Sentence(string.Join('|', cells[4..^1]).Replace("`", "", StringComparison.Ordinal));
        }

        return meanings.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string Sentence(string text) =>
        text.Length == 0 ? "" : char.ToUpperInvariant(text[0]) + text[1..] + (text.EndsWith('.') ? "" : ".");
}
