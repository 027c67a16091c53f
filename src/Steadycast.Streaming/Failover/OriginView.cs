using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>One origin as one stream sees it: its last valid index, its progress and its failures. Pure.</summary>
internal sealed class OriginView(string name, int rank)
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

    public StreamIndex? Index { get; private set; }

    public long Edge => Index?.Edge ?? -1;

    /// <summary>It has neither answered nor failed yet.</summary>
    public bool IsUnknown => Index is null && LastFault == OriginFault.None;

    public bool IsDown => _failures >= FailuresToBeDown;

    /// <summary>When its edge moved last.</summary>
    public TimeSpan AdvancedAt { get; private set; }

    /// <summary>Since when another origin is ahead; null when none is.</summary>
    public TimeSpan? BehindSince { get; private set; }

    public TimeSpan QuarantinedUntil { get; private set; }

    /// <summary>Up to which number its records were compared with the published ones.</summary>
    public long ComparedUpTo { get; set; } = -1;

    public OriginFault LastFault { get; private set; }

    /// <summary>Kept after the origin is well again: it says what happened last.</summary>
    public string? LastError { get; private set; }

    public SegmentRecord? Find(long msn) =>
        Index is { } index && msn >= index.First && msn <= index.Edge ? index.Segments[(int)(msn - index.First)] : null;

    public MapRecord? FindMap(string uri) => Index?.Maps.FirstOrDefault(map => map.Uri == uri);

    public void Observe(StreamIndex index, TimeSpan now)
    {
        if (index.Edge > Edge)
            AdvancedAt = now;
        Index = index;
        Alive();
    }

    /// <summary>Since when it fails or is behind; null when all is well.</summary>
    public TimeSpan? TroubleSince => _failedSince ?? BehindSince;

    /// <summary>It answered that there is nothing new.</summary>
    public void Alive()
    {
        _failures = 0;
        _failedSince = null;
        LastFault = OriginFault.None;
    }

    public void Fail(OriginFault fault, string error, TimeSpan now)
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
        if (++_mediaFailures < MediaFailuresToQuarantine)
            return;
        // The next failure after the quarantine is enough for another one.
        _mediaFailures = MediaFailuresToQuarantine - 1;
        QuarantinedUntil = now + Quarantine;
    }

    public void CompareWith(long bestEdge, TimeSpan now) =>
        BehindSince = Edge >= bestEdge ? null : BehindSince ?? now;
}
