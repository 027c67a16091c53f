namespace Steadycast.Streaming.Feed;

/// <summary>What became of an audio frame's time.</summary>
internal enum AudioPlacement
{
    /// <summary>Right behind the frame before it.</summary>
    Smooth,

    /// <summary>The first frame.</summary>
    First,

    /// <summary>Behind a gap: the timestamps ran more than 50 ms ahead of the samples.</summary>
    Snapped,

    /// <summary>
    /// The timestamps fell more than 50 ms behind the samples: frames are dropped until they have caught up.
    /// </summary>
    Ahead,

    /// <summary>One more frame dropped for the same reason.</summary>
    StillAhead,
}

/// <summary>
/// Counts audio in samples, not in the publisher's milliseconds: 1024 samples at 44.1 kHz are 23.22 ms, sent as 23 or
/// 24, and a decoder told so hears clicks. The timestamps only correct it when they disagree by more than 50 ms.
/// </summary>
/// <param name="sampleRate">In Hz.</param>
/// <param name="next">Where the next frame is, of a clock that goes on from another; null: it says by its time.</param>
internal sealed class AudioClock(int sampleRate, long? next = null)
{
    public const long TicksPerSecond = 90_000;
    private const long MaxErrorTicks = 50 * 90;

    private bool _started = next is not null;
    private bool _ahead;
    private long _next = next ?? 0;

    public int SampleRate => sampleRate;

    /// <summary>
    /// Places a frame; <paramref name="position"/> is meaningless when the placement says it is ahead.
    /// </summary>
    /// <param name="time">Media time by the publisher's timestamp, in 1/90000 s.</param>
    /// <param name="samples">How many samples the frame has.</param>
    /// <param name="position">In samples since media time 0.</param>
    public AudioPlacement Place(long time, int samples, out long position)
    {
        var placement = AudioPlacement.Smooth;
        var error = time - ToTicks(_next);
        if (!_started)
            placement = AudioPlacement.First;
        else if (error > MaxErrorTicks)
            placement = AudioPlacement.Snapped;
        else if (_ahead ? error < 0 : error < -MaxErrorTicks)
            placement = _ahead ? AudioPlacement.StillAhead : AudioPlacement.Ahead;
        _ahead = placement is AudioPlacement.Ahead or AudioPlacement.StillAhead;
        _started = true;
        if (placement is AudioPlacement.First or AudioPlacement.Snapped)
            _next = ToSamplesUp(time);
        position = _next;
        if (!_ahead)
            _next += samples;
        return placement;
    }

    public long ToTicks(long position) =>
        (position / sampleRate * TicksPerSecond)
            + (((position % sampleRate * TicksPerSecond) + (sampleRate / 2)) / sampleRate);

    // Up, so that the first sample of an epoch never lies before the epoch.
    private long ToSamplesUp(long time) =>
        (time / TicksPerSecond * sampleRate)
            + (((time % TicksPerSecond * sampleRate) + TicksPerSecond - 1) / TicksPerSecond);
}
