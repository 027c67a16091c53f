namespace Steadycast.Streaming.Feed;

/// <summary>
/// What an ingest takes over of the feed of a peer that leads: its records, and the numbers to go on with when it is
/// gone. Pure.
/// </summary>
/// <param name="known">Our own numbers: those of the peer count once they are not behind.</param>
/// <param name="epoch">The newest epoch that our ring has; older ones are not taken.</param>
/// <param name="edge">The newest segment of it; it and those before are not taken again.</param>
internal sealed class Mirror(StreamNumbers? known, uint epoch, long edge)
{
    private StreamNumbers? _read;
    private SegmentBegin? _begin;
    private long _unitsEnd;
    private uint _epoch = epoch;
    private long _edge = edge;

    /// <summary>Those that a cutter of our own would go on with now; null: nothing is known yet.</summary>
    public StreamNumbers? Numbers => _read is null || IsBehind(_read) ? known : _read;

    /// <summary>Whether the record is to be passed on: the rest is known already, or of an old epoch.</summary>
    public bool Takes(in FeedRecord record)
    {
        switch (record.Kind)
        {
            case FeedRecordKind.Begin:
                return Begin(record.Begin!);
            case FeedRecordKind.AccessUnit when _begin is not null:
                _unitsEnd = Math.Max(_unitsEnd, record.AccessUnit.Dts + 1);
                return true;
            case FeedRecordKind.End when _begin is not null:
                End(_begin, record.End!);
                return true;
            default:
                return false;
        }
    }

    private bool IsBehind(StreamNumbers read) => known is not null
        && (read.EpochId < known.EpochId || (read.EpochId == known.EpochId && read.NextMsn < known.NextMsn));

    private bool Begin(SegmentBegin begin)
    {
        _begin = null;
        var of = begin.Epoch;
        if (of.EpochId < _epoch || (of.EpochId == _epoch && begin.Msn <= _edge))
            return false;
        _epoch = of.EpochId;
        // A segment that has only begun uses nothing up but its epoch.
        _read = new StreamNumbers(
            begin.Msn,
            of.EpochId,
            begin.DiscontinuitySequence - (begin.Discontinuity ? 1 : 0),
            of.AnchorUtcMs,
            of.TargetDurationSeconds,
            Math.Min(_read?.EndTime ?? begin.Time, begin.Time),
            begin.AllIndependent,
            _read?.HasSegments ?? begin.Discontinuity,
            _read?.ExtraTracks ?? known?.ExtraTracks ?? 0);
        (_begin, _unitsEnd) = (begin, begin.Time);
        return true;
    }

    private void End(SegmentBegin begin, SegmentEnd end)
    {
        _read = _read! with
        {
            NextMsn = end.Msn + 1,
            DiscontinuitySequence = begin.DiscontinuitySequence,
            EndTime = Math.Max(begin.Time + end.Duration, _unitsEnd),
            HasSegments = true,
        };
        _read = _read.Promise(begin.Tracks);
        (_begin, _edge) = (null, end.Msn);
    }
}
