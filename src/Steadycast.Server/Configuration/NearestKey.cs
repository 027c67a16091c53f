namespace Steadycast.Server.Configuration;

/// <summary>The known word that a misspelt one was probably meant to be.</summary>
internal static class NearestKey
{
    /// <summary>
    /// The nearest of <paramref name="known"/>, or null when none is near: more than a third would have to change.
    /// </summary>
    public static string? Find(string word, IEnumerable<string> known)
    {
        var plain = Plain(word);
        var best = known
            .Select(k => (Key: k, Distance: Distance(plain, Plain(k))))
            .OrderBy(x => x.Distance)
            .FirstOrDefault();
        return best.Key is not null && best.Distance <= Math.Max(1, best.Key.Length / 3) ? best.Key : null;
    }

    /// <summary>
    /// Case, dashes and underscores are how the same word is spelt elsewhere: listenAddr, listen-addr.
    /// </summary>
    private static string Plain(string key) =>
        new([.. key.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant).Take(64)]);

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
