using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// One stream's published timeline, made from origins that are not ours: one of them at a time is followed by its own
/// numbers, and where another one takes over there is a seam, one EXT-X-DISCONTINUITY. Pure: told what happened and
/// what time it is, it says what to fetch and what to publish.
/// </summary>
/// <remarks>
/// Not thread-safe: one loop owns it. Numbers are its own, and only grow. Nothing is published before its bytes are in
/// the cache, so a switch to an origin that cannot deliver costs viewers nothing, and no seam.
/// </remarks>
internal sealed partial class SplicedTimeline : ITimeline
{
    /// <summary>How far above the last segment fetching may run: a switch that was away catches up from here.</summary>
    private const int MaxAhead = 64;

    /// <summary>In target durations: how long a seam may wait for the segment that leaves nothing out.</summary>
    private const int SeamPatience = 5;

    /// <summary>Names of published segments that are not published again: two hours of two-second ones.</summary>
    private const int MaxRemembered = 4096;

    /// <summary>Numbers begin at the clock, so that they are above all that were forgotten.</summary>
    private const long NumbersBeginUtcMs = 1_735_689_600_000; // 2025-01-01

    /// <summary>Shorter than any segment that is worth a request: the count can never overtake the clock.</summary>
    private const long ClockMsPerNumber = 200;

    private readonly SwitchPolicy _policy;
    private readonly PublishedWindow _window;
    private readonly long _startedUtcMs;
    private readonly Dictionary<SourceKey, Slot> _slots = [];

    // The last segment that was published or passed over, and whether something is missing after it.
    private SourceSegment? _last;
    private PlaylistView? _lastView;
    private bool _broken;

    private (PlaylistView View, SourceSegment Segment)? _published;
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly Queue<string> _usedInOrder = [];
    private Seam? _seam;
    private TimeSpan? _joiningSince;
    private int _running;

    /// <param name="origins">Names, in order of preference.</param>
    /// <param name="startedAt">What the wall clock says when the time that is told is 0.</param>
    public SplicedTimeline(
        string stream, IEnumerable<string> origins, SwitchPolicy policy, DateTimeOffset startedAt)
    {
        _policy = policy;
        _window = new PublishedWindow(stream);
        _startedUtcMs = startedAt.ToUnixTimeMilliseconds();
        Views = [.. origins.Select((name, rank) => new PlaylistView(name, rank))];
        Active = new ActiveOrigin(policy.ReturnHold);
    }

    /// <summary>The origins, by rank.</summary>
    public ImmutableArray<PlaylistView> Views { get; }

    ImmutableArray<OriginView> ITimeline.Origins => Views.CastArray<OriginView>();

    ImmutableArray<OriginView> ITimeline.OtherSwitches => [];

    public ActiveOrigin Active { get; }

    public TimeSpan? EdgeSeenAt => _published?.Segment.SeenAt;

    /// <summary>What viewers see; null before anything could be had.</summary>
    public StreamIndex? Published => _window.Index;

    /// <summary>What deserves counting and a line in the log; the owner empties it.</summary>
    public Queue<TimelineNote> Notes => _window.Notes;

    public long? LagOf(OriginView view) => null;

    /// <summary>Takes up where an earlier process stopped.</summary>
    public void Restore(StreamIndex index)
    {
        _window.Restore(index);
        Active.Before = Views.FirstOrDefault(view => SourceName.IsOf(view.Name, index.Segments[^1].Uri, out _));
    }

    /// <summary>What an origin offers now; one that cannot stand for what is published has failed.</summary>
    public void Observe(PlaylistView view, SourceOffer offer, TimeSpan now)
    {
        if (ReferenceEquals(view.Offer, offer))
        {
            view.Alive();
            return;
        }

        try
        {
            var playlist = Published is { } index ? offer.JoinedFor(index.Playlists) : offer.Joined();
            view.Observe(playlist, now);
            view.Offer = offer;
        }
        catch (FormatException e)
        {
            view.Fail(OriginFault.Garbage, $"playlist: {e.Message}", now);
            return;
        }

        _window.Lengthen(Ticks.ToSpan(view.Segments.TakeLast(_policy.MaxJoin).Sum(s => s.Duration)));
    }

