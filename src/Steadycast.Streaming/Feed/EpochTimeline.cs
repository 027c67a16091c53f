namespace Steadycast.Streaming.Feed;

/// <summary>Places the frames of one epoch on the stream's timeline, in 1/90000 s and, for audio, in samples.</summary>
/// <param name="originMs">The aligned timestamp of the epoch's first frame.</param>
/// <param name="startTime">Its media time.</param>
/// <param name="firstTime">No frame lies before.</param>
/// <param name="audio">Where the audio is already, on a timeline that another ingest began.</param>
internal sealed class EpochTimeline(
    long originMs, long startTime, long firstTime, CutterCounters counters, AudioClock? audio = null)
{
    private const long TicksPerMs = 90;
    private const long UsualFrameTicks = 3000;

    private long? _videoDts;
    private long _videoStep = UsualFrameTicks;
    private AudioClock? _audio = audio;
    private int _audioRate = audio?.SampleRate ?? 0;
    private long _audioEnd;

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

        if (_audio is null || _audioRate != frame.Track.SampleRate)
        {
            // Positions at another rate cannot go on from the last one, but time must.
            (_audio, _audioRate) = (new AudioClock(frame.Track.SampleRate), frame.Track.SampleRate);
            time = Math.Max(time, _audioEnd);
        }

        var placement = _audio.Place(time, frame.Samples, out var position);
        if (placement is AudioPlacement.Snapped or AudioPlacement.Ahead)
            counters.AudioResnaps++;
        if (placement is AudioPlacement.Ahead or AudioPlacement.StillAhead)
        {
            counters.Drop(FeedDrop.AudioAhead);
            return false;
        }

        var dts = _audio.ToTicks(position);
        _audioEnd = _audio.ToTicks(position + frame.Samples);
        var access = new AccessUnit(frame.Track.Config.TrackId, dts, 0, position, true, frame.Payload);
        unit = new TimedUnit(access, frame.Track, _audioEnd);
        return true;
    }
}
