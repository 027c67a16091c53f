namespace Steadycast.Streaming.Feed;

/// <summary>What a reader of a ring meets.</summary>
internal enum RingRead
{
    /// <summary>Bytes; the reader's place is behind them.</summary>
    Bytes,

    /// <summary>All that there is has been read, up to the end of a record.</summary>
    AtEnd,

    /// <summary>The reader's place is gone: it was too slow.</summary>
    Behind,
}

/// <summary>Where a reader stands; made with the number from which it wants segments.</summary>
internal sealed class RingPlace(long fromMsn)
{
    public long FromMsn { get; } = fromMsn;

    public RingSegment? Segment { get; set; }

    public int Block;

    public int Offset;
}

/// <summary>The newest segments of one feed as bytes, for packagers that join, return or lag.</summary>
/// <remarks>
/// One writer, many readers, one lock held for copies and list steps only. Kept is as much media as asked for (counted
/// in durations, so that an outage pushes nothing out), less where the budget of all rings asks for it; the segment
/// that is being written always stays.
/// </remarks>
internal sealed class ReplayRing : IDisposable
{
    private readonly Lock _gate = new();
    private readonly long _keepTicks;
    private readonly RingBudget _budget;
    private readonly FeedMetrics _metrics;
    private RingSegment? _first;
    private RingSegment? _last;
    private long _ticks;
    private long _bytes;

    public ReplayRing(TimeSpan keep, RingBudget budget, FeedMetrics metrics)
    {
        (_keepTicks, _budget, _metrics) = ((long)(keep.TotalSeconds * CutRule.Second), budget, metrics);
        budget.Join(this);
    }

    public long Bytes => Interlocked.Read(ref _bytes);

    public bool CanEvict
    {
        get
        {
            lock (_gate)
                return _first is not null && _first != _last;
        }
    }

    /// <summary>Adds records, whole for every reader.</summary>
    public void Append(IReadOnlyList<FeedRecord> records)
    {
        var hasEnded = false;
        lock (_gate)
        {
            foreach (var record in records)
            {
                if (record.Begin is { } begin)
                    Open(begin);
                var segment = _last!;
                var before = segment.Bytes;
                Write(segment, record);
                Grow(segment.Bytes - before);
                if (record.End is not { } end)
                    continue;
                (segment.IsClosed, segment.Duration, hasEnded) = (true, end.Duration, true);
                _ticks += end.Duration;
            }

            while (_ticks > _keepTicks && _first != _last && _ticks - _first!.Duration >= _keepTicks)
                EvictOldestNeedsLock();
        }

        if (hasEnded)
            _budget.Trim();
    }

    /// <summary>The next bytes from a reader's place, at most one block; valid for ever.</summary>
    public RingRead Read(RingPlace place, out ReadOnlyMemory<byte> bytes)
    {
        bytes = default;
        lock (_gate)
        {
            place.Segment ??= FirstFromNeedsLock(place.FromMsn);
            while (place.Segment is { } segment)
            {
                if (segment.IsEvicted)
                    return RingRead.Behind;
                bytes = segment.Read(ref place.Block, ref place.Offset);
                if (!bytes.IsEmpty)
                    return RingRead.Bytes;
                if (!segment.IsClosed || segment.Next is null)
                    return RingRead.AtEnd;
                (place.Segment, place.Block, place.Offset) = (segment.Next, 0, 0);
            }

            return RingRead.AtEnd;
        }
    }

    /// <summary>Frees the oldest segment; returns how many bytes that gave back.</summary>
    public long EvictOldest()
    {
        lock (_gate)
            return _first is null || _first == _last ? 0 : EvictOldestNeedsLock();
    }

    public void Dispose()
    {
        _budget.Leave(this);
        lock (_gate)
        {
            while (_first is not null)
                EvictOldestNeedsLock();
            _last = null;
        }
    }

    private void Open(SegmentBegin begin)
    {
        var segment = new RingSegment(begin.Msn);
        if (_last is { IsClosed: false })
            (_last.IsClosed, _last.IsTakenBack) = (true, true);
        // Ended here, and ended otherwise by a peer that leads since: who comes anew shall not get it.
        for (var ended = _first; ended is not null; ended = ended.Next)
            ended.IsTakenBack |= ended.Msn >= begin.Msn;
        if (_last is not null)
            _last.Next = segment;
        _first ??= segment;
        _last = segment;
    }

    private RingSegment? FirstFromNeedsLock(long fromMsn)
    {
        var segment = _first;
        while (segment is not null && (segment.Msn < fromMsn || segment.IsTakenBack))
            segment = segment.Next;
        return segment;
    }

    private long EvictOldestNeedsLock()
    {
        var segment = _first!;
        var bytes = segment.Bytes;
        _first = segment.Next;
        _ticks -= segment.Duration;
        segment.Evict();
        Grow(-bytes);
        return bytes;
    }

    private void Grow(long bytes)
    {
        if (bytes == 0)
            return;
        Interlocked.Add(ref _bytes, bytes);
        _metrics.RingGrew(bytes);
    }

    private static void Write(RingSegment segment, in FeedRecord record)
    {
        switch (record.Kind)
        {
            case FeedRecordKind.Begin:
                FeedCodec.Write(segment, record.Begin!);
                break;
            case FeedRecordKind.AccessUnit:
                FeedCodec.Write(segment, record.AccessUnit);
                break;
            case FeedRecordKind.End:
                FeedCodec.Write(segment, record.End!);
                break;
        }
    }
}
