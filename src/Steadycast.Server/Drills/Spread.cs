namespace Steadycast.Server.Drills;

/// <summary>One figure over all repetitions of a drill, by nearest rank.</summary>
/// <param name="Count">In how many repetitions it was there at all.</param>
internal sealed record Spread(int Count, double P50, double P99, double Worst)
{
    /// <returns>Null when no repetition had the figure.</returns>
    public static Spread? Of(IEnumerable<double?> values)
    {
        var sorted = values.OfType<double>().Order().ToArray();
        return sorted.Length == 0 ? null : new Spread(sorted.Length, Rank(0.5), Rank(0.99), sorted[^1]);

        double Rank(double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }
}
