using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Brings the access units of all tracks into one order of decoding times, among equals that of their numbers.
/// </summary>
/// <remarks>
/// The window bounds the wait: a track that falls more than 500 ms behind another is not waited for, and what it then
/// sends late goes out at once; a track that has been silent for 3 s is not waited for at all, and an audio track
/// beside the first one not before it has sent something.
/// </remarks>
internal sealed class Interleaver
{
    public const long WindowTicks = 500 * 90;
    private const long SilentTicks = 3000 * 90;
    private const int MaxUnits = 1024;
    private const long MaxBytes = 32 * 1024 * 1024;

    /// <summary>By track number; the first is video's.</summary>
    private readonly Lane[] _lanes =
        [.. Enumerable.Range(FeedTracks.Video, FeedTracks.LastExtra).Select(_ => new Lane())];

    /// <summary>The track of an audio track's unit that comes next, as far as it is known.</summary>
    public TrackDescription? NextOf(byte trackId) =>
        LaneOf(trackId).Units.TryPeek(out var unit) ? unit.Track : null;

    public void Start(long time)
    {
        foreach (var lane in _lanes)
            lane.Clear(time);
        LaneOf(FeedTracks.Video).IsExpected = LaneOf(FeedTracks.Audio).IsExpected = true;
    }

    public void Add(in TimedUnit unit) => LaneOf(unit.Unit.TrackId).Add(unit);

    /// <summary>The next unit in order; false when another track's next one may still come before it.</summary>
    /// <param name="flush">Nothing more will come.</param>
    /// <param name="unit">The unit, when true is returned.</param>
    public bool TryTake(bool flush, out TimedUnit unit)
    {
        unit = default;
        var lane = First();
        if (lane is null)
            return false;
        if (!flush && MayWait(lane.Units.Peek().Time))
            return false;
        unit = lane.Take();
        return true;
    }

    private Lane LaneOf(byte trackId) => _lanes[trackId - FeedTracks.Video];

    private Lane? First()
    {
        Lane? first = null;
        foreach (var lane in _lanes)
        {
            if (lane.Units.Count > 0 && (first is null || lane.Units.Peek().Time < first.Units.Peek().Time))
                first = lane;
        }

        return first;
    }

    /// <summary>Whether a track that has nothing here may still send what comes before the first one here.</summary>
    private bool MayWait(long first)
    {
        var waiting = _lanes.Where(lane => lane.Units.Count > 0).ToList();
        var newest = waiting.Max(lane => lane.Newest);
        return newest - first < WindowTicks
            && waiting.TrueForAll(lane => lane.Units.Count < MaxUnits && lane.Bytes < MaxBytes)
            && _lanes.Any(lane => lane is { IsExpected: true, Units.Count: 0 } && newest - lane.Newest < SilentTicks);
    }

    private sealed class Lane
    {
        public Queue<TimedUnit> Units { get; } = new();

        public bool IsExpected { get; set; }

        public long Newest { get; private set; }

        public long Bytes { get; private set; }

        public void Add(in TimedUnit unit)
        {
            Units.Enqueue(unit);
            (Newest, IsExpected) = (unit.Time, true);
            Bytes += unit.Unit.Payload.Length;
        }

        public TimedUnit Take()
        {
            var unit = Units.Dequeue();
            Bytes -= unit.Unit.Payload.Length;
            return unit;
        }

        public void Clear(long time)
        {
            Units.Clear();
            (Newest, Bytes, IsExpected) = (time, 0, false);
        }
    }
}
