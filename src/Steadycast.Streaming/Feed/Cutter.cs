using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Feed;

/// <summary>One message of a stream, as the cutter takes it.</summary>
/// <param name="Timestamp">As on the wire: 32 bits, any start.</param>
/// <param name="Publication">Another number, another publisher.</param>
/// <param name="AfterLoss">Messages of the same publisher before this one are missing.</param>
/// <param name="Payload">The FLV tag body; not kept.</param>
internal readonly record struct CutterInput(
    RtmpMessageType Type, uint Timestamp, int Publication, bool AfterLoss, ReadOnlyMemory<byte> Payload);

/// <summary>
/// Makes a stream's feed: messages in, in order; numbered and stamped records out. Every decision that two packagers
/// might take differently is taken here, once.
/// </summary>
/// <remarks>
/// <para>Pure: no clock, no files; the caller hands the time in and stores <see cref="State"/> before it passes the
/// records of the same call on. Not thread-safe.</para>
/// <para>A message goes through: (1) publisher and loss, (2) reading, then each of its tracks by itself through
/// (3) unwrapping, (4) judging its timestamp, (5) the gate of an epoch's start, (6) its place on the timeline,
/// (7) interleaving, (8) measuring, while the target duration is unknown, (9) cutting.</para>
/// </remarks>
internal sealed class Cutter : IDisposable
{
    /// <summary>
    /// How long a picture may have been under way for its own time of day to be believed: encoders hold a second or
    /// two, relays and bonded links more; what is beyond is another time zone or a clock that was never set.
    /// </summary>
    public const long MaxWallClockAgeMs = 60_000;

    /// <summary>A picture cannot come before it was made: this much is two clocks that disagree.</summary>
    public const long MaxWallClockAheadMs = 2000;

    private readonly string _stream;
    private readonly Guid _ingestId;
    private readonly int _segmentSeconds;
    private readonly bool _numbersWereLost;
    private readonly FrameSource _source;
    private readonly StartGate _gate;
    private readonly Interleaver _interleaver = new();
    private readonly List<MediaFrame> _frames = [];
    private EpochTimeline? _epoch;
    private GopMeasure? _measure;
    private Segmenter? _segmenter;
    private long _anchorUtcMs;
    private long _startUtcMs;

    /// <param name="stream">Goes into every epoch record.</param>
    /// <param name="ingestId">Of this process.</param>
    /// <param name="segmentSeconds">The shortest segment to aim for, 1 to 10.</param>
    /// <param name="state">
    /// What an earlier process, or an earlier cutter, left; null: numbers come from the clock.
    /// </param>
    /// <param name="numbersWereLost">There was an earlier one, but its state cannot be read.</param>
    public Cutter(string stream, Guid ingestId, int segmentSeconds, StreamNumbers? state, bool numbersWereLost = false)
    {
        (_stream, _ingestId, _segmentSeconds, _numbersWereLost) = (stream, ingestId, segmentSeconds, numbersWereLost);
        _source = new FrameSource(Counters);
        _gate = new StartGate(Counters);
        if (state is not null)
            _segmenter = NewSegmenter(state);
    }

    /// <summary>One that does what another ingest's does from a segment's begin on.</summary>
    /// <param name="begin">The segment, as the other stamped it; starts with a keyframe.</param>
    /// <param name="first">That keyframe, as it came here; to be added next.</param>
    /// <param name="sounds">Where the first frame of each audio track is that will be added.</param>
    /// <param name="source">What the frames come from; goes on with messages after <see cref="TakeOver"/>.</param>
    /// <param name="ingestId">Of this process.</param>
    /// <param name="segmentSeconds">As the other's.</param>
    public Cutter(
        SegmentBegin begin,
        in MediaFrame first,
        IReadOnlyDictionary<byte, AudioClock> sounds,
        FrameSource source,
        Guid ingestId,
        int segmentSeconds)
    {
        (_stream, _ingestId, _segmentSeconds) = (begin.Epoch.Stream, ingestId, segmentSeconds);
        (_source, _gate) = (source, new StartGate(Counters));
        // By its timestamp the first audio frame may lie a little before the picture.
        _epoch = new EpochTimeline(first.TimeMs, begin.Time, 0, Counters, sounds);
        _interleaver.Start(begin.Time);
        _segmenter = NewSegmenter(StreamNumbers.Before(begin));
        _segmenter.Join(begin);
    }

    public CutterCounters Counters { get; } = new();

    /// <summary>Null until the first segment of a new stream begins.</summary>
    public StreamNumbers? State => _segmenter?.State;

    public SegmentFacts? Facts => _segmenter?.Facts;

    /// <summary>What the feed says of itself while a publisher is there.</summary>
    public FeedActivity Activity => _segmenter is { IsOpen: true } ? FeedActivity.Live
        : _source.HasPublisher ? FeedActivity.Starting : FeedActivity.Idle;

