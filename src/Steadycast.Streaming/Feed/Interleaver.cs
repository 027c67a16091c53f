using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// Brings the access units of both tracks into one order of decoding times, video first among equals.
/// </summary>
/// <remarks>
/// The window bounds the wait: a track that falls more than 500 ms behind the other is not waited for, and what it then
/// sends late goes out at once; a track that has been silent for 3 s is not waited for at all.
/// </remarks>
internal sealed class Interleaver
{
    public const long WindowTicks = 500 * 90;
    private const long SilentTicks = 3000 * 90;
    private const int MaxUnits = 1024;
    private const long MaxBytes = 32 * 1024 * 1024;

    private readonly Lane _video = new();
    private readonly Lane _audio = new();

    /// <summary>The track of the audio unit that comes next, as far as it is known.</summary>
    public TrackDescription? NextAudio => _audio.Units.TryPeek(out var unit) ? unit.Track : null;

    public void Start(long time)
    {
        _video.Clear(time);
        _audio.Clear(time);
    }

    public void Add(in TimedUnit unit) => (unit.IsVideo ? _video : _audio).Add(unit);

    /// <summary>The next unit in order; false when the other track's next one may still come before it.</summary>
    /// <param name="flush">Nothing more will come.</param>
    /// <param name="unit">The unit, when true is returned.</param>
    public bool TryTake(bool flush, out TimedUnit unit)
    {
        unit = default;
        var lane = First();
        if (lane is null)
            return false;
        var other = lane == _video ? _audio : _video;
        if (other.Units.Count == 0 && !flush && MayWait(lane, other))
            return false;
        unit = lane.Take();
        return true;
    }

    private Lane? First()
    {
        if (!_video.Units.TryPeek(out var video))
            return _audio.Units.Count > 0 ? _audio : null;
        return _audio.Units.TryPeek(out var audio) && audio.Time < video.Time ? _audio : _video;
    }

    private static bool MayWait(Lane lane, Lane other) =>
        lane.Newest - other.Newest < SilentTicks &&
        lane.Newest - lane.Units.Peek().Time < WindowTicks &&
        lane.Units.Count < MaxUnits &&
        lane.Bytes < MaxBytes;

    private sealed class Lane
    {
        public Queue<TimedUnit> Units { get; } = new();

        public long Newest { get; private set; }

        public long Bytes { get; private set; }

        public void Add(in TimedUnit unit)
        {
            Units.Enqueue(unit);
            Newest = unit.Time;
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
            (Newest, Bytes) = (time, 0);
        }
    }
}
