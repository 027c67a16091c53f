using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>Cuts ordered access units into numbered segments and writes the records of the feed.</summary>
/// <remarks>
/// <para>A segment ends before a keyframe, once it is long enough; before a keyframe at which tracks change; and, where
/// no keyframe comes in time, before any frame. For that last case a picture and what follows it are held back until
/// the next picture shows that the segment may still take them.</para>
/// <para><see cref="State"/> changes before the records that depend on it are handed out: who stores it before passing
/// them on never says anything twice.</para>
/// </remarks>
internal sealed class Segmenter(
    string stream,
    Guid ingestId,
    int segmentSeconds,
    StreamNumbers state,
    bool numbersWereLost,
    CutterCounters counters) : IDisposable
{
    /// <summary>
    /// A track without a frame for this long is taken off: players wait for tracks that bring nothing.
    /// </summary>
    private const long TrackGoneTicks = 10 * CutRule.Second;
    private const long MaxHeldTicks = CutRule.Second;

    private readonly FeedHash _hash = new();
    private readonly List<TimedUnit> _held = [];

    /// <summary>By track number: the last unit of each audio track.</summary>
    private readonly (TrackDescription? Track, long Time)[] _sounds =
        new (TrackDescription?, long)[FeedTracks.LastExtra + 1];
    private readonly long _maxTicks = CutRule.MaxTicks(state.TargetDurationSeconds);
    private StreamEpoch? _epoch;
    private SegmentBegin? _begin;
    private SegmentBegin? _joined;
    private ImmutableArray<TrackConfig> _endedTracks;
    private bool _needsDiscontinuity = state.HasSegments || numbersWereLost;
    private DiscontinuityCause _cause = DiscontinuityCause.Restart;
    private long _videoTime;
    private long _endTime;
    private long _lastEnd = state.EndTime;
    private int _units;

    public StreamNumbers State { get; private set; } = state;

    /// <summary>Whether a segment is being filled.</summary>
    public bool IsOpen => _begin is not null;

    public SegmentFacts Facts { get; } = new();

    /// <summary>The next unit is the first of a segment that another ingest has begun.</summary>
    public void Join(SegmentBegin begin)
    {
        (_joined, _epoch, _needsDiscontinuity) = (begin, begin.Epoch, false);
        _videoTime = begin.Time;
    }

    /// <summary>Stamps in the next epoch of the same timeline, also what it has said already.</summary>
    /// <param name="records">From a begin on, with all of the segment that is open.</param>
    public void TakeOver(List<FeedRecord> records)
    {
        State = State with { EpochId = State.EpochId + 1 };
        _epoch = _epoch! with { EpochId = State.EpochId, IngestId = ingestId };
        for (var i = 0; i < records.Count; i++)
            records[i] = StampAnew(records[i]);
    }

    /// <summary>The next unit of the current epoch; the first one starts it.</summary>
    /// <param name="unit">In order, as the interleaver gives them.</param>
    /// <param name="nextOf">The track of an audio track's unit that comes next, where it is known already.</param>
    /// <param name="output">Takes the records.</param>
    public void Add(in TimedUnit unit, Func<byte, TrackDescription?> nextOf, List<FeedRecord> output)
    {
        if (!unit.IsVideo)
            _sounds[unit.Unit.TrackId] = (unit.Track, unit.Time);
        var tracks = _begin is null || unit.IsVideoKeyframe || unit.IsFirstSound ? TracksAt(unit, nextOf) : [];
        if (_begin is null)
        {
            Begin(unit, tracks, output);
            return;
        }

        if (IsCutPoint(unit, out var isDue))
        {
            CutBefore(unit, output);
            IsCutPoint(unit, out isDue);
            var changes = !tracks.SequenceEqual(_begin.Tracks);
            if (changes || isDue)
            {
                Release(_held.Count, output);
                Cut(unit, tracks, changes, output);
                return;
            }
        }
        else if (!_begin.Tracks.Contains(unit.Track.Config))
        {
            counters.Drop(FeedDrop.WaitingForTrackChange);
            return;
        }

        CutBefore(unit, output);
        Hold(unit, output);
    }

    /// <summary>Ends what has begun, with what there is, or takes it back when that is less than a second.</summary>
    public void EndEpoch(DiscontinuityCause cause, List<FeedRecord> output)
    {
        if (_begin is not null)
        {
            Release(_held.Count, output);
            EndShort(_endTime, output);
        }

        _epoch = null;
        Array.Clear(_sounds);
        Need(State.HasSegments, cause);
    }

    public void Dispose() => _hash.Dispose();

    /// <summary>
    /// Whether a segment may begin with the unit; <paramref name="isDue"/>: and the one before is long enough.
    /// </summary>
    private bool IsCutPoint(in TimedUnit unit, out bool isDue)
    {
        isDue = CutRule.IsDue(unit, _begin!.Time, segmentSeconds);
        if (!unit.IsVideo)
            return unit.IsFirstSound && !HasLiveVideo(unit.Time);

        // After a forced cut the next keyframe makes the stream joinable again, as soon as numbers allow.
        isDue |= !_begin.Independent && unit.Time - _begin.Time >= CutRule.MinTicks;
        return unit.IsVideoKeyframe;
    }

    private bool HasLiveVideo(long time) =>
        _begin!.Tracks.Any(track => track.IsVideo) && time - _videoTime < TrackGoneTicks;

    /// <summary>
    /// What a segment that begins with the unit consists of. An audio track beside the first one that was there once
    /// stays, in the first one's configuration: its playlist goes on with that sound.
    /// </summary>
    private ImmutableArray<TrackConfig> TracksAt(in TimedUnit unit, Func<byte, TrackDescription?> nextOf)
    {
        var tracks = ImmutableArray.CreateBuilder<TrackConfig>();
        if (unit.IsVideo)
            tracks.Add(unit.Track.Config);
        var first = SoundAt(unit, FeedTracks.Audio, nextOf)?.Config;
        if (first is not null)
            tracks.Add(first);
        for (var extra = (byte)(FeedTracks.Audio + 1); extra <= FeedTracks.LastExtra; extra++)
        {
            var config = SoundAt(unit, extra, nextOf)?.Config;
            if (config is null && State.HasExtra(extra))
                config = first is null ? null : first with { TrackId = extra };
            if (config is not null)
                tracks.Add(config);
        }

        return tracks.ToImmutable();
    }

    private TrackDescription? SoundAt(in TimedUnit unit, byte trackId, Func<byte, TrackDescription?> nextOf)
    {
        if (unit.Unit.TrackId == trackId)
            return unit.Track;
        var (track, time) = _sounds[trackId];
        return nextOf(trackId) ?? (unit.Time - time < TrackGoneTicks ? track : null);
    }

    /// <summary>Cuts so often, among the units held back, that the segment can go on to this unit.</summary>
    private void CutBefore(in TimedUnit unit, List<FeedRecord> output)
    {
        while (unit.Time - _begin!.Time > _maxTicks)
        {
            var at = CutPointAmongHeld();
            if (at < 0)
            {
                // Nothing came for longer than a segment may be: time goes on behind a hole.
                Release(_held.Count, output);
                var tracks = _begin.Tracks;
                EndShort(Math.Min(_endTime, unit.Time), output);
                Need(State.HasSegments, DiscontinuityCause.Timestamps);
                Begin(unit, tracks, output);
                _held.Clear();
                return;
            }

            Release(at, output);
            var rest = _held.ToArray();
            var cut = rest[0];
            _held.Clear();
            counters.ForcedCuts++;
            Facts.KeyframeMissing(cut.Time);
            Cut(cut, _begin.Tracks, false, output);
            _held.Clear();
            _held.AddRange(rest);
        }
    }

    private int CutPointAmongHeld()
    {
        // The picture that they begin with, or else, where that began the segment, the newest of them.
        if (IsWithin(_held[0]) && (_held[0].IsVideo || _held.Count == 1))
            return 0;
        if (_held.Count > 1 && IsWithin(_held[^1]))
            return _held.Count - 1;
        return -1;
    }

    private bool IsWithin(in TimedUnit unit) =>
        unit.Time - _begin!.Time is var length && length > 0 && length <= _maxTicks;

    private void Hold(in TimedUnit unit, List<FeedRecord> output)
    {
        if (_held.Count > 0 && (unit.IsVideo || !_held[0].IsVideo || unit.Time - _held[0].Time > MaxHeldTicks))
            Release(_held.Count, output);
        _held.Add(unit);
    }

    /// <summary>The first so many held units are the segment's.</summary>
    private void Release(int count, List<FeedRecord> output)
    {
        for (var i = 0; i < count; i++)
        {
            var unit = _held[i];
            _hash.Append(unit.Unit);
            output.Add(new FeedRecord(unit.Unit));
            _units++;
            _endTime = Math.Max(_endTime, unit.EndTime);
            if (unit.IsVideo)
                _videoTime = unit.Time;
            counters.Frames++;
            counters.Bytes += unit.Unit.Payload.Length;
            Facts.Add(unit);
        }

        _held.RemoveRange(0, count);
    }

    private void Cut(in TimedUnit next, ImmutableArray<TrackConfig> tracks, bool changes, List<FeedRecord> output)
    {
        var duration = next.Time - _begin!.Time;
        if (duration >= CutRule.MinTicks || !changes)
            End(duration, false, output);
        else
            TakeBack();
        if (changes)
            Need(State.HasSegments, DiscontinuityCause.Tracks);
        counters.Cuts++;
        Begin(next, tracks, output);
    }

    private void Begin(in TimedUnit unit, ImmutableArray<TrackConfig> tracks, List<FeedRecord> output)
    {
        if (_epoch is null)
        {
            State = State with { EpochId = State.EpochId + 1 };
            _epoch = new StreamEpoch(stream, State.EpochId, ingestId, State.AnchorUtcMs, State.TargetDurationSeconds);
            _videoTime = unit.Time;
        }

        if (!_endedTracks.IsDefault && !tracks.SequenceEqual(_endedTracks))
            Need(true, DiscontinuityCause.Tracks);
        var independent = unit.IsVideoKeyframe || !tracks.Any(track => track.IsVideo);
        _begin = _joined ?? new SegmentBegin(_epoch, State.NextMsn, Math.Max(unit.Time, _lastEnd), _needsDiscontinuity,
            State.DiscontinuitySequence + (_needsDiscontinuity ? 1 : 0), independent,
            State.AllIndependent && independent, tracks);
        _joined = null;
        _hash.Begin(_begin);
        output.Add(new FeedRecord(_begin));
        _units = 0;
        _endTime = _begin.Time;
        Facts.Begin(_begin);
        Hold(unit, output);
    }

    private FeedRecord StampAnew(in FeedRecord record)
    {
        if (record.Begin is { } said)
        {
            var begin = said with { Epoch = _epoch! };
            _hash.Begin(begin);
            if (_begin is not null && ReferenceEquals(said, _begin))
                _begin = begin;
            return new FeedRecord(begin);
        }

        if (record.End is { } end)
            return new FeedRecord(end with { Hash = _hash.End() });
        _hash.Append(record.AccessUnit);
        return record;
    }

    private void EndShort(long end, List<FeedRecord> output)
    {
        var duration = Math.Min(end - _begin!.Time, _maxTicks);
        if (duration >= CutRule.MinTicks)
            End(duration, true, output);
        else
            TakeBack();
    }

    private void End(long duration, bool isShort, List<FeedRecord> output)
    {
        var begin = _begin!;
        _lastEnd = begin.Time + duration;
        State = State with
        {
            NextMsn = begin.Msn + 1,
            DiscontinuitySequence = begin.DiscontinuitySequence,
            EndTime = Math.Max(_lastEnd, _endTime),
            AllIndependent = begin.AllIndependent,
            HasSegments = true,
        };
        State = State.Promise(begin.Tracks);
        output.Add(new FeedRecord(new SegmentEnd(begin.Msn, duration, _units, _hash.End(), isShort)));
        if (begin.Discontinuity)
            counters.Discontinuities[(int)_cause]++;
        _needsDiscontinuity = false;
        _endedTracks = begin.Tracks;
        _begin = null;
        Facts.End(duration);
    }

    /// <summary>No end goes out, so nobody publishes it, and its number is given again.</summary>
    private void TakeBack()
    {
        counters.Drop(FeedDrop.TooShort, _units);
        _begin = null;
        Facts.Abandon();
    }

    private void Need(bool discontinuity, DiscontinuityCause cause)
    {
        if (discontinuity && !_needsDiscontinuity)
            _cause = cause;
        _needsDiscontinuity |= discontinuity;
    }
}