    /// <summary>Judges freshness anew; returns a change of the active origin, or null.</summary>
    public OriginChange? Judge(TimeSpan now)
    {
        PlaylistFreshness.Judge(Views, _policy.StaleAfter, now);
        // Until it has moved once, nobody knows whether the preferred one is alive.
        var target = Views.Max(v => v.TargetDurationSeconds);
        Active.StartPatience = TimeSpan.FromSeconds(Math.Max(1, 2 * target));
        return Active.Judge(Views, now);
    }

    /// <summary>
    /// What to fetch now, at most as many as may run at one time; each is answered by one of the next two calls.
    /// </summary>
    public List<SourceOrder> TakeOrders(TimeSpan now)
    {
        var orders = new List<SourceOrder>();
        if (Active.Current is not PlaylistView view)
            return orders;
        foreach (var segment in Wanted(view, now))
        {
            if (_running >= _policy.Parallel)
                break;
            var key = new SourceKey(view.Rank, segment.Run, segment.Msn);
            var slot = SlotFor(key);
            if (slot.InFlight || slot.Media is not null || now - slot.FailedAt < _policy.RetryAfter)
                continue;
            slot.InFlight = true;
            _running++;
            orders.Add(new SourceOrder(key, segment, TargetFor(view), NamesFor(view)));
        }

        return orders;
    }

    /// <summary>The segment's bytes look like media, and are in the cache as <paramref name="media"/> says.</summary>
    public void Fetched(SourceKey key, SourceMedia media)
    {
        _running--;
        Views[key.Rank].MediaDelivered();
        if (_slots.TryGetValue(key, out var slot))
            (slot.InFlight, slot.Media, slot.LostSince) = (false, media, null);
    }

    /// <summary>The origin could not deliver it.</summary>
    public void FetchFailed(SourceKey key, TimeSpan now)
    {
        _running--;
        if (_slots.TryGetValue(key, out var slot))
            (slot.InFlight, slot.FailedAt, slot.LostSince) = (false, now, slot.LostSince ?? now);
    }

    /// <summary>Moves the edge as far as it can go; null when it stays where it is.</summary>
    public Publication? Advance(TimeSpan now)
    {
        if (Active.Current is not PlaylistView view)
            return null;
        if (Published is null)
            return Join(view, now);
        var added = new List<SegmentRecord>();
        var target = Published.TargetDurationSeconds;
        var newWindow = false;
        while (!newWindow && Next(view, now) is { } next && Consume(view, next, ref target, ref newWindow, now))
        {
            if (_slots[KeyOf(view, next)].Media is { } media)
                added.Add(Append(view, next, media, added.Count > 0 ? added[^1] : Published.Segments[^1]));
        }

        Forget(view);
        if (added.Count == 0)
            return null;
        ImmutableArray<SegmentRecord> segments =
            newWindow ? [added[^1]] : Published.Segments.AddRange(added);
        return _window.Publish(
            segments, added, target, view.IndependentSegments, Variant, newWindow, playlists: Published.Playlists);
    }

    private VariantInfo Variant => Published?.Variant ?? new VariantInfo(0, 0, "", 0, 0, 0);

    private static SourceKey KeyOf(PlaylistView view, SourceSegment segment) =>
        new(view.Rank, segment.Run, segment.Msn);

    /// <summary>What the playlist says, or will say once there is one; the longest of all who are heard.</summary>
    private int TargetFor(PlaylistView view) => Published?.TargetDurationSeconds
        ?? Views.Where(v => !v.IsDown).Append(view).Max(v => v.TargetDurationSeconds);

