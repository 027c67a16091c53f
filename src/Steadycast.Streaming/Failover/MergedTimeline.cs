using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// One stream's published timeline, fed from the union of what all origins hold: which segment comes next, from where,
/// and when to give one up. Pure: told what happened and what time it is, it says what to fetch and what to publish.
/// </summary>
/// <remarks>
/// Not thread-safe: one loop owns it. A segment is published only after <see cref="Fetched"/> said that its validated
/// bytes are in the cache. Published records never change; numbers only grow; each result passed <see
/// cref="PublishGuard"/>.
/// </remarks>
internal sealed partial class MergedTimeline : ITimeline
{
    /// <summary>How far above the edge fetching may run: a switch that was away catches up from here.</summary>
    private const int MaxAhead = 64;

    /// <summary>Ten seconds at 50 Mb/s; several are in memory at one time.</summary>
    private const int MaxSegmentBytes = 64 << 20;

    private readonly SwitchPolicy _policy;
    private readonly SortedDictionary<long, Slot> _slots = [];
    private readonly PublishedWindow _window;
    private readonly string _stream;
    private int _running;
    private TimeSpan? _joiningSince;
    private Span? _join;

    /// <param name="origins">Names, in order of preference.</param>
    /// <param name="peers">Names of the other switches that the same viewers come to.</param>
    public MergedTimeline(
        string stream, IEnumerable<string> origins, SwitchPolicy policy, IEnumerable<string>? peers = null)
    {
        _stream = stream;
        _policy = policy;
        _window = new PublishedWindow(stream);
        Views = [.. origins.Select((name, rank) => new IndexView(name, rank))];
        Peers = [.. (peers ?? []).Select((name, place) => new IndexView(name, Views.Length + place))];
        All = [.. Views, .. Peers];
        Active = new ActiveOrigin(policy.ReturnHold);
    }

    /// <summary>The origins, by rank.</summary>
    public ImmutableArray<IndexView> Views { get; }

    /// <summary>
    /// The other switches, after the origins in rank. What one of them has published stands: viewers have seen it.
    /// </summary>
    public ImmutableArray<IndexView> Peers { get; }

    /// <summary>Origins and peers, by rank.</summary>
    public ImmutableArray<IndexView> All { get; }

    ImmutableArray<OriginView> ITimeline.Origins => Views.CastArray<OriginView>();

    ImmutableArray<OriginView> ITimeline.OtherSwitches => Peers.CastArray<OriginView>();

    public ActiveOrigin Active { get; }

    public TimeSpan? EdgeSeenAt => All.Where(v => v.Edge >= Published?.Edge).Min(v => (TimeSpan?)v.AdvancedAt);

    /// <summary>What viewers see; null before anything could be had.</summary>
    public StreamIndex? Published => _window.Index;

    /// <summary>What deserves counting and a line in the log; the owner empties it.</summary>
    public Queue<TimelineNote> Notes => _window.Notes;

    public long? LagOf(OriginView view)
    {
        var best = Views.Where(v => !v.IsDown).Select(v => v.Edge).DefaultIfEmpty(-1).Max();
        return view.Edge < 0 ? 0 : Math.Max(0, best - view.Edge);
    }

    /// <summary>Takes up where an earlier process stopped.</summary>
    public void Restore(StreamIndex index) => _window.Restore(index);

    /// <summary>
    /// An origin's index, already checked to be consistent in itself. Returns what is wrong with it, or null.
    /// </summary>
    public string? Observe(IndexView view, StreamIndex index, TimeSpan now)
    {
        var fault = FindFault(index);
        if (fault is not null)
        {
            view.Fail(OriginFault.Garbage, fault, now);
            return fault;
        }

        if (Published is not null && index.Edge > Published.Edge && index.Segments[^1].EpochId < Fence
            && (view.Index is null || view.Edge != index.Edge))
            Notes.Enqueue(new TimelineNote(NoteKind.Fenced, view, index.Edge));
        view.Observe(index, now);
        _window.Lengthen(PublishedWindow.LengthOf(index.Segments));
        CompareWithPublished(view);
        return null;
    }

    /// <summary>Judges freshness anew; returns a change of the active origin, or null.</summary>
    public OriginChange? Judge(TimeSpan now)
    {
        FreshnessPolicy.Judge(Views, _policy.StaleAfter, now);
        foreach (var peer in Peers)
            peer.Freshness = peer switch
            {
                { IsDown: true } => Freshness.Down,
                { Index: null } => Freshness.Unknown,
                _ => Freshness.Fresh,
            };
        return Active.Judge(Views, now);
    }

