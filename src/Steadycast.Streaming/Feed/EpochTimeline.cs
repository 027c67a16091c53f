namespace Steadycast.Streaming.Feed;

/// <summary>Places the frames of one epoch on the stream's timeline, in 1/90000 s and, for audio, in samples.</summary>
/// <param name="originMs">The aligned timestamp of the epoch's first frame.</param>
/// <param name="startTime">Its media time.</param>
/// <param name="firstTime">No frame lies before.</param>
/// <param name="sounds">Where each audio track is already, on a timeline that another ingest began.</param>
internal sealed class EpochTimeline(
    long originMs, long startTime, long firstTime, CutterCounters counters,
    IReadOnlyDictionary<byte, AudioClock>? sounds = null)
{
    private const long TicksPerMs = 90;
    private const long UsualFrameTicks = 3000;

    private long? _videoDts;
    private long _videoStep = UsualFrameTicks;
    private readonly Dictionary<byte, Sound> _sounds =
        sounds?.ToDictionary(sound => sound.Key, sound => new Sound(sound.Value, sound.Value.SampleRate, 0)) ?? [];

    /// <summary>False when the frame has no place: audio before the start, or ahead of its own samples.</summary>
    public bool TryPlace(in MediaFrame frame, out TimedUnit unit)
    {
        var time = startTime + ((frame.TimeMs - originMs) * TicksPerMs);
        return frame.IsVideo ? PlaceVideo(frame, time, out unit) : PlaceAudio(frame, time, out unit);
    }

    private bool PlaceVideo(in MediaFrame frame, long time, out TimedUnit unit)
    {
        var dts = Math.Max(time, firstTime);
        if (_videoDts is { } before)
        {
            if (dts <= before)
            {
                dts = before + 1;
                counters.RepairedTimestamps++;
            }

            _videoStep = dts - before;
        }

        // The picture is still shown when the publisher said; only its decoding time was moved.
        var offset = time + (frame.CompositionMs * TicksPerMs) - dts;
        _videoDts = dts;
        var access = new AccessUnit(frame.Track.Config.TrackId, dts, (int)offset, 0, frame.IsKeyframe, frame.Payload);
        unit = new TimedUnit(access, frame.Track, dts + _videoStep);
        return true;
    }

    private bool PlaceAudio(in MediaFrame frame, long time, out TimedUnit unit)
    {
        unit = default;
        if (time < firstTime)
        {
            counters.Drop(FeedDrop.BeforeKeyframe);
            return false;
        }

        var before = _sounds.GetValueOrDefault(frame.TrackId);
        var (clock, rate) = (before.Clock, frame.Track.SampleRate);
        if (clock is null || before.Rate != rate)
        {
            // Positions at another rate cannot go on from the last one, but time must.
            clock = new AudioClock(rate);
            time = Math.Max(time, before.End);
            _sounds[frame.TrackId] = new Sound(clock, rate, before.End);
        }

        var placement = clock.Place(time, frame.Samples, out var position);
        if (placement is AudioPlacement.Snapped or AudioPlacement.Ahead)
            counters.AudioResnaps++;
        if (placement is AudioPlacement.Ahead or AudioPlacement.StillAhead)
        {
            counters.Drop(FeedDrop.AudioAhead);
            return false;
        }

        var dts = clock.ToTicks(position);
        var end = clock.ToTicks(position + frame.Samples);
        _sounds[frame.TrackId] = new Sound(clock, rate, end);
        var access = new AccessUnit(frame.Track.Config.TrackId, dts, 0, position, true, frame.Payload);
        unit = new TimedUnit(access, frame.Track, end);
        return true;
    }

    /// <summary>Where an audio track stands.</summary>
    private readonly record struct Sound(AudioClock? Clock, int Rate, long End);
}
