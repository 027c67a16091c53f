namespace Steadycast.Server.Drills;

/// <summary>
/// Drills in rounds: all of them once, then all of them again; however early it ends, each was taken about as often.
/// </summary>
internal sealed class DrillQueue(IReadOnlyList<Drill> drills, int repeat)
{
    private readonly Lock _gate = new();
    private readonly List<(int Round, Drill Drill)> _left =
        [.. Enumerable.Range(1, repeat).SelectMany(round => drills.Select(drill => (round, drill)))];

    /// <summary>Takes the next one that can be done.</summary>
    /// <returns>Null when none is left that can.</returns>
    public (int Round, Drill Drill)? Take(Func<Drill, bool> can)
    {
        lock (_gate)
        {
            var at = _left.FindIndex(next => can(next.Drill));
            if (at < 0)
                return null;
            var taken = _left[at];
            _left.RemoveAt(at);
            return taken;
        }
    }
}
