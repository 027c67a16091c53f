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

        return index.FindObject(name)?.Sha256;
    }

    /// <summary>What the index lists by this name, in whichever of its playlists; null: no such thing.</summary>
    public static ObjectRecord? FindObject(this StreamIndex index, string name)
    {
        foreach (var segment in index.Segments)
        {
            if (segment.Gap)
                continue;
            foreach (var listed in segment.Objects)
            {
                if (listed.Uri == name)
                    return listed;
            }
        }

        return null;
    }

    /// <summary>
    /// The longest that a live edge stands still: section 6.2.1, "no later than 1.5 times the target duration".
    /// </summary>
    public static TimeSpan Patience(this StreamIndex index) => TimeSpan.FromSeconds(1.5 * index.TargetDurationSeconds);
}
