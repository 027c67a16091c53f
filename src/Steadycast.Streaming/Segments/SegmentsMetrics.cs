using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Segments;

/// <summary>What the stores count; <c>store</c> is <c>memory</c> or <c>directory</c>.</summary>
public sealed class SegmentsMetrics
{
    private readonly Counter<long> _put;
    private readonly Counter<long> _putBytes;
    private readonly Counter<long> _writeFailures;
    private readonly Counter<long> _removed;
    private readonly Counter<long> _indexRejected;
    private readonly Counter<long> _cacheReads;

    public SegmentsMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Steadycast.Streaming.Segments");
        _put = meter.CreateCounter<long>("steadycast_segments_put_total", "{object}");
        _putBytes = meter.CreateCounter<long>("steadycast_segments_put_bytes_total", "By");
        _writeFailures = meter.CreateCounter<long>("steadycast_segments_write_failures_total", "{failure}");
        _removed = meter.CreateCounter<long>("steadycast_segments_removed_total", "{object}");
        _indexRejected = meter.CreateCounter<long>("steadycast_segments_index_rejected_total", "{index}");
        _cacheReads = meter.CreateCounter<long>("steadycast_segments_cache_reads_total", "{read}");
    }

    public void Put(string store, int bytes)
    {
        _put.Add(1, Store(store));
        _putBytes.Add(bytes, Store(store));
    }

    /// <summary>A segment or an index could not be stored: full disk, no right.</summary>
    public void WriteFailed(string store) => _writeFailures.Add(1, Store(store));

    public void Removed(string store) => _removed.Add(1, Store(store));

    /// <summary>An <c>index.json</c> appeared that cannot be believed.</summary>
    public void IndexRejected() => _indexRejected.Add(1);

    public void CacheRead(bool hit) =>
        _cacheReads.Add(1, new KeyValuePair<string, object?>("result", hit ? "hit" : "miss"));

    private static KeyValuePair<string, object?> Store(string kind) => new("store", kind);
}