    /// <summary>
    /// What to fetch now, at most as many as may run at one time; each is answered by one of the next two calls.
    /// </summary>
    public List<FetchOrder> TakeOrders(TimeSpan now)
    {
        var orders = new List<FetchOrder>();
        if ((_join?.Target ?? Published?.TargetDurationSeconds) is not { } target)
            return orders;
        foreach (var msn in WantedNumbers())
        {
            if (FindCandidate(msn, target) is not { Record.Gap: false } candidate)
                continue;
            var slot = SlotFor(msn);
            if (slot.InFlight && IsSame(slot.Record!, candidate.Record))
                slot.Order?.Join(candidate.Origins);
            if (_running >= _policy.Parallel)
                continue;
            if (slot.InFlight || (IsUsable(slot, target) && IsSame(slot.Record!, candidate.Record)))
                continue;
            var tried = candidate.Origins.All(slot.Tried.Contains);
            if (tried && slot.FailedAt is { } failed && now - failed < _policy.RetryAfter)
                continue;
            slot.Record = candidate.Record;
            slot.Maps = candidate.Maps;
            slot.Target = target;
            (slot.InFlight, slot.Ready) = (true, false);
            slot.Tried = candidate.Origins;
            _running++;
            slot.Order = new FetchOrder(candidate.Record, candidate.Maps, candidate.Origins, target);
            orders.Add(slot.Order);
        }

        return orders;
    }

    /// <summary>The bytes that <paramref name="record"/> promises, and its map's, are in the cache.</summary>
    /// <remarks>A number has one fetch at a time, so what ends is what its slot waits for, if it still waits.</remarks>
    public void Fetched(SegmentRecord record)
    {
        _running--;
        if (!_slots.TryGetValue(record.Msn, out var slot))
            return;
        (slot.InFlight, slot.Ready, slot.LostSince) = (false, true, null);
    }

    /// <summary>No candidate could deliver it.</summary>
    public void FetchFailed(SegmentRecord record, TimeSpan now)
    {
        _running--;
        if (!_slots.TryGetValue(record.Msn, out var slot))
            return;
        (slot.InFlight, slot.FailedAt, slot.LostSince) = (false, now, slot.LostSince ?? now);
    }

    /// <summary>Moves the edge as far as it can go; null when it stays where it is.</summary>
    public Publication? Advance(TimeSpan now)
    {
        if (Published is null)
            return Join(0, now);
        var added = new List<SegmentRecord>();
        var last = Published.Segments[^1];
        while (TakeNext(last, now) is { } next)
        {
            added.Add(next);
            last = next;
        }

        if (added.Count > 0)
        {
            EndJoin();
            var target = Published.TargetDurationSeconds;
            return Publish(Published.Segments.AddRange(added), added, target, now, newWindow: false);
        }

        if (_join is null && !HasJumped(last, now))
            return null;
        return Join(last.Msn + 1, now);
    }

    private uint Fence => Published?.Segments[^1].EpochId ?? 0;

    private static long End(SegmentRecord record) => record.Time + record.Duration;

    private string? FindFault(StreamIndex index)
    {
        if (index.Stream != _stream)
            return "it is the index of another stream";
        foreach (var segment in index.Segments)
        {
            // Section 4.4.3.1: "when rounded to the nearest integer, MUST be less than or equal to" it.
            if (segment.Duration >= (2 * index.TargetDurationSeconds + 1) * Ticks.PerSecond / 2)
                return $"segment {segment.Msn} is longer than the target duration";
            if (segment.Bytes > MaxSegmentBytes)
                return $"segment {segment.Msn} has more than {MaxSegmentBytes} bytes";
        }

        return null;
    }

    /// <summary>
    /// Origins must agree on every number; the one that was published first stays, the other one is reported.
    /// </summary>
    private void CompareWithPublished(IndexView view)
    {
        if (Published is null || view.Index is null)
            return;
        for (var msn = Math.Max(view.ComparedUpTo + 1, Math.Max(Published.First, view.Index.First));
             msn <= Math.Min(Published.Edge, view.Edge);
             msn++)
        {
            var (ours, theirs) = (Published.Segments[(int)(msn - Published.First)], view.Find(msn)!);
            if (!ours.Gap && !theirs.Gap && !IsSame(ours, theirs))
                Notes.Enqueue(new TimelineNote(NoteKind.Mismatch, view, msn));
            view.ComparedUpTo = msn;
        }
    }

    /// <summary>Whether two records stand for the same bytes at the same place of the same timeline.</summary>
    private static bool IsSame(SegmentRecord a, SegmentRecord b) =>
        a.Sha256 == b.Sha256 && a.Bytes == b.Bytes && a.Uri == b.Uri && a.MapUri == b.MapUri && Equals(a.Parts, b.Parts)
        && a.Duration == b.Duration && a.Time == b.Time && a.ProgramDateTimeMs == b.ProgramDateTimeMs
        && a.Timeline == b.Timeline;