    /// <summary>Takes a message; appends the records that it completes.</summary>
    public void Push(in CutterInput input, long utcMs, List<FeedRecord> output)
    {
        _source.Read(input, utcMs, MaxForwardMs, _frames, out var broken);
        if (broken is { } cause)
            EndEpoch(cause, output);
        if (broken is DiscontinuityCause.Publisher)
            _gate.Reset();
        foreach (var frame in _frames)
            Add(frame, output);
    }

    /// <summary>Takes a frame that goes on from the one before; appends the records that it completes.</summary>
    public void Add(in MediaFrame frame, List<FeedRecord> output)
    {
        if (_epoch is not null)
            Place(frame, output);
        else if (_gate.TryOpen(frame, _source.HasVideo, out var start))
            StartEpoch(start, output);
    }

    /// <summary>
    /// Goes on in the place of the ingest that it did the same as: the next epoch of the same timeline, without a seam.
    /// </summary>
    /// <param name="records">All that it has said and that is not known yet, from a begin on: stamped anew.</param>
    public void TakeOver(List<FeedRecord> records) => _segmenter!.TakeOver(records);

    /// <summary>The publisher has gone: what arrived is cut off, and the next message starts another epoch.</summary>
    public void Finish(List<FeedRecord> output)
    {
        EndEpoch(DiscontinuityCause.Publisher, output);
        _source.Reset();
        _gate.Reset();
    }

    public void Dispose() => _segmenter?.Dispose();

    private long MaxForwardMs => Alignment.MaxForwardMsOf(State?.TargetDurationSeconds);

    private void StartEpoch(List<MediaFrame> start, List<FeedRecord> output)
    {
        var first = start[0];
        var utcMs = UtcOf(first);
        if (_segmenter is null)
            (_startUtcMs, _anchorUtcMs, _measure) = (first.UtcMs, utcMs, new GopMeasure(_segmentSeconds));
        var time = State is { } state
            ? Math.Max(state.EndTime, (utcMs - state.AnchorUtcMs) * (CutRule.Second / 1000))
            : 0;
        _epoch = new EpochTimeline(first.TimeMs, time, time, Counters);
        _interleaver.Start(time);
        foreach (var frame in start)
            Place(frame, output);
    }

    /// <summary>An epoch's time of day: when its first frame was made, if it says so, else when it came.</summary>
    private long UtcOf(in MediaFrame first)
    {
        if (first.WallClockMs is not { } made)
            return first.UtcMs;
        Counters.WallClockErrorMs = made - first.UtcMs;
        if (Counters.WallClockErrorMs is < -MaxWallClockAgeMs or > MaxWallClockAheadMs)
        {
            Counters.WallClocksRefused++;
            return first.UtcMs;
        }

        Counters.WallClocksUsed++;
        return made;
    }

    private void Place(in MediaFrame frame, List<FeedRecord> output)
    {
        if (!_epoch!.TryPlace(frame, out var unit))
            return;
        _interleaver.Add(unit);
        Drain(false, output);
    }

    private void Drain(bool flush, List<FeedRecord> output)
    {
        while (_interleaver.TryTake(flush, out var unit))
        {
            if (_measure is null)
                _segmenter!.Add(unit, _interleaver.NextOf, output);
            else if (_measure.Add(unit))
                Freeze(output);
        }
    }

    private void Freeze(List<FeedRecord> output)
    {
        var (units, target) = (_measure!.Units, _measure.TargetDurationSeconds);
        _measure = null;
        _segmenter = NewSegmenter(StreamNumbers.New(_startUtcMs, target) with { AnchorUtcMs = _anchorUtcMs });
        for (var i = 0; i < units.Count; i++)
        {
            var rest = units.Skip(i + 1);
            _segmenter.Add(units[i], NextOf, output);

            TrackDescription? NextOf(byte trackId) =>
                rest.FirstOrDefault(unit => unit.Unit.TrackId == trackId).Track ?? _interleaver.NextOf(trackId);
        }
    }

    private void EndEpoch(DiscontinuityCause cause, List<FeedRecord> output)
    {
        if (_epoch is not null)
            Drain(true, output);

        // Less than one whole segment says too little of the publisher to freeze a target duration by.
        if (_measure is { HasSegment: true })
            Freeze(output);
        if (_measure is not null)
            Counters.Drop(FeedDrop.TooShort, _measure.Units.Count);
        _measure = null;
        _epoch = null;
        _segmenter?.EndEpoch(cause, output);
        _gate.Clear();
    }

    private Segmenter NewSegmenter(StreamNumbers state) =>
        new(_stream, _ingestId, _segmentSeconds, state, _numbersWereLost, Counters);
}
