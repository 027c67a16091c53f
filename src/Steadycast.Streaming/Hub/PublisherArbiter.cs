namespace Steadycast.Streaming.Hub;

/// <summary>Decides which of a stream's two publishers is on air.</summary>
/// <remarks>
/// Pure: asked at each message of the publisher that is not on air, which is the sign that there is somebody to take
/// over; no timer, so a takeover comes within one picture of its time. Used by the stream's writer only.
/// </remarks>
internal sealed class PublisherArbiter(StandbyOptions options, TimeProvider time)
{
    private static readonly TimeSpan FlapWindow = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestHold = TimeSpan.FromMinutes(10);

    private long? returnedAt;

    /// <summary>How long the main publisher must have been steady before it returns.</summary>
    public TimeSpan Hold { get; private set; } = options.ReturnAfter;

    /// <summary>Why the waiting publisher shall go on air now; null when it shall not.</summary>
    /// <param name="canBegin">It has a keyframe to begin with.</param>
    /// <param name="isAtKeyframe">This very message is one.</param>
    public SwitchReason? Judge(
        PublisherVitals onAir,
        PublisherVitals waiting,
        PublisherRole waitingRole,
        bool canBegin,
        bool isAtKeyframe,
        long now)
    {
        if (!canBegin || waiting.StillFor(now) >= options.TakeoverAfter)
            return null;
        if (onAir.StillFor(now) >= options.TakeoverAfter)
            return onAir.SilentFor(now) >= options.TakeoverAfter ? SwitchReason.Silent : SwitchReason.Frozen;
        bool mayReturn = waitingRole == PublisherRole.Main && options.Return == StandbyReturn.WhenHealthy;
        // A keyframe with the time of the one before may be the first sign of a publisher that freezes.
        bool isMoment = isAtKeyframe && waiting.StillFor(now) == TimeSpan.Zero;
        return mayReturn && isMoment && waiting.SteadyFor(now) >= Hold ? SwitchReason.Returned : null;
    }

    /// <summary>Learns from a change: who fails soon after its return waits longer next time.</summary>
    public void Switched(PublisherRole to, SwitchReason reason, long now)
    {
        if (reason == SwitchReason.Returned)
            returnedAt = now;
        if (to != PublisherRole.Standby)
            return;
        bool flaps = returnedAt is { } at && time.GetElapsedTime(at, now) < FlapWindow;
        TimeSpan longer = Hold * 2 < LongestHold ? Hold * 2 : LongestHold;
        Hold = flaps ? longer : options.ReturnAfter;
    }
}
