using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Origin;

/// <summary>Questions that serving asks of an index.</summary>
internal static class IndexLookup
{
    /// <summary>What the index promises of an object, in lower-case hex; null when it does not name it.</summary>
    public static string? HashOf(this StreamIndex index, string name)
    {
        foreach (var map in index.Maps)
        {
            if (map.Uri == name)
                return map.Sha256;
        }

        foreach (var segment in index.Segments)
        {
            if (segment.Uri == name && !segment.Gap)
                return segment.Sha256;
        }

        return null;
    }

    /// <summary>
    /// The longest that a live edge stands still: section 6.2.1, "no later than 1.5 times the target duration".
    /// </summary>
    public static TimeSpan Patience(this StreamIndex index) => TimeSpan.FromSeconds(1.5 * index.TargetDurationSeconds);
}