    private ImmutableArray<string> NamesFor(PlaylistView view) =>
        (Published is { } index ? index.Playlists : view.Offer?.Set.Playlists)?.Names ?? [ObjectName.MediaPlaylist];

    private bool IsFollowing(PlaylistView view) => _lastView == view && _last?.Run == view.Run;

    /// <summary>The segment that comes after what is published; null while there is none.</summary>
    private SourceSegment? Next(PlaylistView view, TimeSpan now)
    {
        if (!IsFollowing(view))
            return AtSeam(view, now);
        _seam = null;
        if (view.Find(_last!.Msn + 1) is { } next)
            return next;
        // It left the origin's window before it could be had.
        return view.Segments[0] is { } first && first.Msn > _last.Msn + 1 ? first : null;
    }

    private SourceSegment? AtSeam(PlaylistView view, TimeSpan now)
    {
        if (_seam is { } seam && seam.View == view && seam.Run == view.Run && view.Find(seam.Msn) is { } chosen)
            return chosen;
        var since = _seam?.View == view ? _seam.Value.Since : now;
        var patient = now - since < TimeSpan.FromSeconds(SeamPatience * Published!.TargetDurationSeconds);
        var segment = SeamRule.Choose(view, EndPoint(), UsedUpTo(view), patient);
        _seam = new Seam(view, view.Run, segment?.Msn ?? -1, since);
        return segment;
    }

    private SeamPoint EndPoint()
    {
        if (_published is ({ } view, { } segment))
            return new SeamPoint(segment.DateEndMs, view.DateOffsetMs, segment.SeenAt);
        var record = Published!.Segments[^1];
        return new SeamPoint(record.ProgramDateTimeMs + record.Duration / 90, DateOffsetMs: null, SeenAt: null);
    }

    /// <summary>The newest of this origin's segments that was published, if it still counts the same way.</summary>
    private long UsedUpTo(PlaylistView view)
    {
        if (view.LastUsed is { } used)
            return used.Run == view.Run ? used.Msn : -1;
        foreach (var record in Published!.Segments.AsEnumerable().Reverse())
        {
            if (SourceName.IsOf(view.Name, record.Uri, out var msn))
                return MayBeFrom(view, record, msn) ? msn : -1;
        }

        return -1;
    }

    /// <summary>After a restart: whether the origin still means the same segment by this number.</summary>
    private static bool MayBeFrom(PlaylistView view, SegmentRecord record, long msn) => view.EdgeDateMs is null
        ? msn >= view.Segments[0].Msn - 1 && msn <= view.Edge
        : IsSameMoment(view.Find(msn)?.DateMs, record.ProgramDateTimeMs);

    private static bool IsSameMoment(long? dateMs, long otherMs) => dateMs is { } a && Math.Abs(a - otherMs) <= 500;

    /// <summary>
    /// Whether the timeline moves over this segment, with it or without it; false while it has to be waited for.
    /// </summary>
    private bool Consume(PlaylistView view, SourceSegment next, ref int target, ref bool newWindow, TimeSpan now)
    {
        var slot = SlotFor(KeyOf(view, next));
        if (next.Gap || (slot.Media is null && IsLost(view, next, slot, target, now)))
            return Skip(view, next, slot);
        var misfit = FindMisfit(next, slot.Media, target);
        if (misfit is not null && view.Freshness != Freshness.Quarantined)
        {
            view.Refuse($"segment {next.Msn} {misfit}", now);
            return false;
        }

        if (slot.Media is not { } media)
            return false;
        // The same bytes under the same number once more: the origin went back to where it was before.
        if (_used.Contains(media.Name) || Published!.Segments.Any(record => record.Uri == media.Name))
            return Skip(view, next, slot);
        if (misfit is not null)
        {
            // Nobody else has anything that fits: then the playlist begins anew.
            (target, newWindow, _broken) = (Math.Max(target, SourcePlaylist.Rounded(next.Longest)), true, true);
        }

        return true;
    }