    private IEnumerable<long> WantedNumbers()
    {
        if (_join is { } join)
        {
            for (var msn = join.High; msn >= join.Low; msn--)
                yield return msn;
            yield break;
        }

        if (Published is null)
            yield break;
        var top = Math.Min(Published.Edge + MaxAhead, All.Max(view => view.Edge));
        for (var msn = Published.Edge + 1; msn <= top; msn++)
            yield return msn;
    }

    /// <summary>The record to publish under a number, and who has it, best first.</summary>
    /// <param name="target">The target duration that its origin must announce: the published one, or a new
    /// window's.</param>
    private Candidate? FindCandidate(long msn, int target)
    {
        var preferred = Views
            .OrderBy(v => v.Freshness is Freshness.Down or Freshness.Quarantined)
            .ThenBy(v => v != Active.Current)
            .ThenBy(v => v.Rank)
            .ToList();
        if ((FindBest(Peers, msn, target) ?? FindBest(preferred, msn, target)) is not var (source, best))
            return null;
        var origins = preferred.Concat(Peers)
            .Where(v => v.Find(msn) is { } record && IsSame(record, best))
            .Select(v => v.Rank)
            .ToImmutableArray();
        return new Candidate(best, [.. source.MapsOf(best)], origins);
    }

    private (IndexView Source, SegmentRecord Record)? FindBest(IEnumerable<IndexView> views, long msn, int target)
    {
        (IndexView Source, SegmentRecord Record)? best = null;
        foreach (var view in views)
        {
            if (view.Index?.TargetDurationSeconds != target || view.Find(msn) is not { } record)
                continue;
            if (record.EpochId < Fence)
                continue;
            // The newer epoch wins, then bytes over a gap, then the first in order.
            var isBetter = best is not var (_, other)
                || record.EpochId > other.EpochId
                || (record.EpochId == other.EpochId && other.Gap && !record.Gap);
            if (isBetter)
                best = (view, record);
        }

        return best;
    }

    /// <summary>
    /// Whether what was fetched under a number can still be published: of an epoch that has ended since, or for a
    /// window that never began, it cannot. What it is offered as may have changed all the same.
    /// </summary>
    private bool IsUsable(Slot slot, int target) =>
        slot is { Ready: true, Record: { } record } && slot.Target == target && record.EpochId >= Fence;

    private Slot SlotFor(long msn)
    {
        if (!_slots.TryGetValue(msn, out var slot))
            _slots[msn] = slot = new Slot();
        return slot;
    }

    /// <summary>
    /// The record that follows <paramref name="last"/>: fetched, or given up by everybody for long enough.
    /// </summary>
    private SegmentRecord? TakeNext(SegmentRecord last, TimeSpan now)
    {
        var msn = last.Msn + 1;
        _slots.TryGetValue(msn, out var slot);
        var target = Published!.TargetDurationSeconds;
        if (slot is not null && IsUsable(slot, target))
        {
            if (slot.Record!.EpochId >= last.EpochId)
                return Follow(last, slot.Record, slot.Maps);
            _slots.Remove(msn);
            return null;
        }

        if (slot is { InFlight: true })
            return null;
        var candidate = FindCandidate(msn, target);
        if (candidate is not null && candidate.Record.EpochId < last.EpochId)
            candidate = null;
        if (candidate is { Record.Gap: true })
            return Follow(last, candidate.Record, maps: []);
        if (candidate is null && !All.Any(view => view.Edge > msn))
            return null;
        if (candidate is null)
            slot = MarkLost(msn, target, now);
        if (slot?.LostSince is not { } since || now - since < GapPatience)
            return null;
        if (FirstReadyAfter(last, announced: candidate is not null) is not { } later)
            return null;
        return GapAfter(last, candidate?.Record, later);
    }

    /// <summary>
    /// A number that nobody lists, and those after it of the same hole: they have all been missing since now.
    /// </summary>
    private Slot MarkLost(long msn, int target, TimeSpan now)
    {
        var slot = SlotFor(msn);
        slot.LostSince ??= now;
        for (var next = msn + 1; next < msn + _policy.MaxGaps && All.Any(view => view.Edge > next); next++)
        {
            if (FindCandidate(next, target) is not null)
                break;
            SlotFor(next).LostSince ??= now;
        }

        return slot;
    }

    private TimeSpan GapPatience => TimeSpan.FromSeconds(_policy.GapPatience * Published!.TargetDurationSeconds);

