namespace Steadycast.Streaming.Viewing;

/// <summary>Counts every seam and keeps the first ones: a stream broken throughout must not fill memory.</summary>
internal sealed class SeamLog(int capacity)
{
    private readonly List<Seam> _kept = [];
    private readonly int[] _counts = new int[Enum.GetValues<SeamKind>().Length];

    public IReadOnlyList<Seam> Kept => _kept;

    public int Total { get; private set; }

    public int Count(SeamKind kind) => _counts[(int)kind];

    public void Add(SeamKind kind, TimeSpan at, long? msn, string detail, double? seconds = null)
    {
        Total++;
        _counts[(int)kind]++;
        if (_kept.Count < capacity)
            _kept.Add(new Seam(kind, Math.Round(at.TotalSeconds, 3), msn, Rounded(seconds), detail));
    }

    private static double? Rounded(double? seconds) => seconds is { } s ? Math.Round(s, 3) : null;
}
