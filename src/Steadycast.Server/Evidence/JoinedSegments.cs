namespace Steadycast.Server.Evidence;

/// <summary>
/// The kept segments as files that any player opens: one per stretch, initialisation section first.
/// </summary>
internal static class JoinedSegments
{
    /// <summary>A stream that breaks at every segment would make a file of each.</summary>
    private const int MaxFiles = 20;

    /// <returns>Paths below <paramref name="folder"/>, the first 20.</returns>
    public static async Task<IReadOnlyList<string>> WriteAsync(
        string folder, KeptSegments segments, CancellationToken cancellationToken)
    {
        var files = new List<string>();
        foreach (var stretch in segments.Stretches().Take(MaxFiles))
        {
            var extension = stretch[0].Map is not null ? "mp4" : Path.GetExtension(stretch[0].File)[1..];
            var name = Path.Combine("joined", $"{stretch[0].Msn}-{stretch[^1].Msn}.{extension}");
            await using var joined = File.Create(Path.Combine(folder, name));
            foreach (var part in stretch.Select(s => s.File).Prepend(stretch[0].Map))
            {
                if (part is null)
                    continue;
                await using var file = File.OpenRead(Path.Combine(folder, "segments", part));
                await file.CopyToAsync(joined, cancellationToken);
            }

            files.Add(name);
        }

        return files;
    }
}
