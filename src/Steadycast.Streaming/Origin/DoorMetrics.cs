using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Origin;

/// <summary>What a viewers' door counts; the origin's and the switch's differ in their prefix only.</summary>
internal sealed class DoorMetrics
{
    private readonly Counter<long> _requests;
    private readonly Counter<long> _sentBytes;
    private int _waiting;

    /// <param name="meter">The room's meter.</param>
    /// <param name="prefix"><c>steadycast_origin</c> or <c>steadycast_switch</c>.</param>
    public DoorMetrics(Meter meter, string prefix)
    {
        _requests = meter.CreateCounter<long>(
            $"{prefix}_viewer_requests_total", "{request}", "Answered requests below /hls/.");
        _sentBytes = meter.CreateCounter<long>($"{prefix}_sent_bytes_total", "By", "Bodies of segments and playlists.");
        meter.CreateObservableGauge($"{prefix}_waiting_requests", () => _waiting, "{request}", "Long polls on hold.");
    }

    public void Answered(string kind, int status, long bytes)
    {
        _requests.Add(1, new("kind", kind), new("code", status));
        if (bytes > 0)
            _sentBytes.Add(bytes, new KeyValuePair<string, object?>("kind", kind));
    }

    /// <summary>Counts a long poll in; false when <paramref name="limit"/> wait already.</summary>
    public bool TryBeginWait(int limit)
    {
        if (Interlocked.Increment(ref _waiting) <= limit)
            return true;
        EndWait();
        return false;
    }

    public void EndWait() => Interlocked.Decrement(ref _waiting);
}