    /// <summary>Why a segment cannot follow what is listed; null when it can.</summary>
    private string? FindMisfit(SourceSegment next, SourceMedia? media, int target)
    {
        if (SourcePlaylist.Rounded(next.Longest) > target)
            return $"is longer than the playlist's target duration of {target} s";
        if (media is null)
            return null;
        // A playlist cannot take an EXT-X-MAP back: MPEG-TS cannot follow fMP4.
        var listed = Published!.Segments[^1].Objects.Select(o => SourceName.ContainerOf(o.Uri));
        var odd = media.Objects.Select(o => o.Container).Zip(listed).FirstOrDefault(pair => pair.First != pair.Second);
        return odd.First == odd.Second ? null : $"is {odd.First}, where the playlist is {odd.Second}";
    }

    /// <summary>It could not be had for long enough, and the one after it is here.</summary>
    private bool IsLost(PlaylistView view, SourceSegment next, Slot slot, int target, TimeSpan now) =>
        slot is { InFlight: false, LostSince: { } since }
        && now - since >= TimeSpan.FromSeconds(_policy.GapPatience * target)
        && view.Find(next.Msn + 1) is { } after
        && _slots.GetValueOrDefault(KeyOf(view, after))?.Media is not null;

    private Slot SlotFor(SourceKey key)
    {
        if (!_slots.TryGetValue(key, out var slot))
            _slots[key] = slot = new Slot();
        return slot;
    }

    private bool Skip(PlaylistView view, SourceSegment segment, Slot slot)
    {
        (_last, _lastView, _broken, slot.Media) = (segment, view, true, null);
        return true;
    }

    /// <summary>The record under which a segment is published after <paramref name="before"/>.</summary>
    private SegmentRecord Append(PlaylistView view, SourceSegment segment, SourceMedia media, SegmentRecord before)
    {
        var continues = _last is null
            ? Continues(view, segment, before)
            : IsFollowing(view) && !_broken && segment.Msn == _last.Msn + 1 && !HasJumped(_last, segment);
        var breaks = !continues || segment.Discontinuity;
        Used(view, segment, media);
        return RecordOf(segment, media, segment.DateMs ?? DateWithout(segment, before, breaks)) with
        {
            Msn = before.Msn + 1,
            Time = before.Time + before.Duration,
            Discontinuity = breaks,
            DiscontinuitySequence = before.DiscontinuitySequence + (breaks ? 1 : 0),
            EpochId = before.EpochId,
        };
    }

    /// <summary>
    /// The next number of another time: the origin began anew while it was out of sight. Half a segment may be
    /// rounding; a whole one is missing.
    /// </summary>
    private static bool HasJumped(SourceSegment before, SourceSegment segment) =>
        segment.DateMs - before.DateEndMs is { } step && Math.Abs(step) > Math.Max(500, before.Duration / 180);

    private void Used(PlaylistView view, SourceSegment segment, SourceMedia media)
    {
        _used.Add(media.Name);
        _usedInOrder.Enqueue(media.Name);
        if (_usedInOrder.Count > MaxRemembered)
            _used.Remove(_usedInOrder.Dequeue());
        (_last, _lastView, _broken) = (segment, view, false);
        _published = (view, segment);
        view.LastUsed = KeyOf(view, segment);
    }

    /// <summary>Whether, after a restart, this is known to be what came next on the same origin.</summary>
    private static bool Continues(PlaylistView view, SourceSegment segment, SegmentRecord before) =>
        SourceName.IsOf(view.Name, before.Uri, out var msn) && segment.Msn == msn + 1
        && IsSameMoment(segment.DateMs, before.ProgramDateTimeMs + before.Duration / 90);

