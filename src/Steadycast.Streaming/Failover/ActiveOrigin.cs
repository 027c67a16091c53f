namespace Steadycast.Streaming.Failover;

/// <summary>
/// Which origin is asked first and named to the operator: left at once when it fails, returned to late. Pure.
/// </summary>
/// <remarks>
/// In lockstep the published edge comes from all origins together, so this is bookkeeping: a viewer sees nothing of it
/// either way. Of other origins the active one alone is shown, and each change is a discontinuity.
/// </remarks>
internal sealed class ActiveOrigin(TimeSpan hold)
{
    private static readonly TimeSpan MaxHold = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan FlapMemory = TimeSpan.FromMinutes(10);

    private readonly Queue<TimeSpan> _left = new();
    private readonly Dictionary<OriginView, TimeSpan> _freshSince = [];
    private TimeSpan? _startedAt;
    private bool _pinIsNew;

    public OriginView? Current { get; private set; }

    /// <summary>
    /// The origin that an operator prefers to all others, until it is released; left all the same when it is ill.
    /// </summary>
    public OriginView? Pinned { get; private set; }

    /// <summary>
    /// The one that an earlier process left off with: preferred at the start, where going on with it leaves no seam.
    /// </summary>
    public OriginView? Before { get; set; }

    /// <summary>At the start the preferred one may be a moment later than the others.</summary>
    public TimeSpan StartPatience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a preferred origin has to be fresh before it is active again; doubles with each flap.
    /// </summary>
    public TimeSpan Hold
    {
        get
        {
            var doubled = hold * Math.Pow(2, Math.Clamp(_left.Count - 1, 0, 20));
            return hold > MaxHold || doubled < MaxHold ? doubled : MaxHold;
        }
    }

    /// <summary>Makes an origin the most preferred one, and active at once, or as soon as it is healthy.</summary>
    public void Pin(OriginView view) => (Pinned, _pinIsNew) = (view, true);

    public void Release() => (Pinned, _pinIsNew) = (null, false);

    /// <summary>Call after freshness was judged; null when nothing changes.</summary>
    public OriginChange? Judge(IReadOnlyList<OriginView> views, TimeSpan now)
    {
        _startedAt ??= now;
        while (_left.TryPeek(out var oldest) && now - oldest > FlapMemory)
            _left.Dequeue();
        foreach (var view in views)
        {
            if (view.Freshness == Freshness.Fresh)
                _freshSince.TryAdd(view, now);
            else
                _freshSince.Remove(view);
        }

        if (Current is null)
            return Choose(views, now);
        if (ReasonToLeave(Current, now) is { } reason && BestOther(views, Current) is { } other)
        {
            if (OrderOf(other) > OrderOf(Current))
                _left.Enqueue(now);
            return MoveTo(other, reason);
        }

        if (_pinIsNew && Pinned is { Freshness: Freshness.Fresh } pinned)
        {
            _pinIsNew = false;
            return pinned == Current ? null : MoveTo(pinned, "pin");
        }

        foreach (var view in views.OrderBy(OrderOf))
        {
            if (OrderOf(view) >= OrderOf(Current))
                break;
            if (_freshSince.TryGetValue(view, out var since) && now - since >= Hold)
                return MoveTo(view, "return");
        }

        return null;
    }

    private int OrderOf(OriginView view) => view == Pinned ? -1 : view.Rank;

    private OriginChange? Choose(IReadOnlyList<OriginView> views, TimeSpan now)
    {
        var best = views.Where(v => v.Freshness == Freshness.Fresh).MinBy(StartOrderOf);
        if (best is null)
            return null;
        var better = views.Any(v => StartOrderOf(v) < StartOrderOf(best) && v.Freshness == Freshness.Unknown);
        return better && now - _startedAt < StartPatience ? null : MoveTo(best, "start");

        int StartOrderOf(OriginView view) => view == Pinned ? -2 : view == Before ? -1 : view.Rank;
    }

    private static string? ReasonToLeave(OriginView view, TimeSpan now) => view.Freshness switch
    {
        Freshness.Down => "down",
        Freshness.Stale => "stale",
        Freshness.Quarantined => "media",
        Freshness.Lagging when now - view.BehindSince > TimeSpan.FromSeconds(0.5 * view.TargetDurationSeconds) =>
            "lagging",
        _ => null,
    };

    /// <summary>Only a healthy one will do; when all are ill, staying is as good as going.</summary>
    private OriginView? BestOther(IReadOnlyList<OriginView> views, OriginView current) =>
        views.Where(v => v != current && v.Freshness == Freshness.Fresh).MinBy(OrderOf);

    private OriginChange MoveTo(OriginView view, string reason)
    {
        var change = new OriginChange(Current, view, reason);
        Current = view;
        return change;
    }
}

/// <summary>The active origin changed.</summary>
/// <param name="From">Null at the start.</param>
/// <param name="Reason"><c>start</c>, <c>down</c>, <c>stale</c>, <c>lagging</c>, <c>media</c>,
/// <c>return</c> or <c>pin</c>.</param>
internal sealed record OriginChange(OriginView? From, OriginView To, string Reason);