    /// <summary>
    /// A hole is only jumped when the other side of it is in our cache: waiting is cheaper for players than a gap.
    /// </summary>
    private SegmentRecord? FirstReadyAfter(SegmentRecord last, bool announced)
    {
        for (var msn = last.Msn + 2; msn <= last.Msn + 1 + _policy.MaxGaps; msn++)
        {
            if (_slots.TryGetValue(msn, out var slot) && slot.Ready && (announced || CanBridge(last, slot.Record!)))
                return slot.Record;
        }

        return null;
    }

    /// <summary>
    /// EXT-X-GAP after <paramref name="last"/>: as it was announced, or an equal part of the time that is missing.
    /// </summary>
    private SegmentRecord GapAfter(SegmentRecord last, SegmentRecord? announced, SegmentRecord later)
    {
        if (announced is not null)
            return Follow(last, announced with { Gap = true, Bytes = 0, Parts = null, Sha256 = "" }, maps: []);
        var msn = last.Msn + 1;
        var duration = (later.Time - End(last)) / (later.Msn - msn);
        return last with
        {
            Msn = msn,
            Uri = $"{msn}{Path.GetExtension(last.Uri)}",
            Time = End(last),
            Duration = duration,
            ProgramDateTimeMs = last.ProgramDateTimeMs + (End(last) - last.Time) / 90,
            Discontinuity = false,
            Gap = true,
            Bytes = 0,
            Parts = null,
            Sha256 = "",
        };
    }

    /// <summary>
    /// Whether the numbers missing before <paramref name="later"/> are plain lost segments of one timeline.
    /// </summary>
    private bool CanBridge(SegmentRecord last, SegmentRecord later)
    {
        var missing = later.Msn - last.Msn - 1;
        if (missing < 1 || missing > _policy.MaxGaps || later.Timeline != last.Timeline)
            return false;
        var each = (later.Time - End(last)) / missing;
        return each > 0 && each < (2 * Published!.TargetDurationSeconds + 1) * Ticks.PerSecond / 2;
    }

    /// <summary>
    /// The record as it is published after <paramref name="last"/>. For origins in lockstep that is the record itself.
    /// </summary>
    /// <remarks>
    /// The discontinuity sequence is counted on from what was published, and a step in time that nobody announced is a
    /// discontinuity all the same: after a jump or between origins that do not match, viewers' numbers still hold.
    /// </remarks>
    private SegmentRecord Follow(SegmentRecord last, SegmentRecord record, ImmutableArray<MapRecord> maps)
    {
        foreach (var map in maps)
            _window.AddMap(map);
        var breaks = record.Discontinuity || record.Time != End(last) || record.Timeline != last.Timeline;
        var sequence = last.DiscontinuitySequence + (breaks ? 1 : 0);
        if (record.Gap && record.MapUri != last.MapUri)
            record = record with { MapUri = last.MapUri };
        return breaks == record.Discontinuity && sequence == record.DiscontinuitySequence
            ? record
            : record with { Discontinuity = breaks, DiscontinuitySequence = sequence };
    }

    private Publication? Publish(
        ImmutableArray<SegmentRecord> segments,
        List<SegmentRecord> added,
        int target,
        TimeSpan now,
        bool newWindow)
    {
        var holders = All.Where(v => v.Find(segments[^1].Msn) is not null);
        var source = holders.OrderBy(v => v != Active.Current).FirstOrDefault()?.Index
            ?? Published ?? All.First(v => v.Index is not null).Index!;
        EndJoin();
        var publication = _window.Publish(
            segments, added, target, source.IndependentSegments, source.Variant, newWindow, source.Audio);
        if (publication is not { } done)
        {
            foreach (var slot in _slots.Values)
                (slot.Ready, slot.FailedAt) = (false, now);
            return null;
        }

        while (_slots.Count > 0 && _slots.Keys.First() <= done.Index.Edge)
            _slots.Remove(_slots.Keys.First());
        foreach (var view in All)
            CompareWithPublished(view);
        return done;
    }

    /// <summary>A number above the published edge that has been tried, or missed.</summary>
    private sealed class Slot
    {
        public SegmentRecord? Record { get; set; }

        public ImmutableArray<MapRecord> Maps { get; set; } = [];

        /// <summary>The target duration that it was fetched under.</summary>
        public int Target { get; set; }

        public bool InFlight { get; set; }

        /// <summary>The last one, under way while it is in flight.</summary>
        public FetchOrder? Order { get; set; }

        public bool Ready { get; set; }

        public TimeSpan? FailedAt { get; set; }

        /// <summary>Since when nobody can deliver it, though somebody is further.</summary>
        public TimeSpan? LostSince { get; set; }

        public ImmutableArray<int> Tried { get; set; } = [];
    }

    private sealed record Candidate(
        SegmentRecord Record, ImmutableArray<MapRecord> Maps, ImmutableArray<int> Origins);
}