    /// <summary>An origin without dates is dated by when its segments came.</summary>
    private long DateWithout(SourceSegment segment, SegmentRecord? before, bool breaks)
    {
        var came = _startedUtcMs + (long)(segment.SeenAt - Ticks.ToSpan(segment.Duration)).TotalMilliseconds;
        var end = before is null ? 0 : before.ProgramDateTimeMs + before.Duration / 90;
        return breaks ? Math.Max(came, end) : end;
    }

    private SegmentRecord RecordOf(SourceSegment segment, SourceMedia media, long dateMs)
    {
        foreach (var map in media.Objects.Select(o => o.Map).OfType<MapRecord>())
            _window.AddMap(map);
        return new SegmentRecord
        {
            Msn = 0,
            Uri = media.Name,
            MapUri = media.Map?.Uri,
            Time = 0,
            Duration = segment.Duration,
            ProgramDateTimeMs = dateMs,
            DiscontinuitySequence = 0,
            EpochId = 1,
            Independent = segment.Independent,
            Bytes = media.Bytes,
            Sha256 = media.Sha256,
            Companions = media.Companions.IsEmpty
                ? default
                : [.. segment.Companions.Zip(media.Companions, (s, m) => CompanionOf(s, m, segment, dateMs))],
        };
    }

    private static ObjectRecord CompanionOf(SourceObject source, SourceMedia media, SourceSegment main, long dateMs) =>
        new()
        {
            Uri = media.Name,
            MapUri = media.Map?.Uri,
            Duration = source.Duration,
            // A frame of audio beside the picture's date, where the origin says so.
            ProgramDateTimeMs = dateMs + (source.DateMs - main.DateMs ?? 0),
            Bytes = media.Bytes,
            Sha256 = media.Sha256,
        };

    /// <summary>What was fetched and is behind us, or of an origin that is not followed any more.</summary>
    private void Forget(PlaylistView view)
    {
        foreach (var (key, slot) in _slots)
        {
            var isWanted = key.Rank == view.Rank && key.Run == view.Run
                && (!IsFollowing(view) || key.Msn > _last!.Msn);
            if (!isWanted && !slot.InFlight)
                _slots.Remove(key);
        }
    }

    private IEnumerable<SourceSegment> Wanted(PlaylistView view, TimeSpan now)
    {
        if (Published is null)
            return view.Segments.TakeLast(_policy.MaxJoin).Where(s => !s.Gap).Reverse();
        return Next(view, now) is { } next
            ? view.Segments.Where(s => s.Msn >= next.Msn && s.Msn < next.Msn + MaxAhead && !s.Gap)
            : [];
    }

    /// <summary>A segment of one origin that has been tried, and what came of it.</summary>
    private sealed class Slot
    {
        public SourceMedia? Media { get; set; }

        public bool InFlight { get; set; }

        public TimeSpan? FailedAt { get; set; }

        /// <summary>Since when it could not be had.</summary>
        public TimeSpan? LostSince { get; set; }
    }

    /// <summary>Where an origin is to take over; nothing of it is published yet.</summary>
    /// <param name="Msn">-1 while its segment is still to come.</param>
    private readonly record struct Seam(PlaylistView View, int Run, long Msn, TimeSpan Since);
}

/// <summary>A segment to fetch from its origin, and its initialisation section before it.</summary>
/// <param name="Playlists">Names of the media playlists that it and its companions are for.</param>
internal sealed record SourceOrder(
    SourceKey Key, SourceSegment Segment, int TargetDurationSeconds, ImmutableArray<string> Playlists);

/// <summary>What a fetched segment is, and how it is called in the cache.</summary>
internal sealed record SourceMedia(string Name, int Bytes, string Sha256, MediaContainer Container, MapRecord? Map)
{
    /// <summary>Those of the stream's other playlists, in their order.</summary>
    public ImmutableArray<SourceMedia> Companions { get; init; } = [];

    public IEnumerable<SourceMedia> Objects => Companions.Prepend(this);
}
