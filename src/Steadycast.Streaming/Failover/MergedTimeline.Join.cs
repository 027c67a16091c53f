using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <remarks>How a playlist begins: the first one, and the one after the numbers jumped.</remarks>
internal sealed partial class MergedTimeline
{
    /// <summary>
    /// Whether no origin has, or will have, the next number, while one goes on above: a new window has to begin.
    /// </summary>
    private bool HasJumped(SegmentRecord last, TimeSpan now)
    {
        var msn = last.Msn + 1;
        if (!_slots.TryGetValue(msn, out var slot) || slot.InFlight)
            return false;
        if (slot.LostSince is not { } since || now - since < GapPatience)
            return false;
        var target = Published!.TargetDurationSeconds;
        if (FindCandidate(msn, target) is not null)
            return false;
        var ahead = All.Where(v => v.Edge >= msn && v.Index!.Segments[^1].EpochId >= Fence).ToList();
        return ahead.Count > 0 && !ahead.Any(v => v.Index!.TargetDurationSeconds == target
            && v.Find(Math.Max(msn, v.Index.First)) is { } later && CanBridge(last, later));
    }

    /// <summary>Collects a window to begin with, whole where that is quick, and publishes it at one stroke.</summary>
    /// <param name="floor">The lowest number that may be used.</param>
    private Publication? Join(long floor, TimeSpan now)
    {
        _joiningSince ??= now;
        // What a peer shows is where viewers are: it is worth a moment, and what is older than that is not wanted.
        if (Published is null && Peers.Any(p => p.IsUnknown) && now - _joiningSince < _policy.PeerPatience)
            return null;
        floor = Math.Max(floor, Peers.Max(p => p.Index?.First) ?? 0);
        var source = All
            .Where(v => v.Edge >= floor && v.Index!.Segments[^1].EpochId >= Fence)
            .OrderByDescending(v => v.Edge).ThenBy(v => v != Active.Current).ThenBy(v => v.Rank)
            .FirstOrDefault();
        if (source is null)
        {
            EndJoin();
            return null;
        }

        var target = source.Index!.TargetDurationSeconds;
        var low = source.Edge;
        while (low > floor && source.Edge - low < _policy.MaxJoin && FindCandidate(low - 1, target) is not null)
            low--;
        _join = new Span(low, source.Edge, target);
        var window = Collected(now);
        return window.Count == 0
            ? null
            : Publish([.. Renumbered(window)], window, target, now, newWindow: Published is not null);
    }

    private void EndJoin() => (_join, _joiningSince) = (null, null);

    /// <summary>
    /// The fetched records up to the highest fetched one without a hole; empty while waiting for more is better.
    /// </summary>
    private List<SegmentRecord> Collected(TimeSpan now)
    {
        var (low, high, target) = _join!.Value;
        var top = high;
        while (top >= low && !IsReady(top, target))
            top--;
        var bottom = top;
        if (top < low)
            return [];
        // Two ingests may have used the same numbers: epochs that mix end the window.
        while (bottom - 1 >= low && IsReady(bottom - 1, target)
               && _slots[bottom - 1].Record!.EpochId <= _slots[bottom].Record!.EpochId)
            bottom--;
        var window = new List<SegmentRecord>();
        for (var msn = bottom; msn <= top; msn++)
            window.Add(_slots[msn].Record!);
        // A number that failed ends the window below it; one that was not tried yet may still come.
        var settled = bottom == low || IsReady(bottom - 1, target)
            || (_slots.TryGetValue(bottom - 1, out var below) && below is { InFlight: false, LostSince: not null });
        var enough = window.Sum(r => r.Duration) >= 3 * target * Ticks.PerSecond;
        var patient = now - _joiningSince < _policy.JoinPatience;
        return (settled && high - top <= 1) || (!patient && (enough || settled)) ? window : [];
    }

    private bool IsReady(long msn, int target) =>
        _slots.TryGetValue(msn, out var slot) && IsUsable(slot, target);

    /// <summary>A new window's records; its first continues the published discontinuity sequence.</summary>
    private IEnumerable<SegmentRecord> Renumbered(List<SegmentRecord> window)
    {
        var record = window[0];
        if (Published?.Segments[^1] is { } last)
        {
            // Within one timeline times still agree with what players know; across timelines nothing does.
            var breaks = record.Discontinuity || record.Timeline != last.Timeline;
            var sequence = Math.Max(record.DiscontinuitySequence, last.DiscontinuitySequence + (breaks ? 1 : 0));
            if (breaks != record.Discontinuity || sequence != record.DiscontinuitySequence)
                record = record with { Discontinuity = breaks, DiscontinuitySequence = sequence };
        }

        foreach (var next in window)
        {
            foreach (var map in _slots[next.Msn].Maps)
                _window.AddMap(map);
            record = next.Msn == record.Msn ? record : Follow(record, next, _slots[next.Msn].Maps);
            yield return record;
        }
    }

    private readonly record struct Span(long Low, long High, int Target);
}
