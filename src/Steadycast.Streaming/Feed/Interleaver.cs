using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Brings the access units of all tracks into one order of decoding times, among equals that of their numbers.
/// </summary>
/// <remarks>
/// The window bounds the wait: a track that falls more than 500 ms behind another is not waited for, and what it then
/// sends late goes out at once; a track that has been silent for 3 s is not waited for at all, and an audio track
/// beside the first one not before it has sent something. A picture with another configuration waits a little longer:
/// sound that changes with it may be said after it, behind the end of the old.
/// </remarks>
internal sealed class Interleaver
{
    public const long WindowTicks = 500 * 90;
    private const long SilentTicks = 3000 * 90;
    private const long ChangeTicks = 100 * 90;
    private const int MaxUnits = 1024;
    private const long MaxBytes = 32 * 1024 * 1024;

    /// <summary>By track number; the first is video's.</summary>
    private readonly Lane[] _lanes =
        [.. Enumerable.Range(FeedTracks.Video, FeedTracks.LastExtra).Select(_ => new Lane())];

    private TrackConfig? _shown;

    /// <summary>The track of an audio track's units that come next: of the newest; null: none has come.</summary>
    public TrackDescription? NextOf(byte trackId) =>
        LaneOf(trackId) is { Units.Count: > 0 } lane ? lane.Track : null;

    public void Start(long time)
    {
        foreach (var lane in _lanes)
            lane.Clear(time);
        _shown = null;
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
        if (!flush && MayWait(lane.Units.Peek()))
            return false;
        unit = lane.Take();
        if (unit.IsVideo)
            _shown = unit.Track.Config;
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
    private bool MayWait(in TimedUnit first)
    {
        var isChange = first.IsVideo && _shown is not null && !first.Track.Config.Equals(_shown);
        var until = isChange ? first.Time + ChangeTicks : long.MinValue;
        var waiting = _lanes.Where(lane => lane.Units.Count > 0).ToList();
        var newest = waiting.Max(lane => lane.Newest);
        return newest - first.Time < WindowTicks
            && waiting.TrueForAll(lane => lane.Units.Count < MaxUnits && lane.Bytes < MaxBytes)
            && _lanes.Any(lane => lane.IsExpected && (lane.Units.Count == 0 || lane.Newest < until)
                && newest - lane.Newest < SilentTicks);
    }

    private sealed class Lane
    {
        public Queue<TimedUnit> Units { get; } = new();

        public bool IsExpected { get; set; }

        public long Newest { get; private set; }

        public TrackDescription? Track { get; private set; }

        public long Bytes { get; private set; }

        public void Add(in TimedUnit unit)
        {
            Units.Enqueue(unit);
            (Newest, Track, IsExpected) = (unit.Time, unit.Track, true);
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
