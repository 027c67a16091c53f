namespace Steadycast.Streaming.Feed;

/// <summary>What a record did to the segment under assembly.</summary>
public enum AssemblyStep
{
    /// <summary>Taken in, or not of a segment under assembly: a state record, the rest of what was dropped.</summary>
    Accepted,

    /// <summary>The segment is whole and its count and hash are right.</summary>
    Completed,

    /// <summary>A begin came before the end of the segment before; that one is taken back.</summary>
    Abandoned,

    /// <summary>
    /// Of an epoch below one already seen: from an ingest that lost its place; ignored up to the next begin.
    /// </summary>
    Fenced,

    /// <summary>An end that does not match, or too many bytes: what was collected must never be published.</summary>
    Damaged,
}

/// <summary>
/// Puts the records of one stream together to whole segments, and lets none out that is not exactly what the ingest
/// stamped. Pure; not thread-safe.
/// </summary>
/// <param name="fence">
/// The highest epoch already seen, of a reader that continues; records below it are not taken.
/// </param>
public sealed class SegmentAssembler(uint fence = 0) : IDisposable
{
    /// <summary>A segment is 12 s at most; 256 MiB are 170 Mbit/s. More is a broken ingest.</summary>
    public const int MaxSegmentBytes = 256 * 1024 * 1024;

    private readonly FeedHash _hash = new();
    private SegmentBegin? _begin;
    private List<AccessUnit> _units = [];
    private long _bytes;
    private uint _fence = fence;

    /// <summary>Takes the next record; <paramref name="segment"/> is set when this one completed it.</summary>
    public AssemblyStep Add(in FeedRecord record, out StampedSegment? segment)
    {
        segment = null;
        switch (record.Kind)
        {
            case FeedRecordKind.Begin:
                return Begin(record.Begin!);
            case FeedRecordKind.AccessUnit when _begin is not null:
                _bytes += record.AccessUnit.Payload.Length;
                if (_bytes > MaxSegmentBytes)
                    return Drop(AssemblyStep.Damaged);
                _hash.Append(record.AccessUnit);
                _units.Add(record.AccessUnit);
                return AssemblyStep.Accepted;
            case FeedRecordKind.End when _begin is not null:
                return End(_begin, record.End!, out segment);
            default:
                return AssemblyStep.Accepted;
        }
    }

    private AssemblyStep Begin(SegmentBegin begin)
    {
        if (begin.Epoch.EpochId < _fence)
            return Drop(AssemblyStep.Fenced);
        var step = _begin is null ? AssemblyStep.Accepted : AssemblyStep.Abandoned;
        Drop(step);
        _fence = begin.Epoch.EpochId;
        _begin = begin;
        _hash.Begin(begin);
        return step;
    }

    private AssemblyStep End(SegmentBegin begin, SegmentEnd end, out StampedSegment? segment)
    {
        segment = null;
        if (end.Msn != begin.Msn || end.AccessUnits != _units.Count || !end.Hash.Span.SequenceEqual(_hash.End()))
            return Drop(AssemblyStep.Damaged);
        segment = new StampedSegment(begin, _units, end);
        return Drop(AssemblyStep.Completed);
    }

    private AssemblyStep Drop(AssemblyStep step)
    {
        _begin = null;
        _units = [];
        _bytes = 0;
        return step;
    }

    public void Dispose() => _hash.Dispose();
}
