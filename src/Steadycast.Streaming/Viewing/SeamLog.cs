namespace Steadycast.Streaming.Viewing;

/// <summary>Counts every seam and keeps the first ones: a stream that is broken throughout must not fill the memory.</summary>
internal sealed class SeamLog(int capacity)
{
    private readonly List<Seam> kept = [];
    private readonly int[] counts = new int[Enum.GetValues<SeamKind>().Length];

    public IReadOnlyList<Seam> Kept => kept;

    public int Total { get; private set; }

    public int Count(SeamKind kind) => counts[(int)kind];

    public void Add(SeamKind kind, TimeSpan at, long? msn, string detail, double? seconds = null)
    {
        Total++;
        counts[(int)kind]++;
        if (kept.Count < capacity)
            kept.Add(new Seam(kind, Math.Round(at.TotalSeconds, 3), msn, Rounded(seconds), detail));
    }

    private static double? Rounded(double? seconds) => seconds is { } s ? Math.Round(s, 3) : null;
}
