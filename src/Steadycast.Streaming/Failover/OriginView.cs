namespace Steadycast.Streaming.Failover;

/// <summary>
/// One origin as one stream sees it: its progress and its failures, however it is followed. Pure.
/// </summary>
internal abstract class OriginView(string name, int rank)
{
    /// <summary>One failure may be a connection that had grown old; it is asked again at once.</summary>
    private const int FailuresToBeDown = 2;

    private const int MediaFailuresToQuarantine = 2;

    private static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(10);

    private int _failures;
    private int _mediaFailures;
    private TimeSpan? _failedSince;

    public string Name => name;

    /// <summary>0 is the most preferred.</summary>
    public int Rank => rank;

    public Freshness Freshness { get; set; }

    /// <summary>The newest segment that it lists, by its own number; -1 before there is any.</summary>
    public abstract long Edge { get; }

    /// <summary>0 before it is known.</summary>
    public abstract int TargetDurationSeconds { get; }

    /// <summary>When its newest segment begins, Unix ms; null when nobody says.</summary>
    public abstract long? EdgeDateMs { get; }

    public bool IsDown => _failures >= FailuresToBeDown;

    /// <summary>When its edge moved last.</summary>
    public TimeSpan AdvancedAt { get; protected set; }

    /// <summary>Since when another origin is ahead; null when none is.</summary>
    public TimeSpan? BehindSince { get; protected set; }

    public TimeSpan QuarantinedUntil { get; private set; }

    public OriginFault LastFault { get; private set; }

    /// <summary>Kept after the origin is well again: it says what happened last.</summary>
    public string? LastError { get; private set; }

    /// <summary>Since when it fails or is behind; null when all is well.</summary>
    public TimeSpan? TroubleSince => _failedSince ?? BehindSince;

    /// <summary>It answered, be it that there is nothing new.</summary>
    public void Alive()
    {
        _failures = 0;
        _failedSince = null;
        LastFault = OriginFault.None;
    }

    public virtual void Fail(OriginFault fault, string error, TimeSpan now)
    {
        _failures++;
        _failedSince ??= now;
        LastFault = fault;
        LastError = error;
    }

    public void MediaDelivered() => _mediaFailures = 0;

    public void MediaFailed(OriginFault fault, string error, TimeSpan now)
    {
        _failedSince ??= now;
        LastError = error;
        LastFault = fault;
        if (++_mediaFailures >= MediaFailuresToQuarantine)
            Isolate(now);
    }

    /// <summary>What it has cannot be used, however often it is asked.</summary>
    public void Refuse(string error, TimeSpan now)
    {
        _failedSince ??= now;
        LastError = error;
        LastFault = OriginFault.Garbage;
        Isolate(now);
    }

    private void Isolate(TimeSpan now)
    {
        // The next failure after the quarantine is enough for another one.
        _mediaFailures = MediaFailuresToQuarantine - 1;
        QuarantinedUntil = now + Quarantine;
    }
}
