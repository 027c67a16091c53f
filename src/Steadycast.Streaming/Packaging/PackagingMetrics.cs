using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Packaging;

/// <summary>What the packager counts.</summary>
public sealed class PackagingMetrics
{
    private readonly Counter<long> _segments;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _leftOut;
    private readonly Counter<long> _storeFailures;
    private readonly Counter<long> _restarts;
    private readonly Histogram<double> _seconds;
    private readonly UpDownCounter<long> _streams;

    public PackagingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Steadycast.Streaming.Packaging");
        _segments = meter.CreateCounter<long>("steadycast_packaging_segments_total", "{segment}");
        _bytes = meter.CreateCounter<long>("steadycast_packaging_bytes_total", "By");
        _dropped = meter.CreateCounter<long>("steadycast_packaging_dropped_total", "{segment}");
        _leftOut = meter.CreateCounter<long>("steadycast_packaging_left_out_total", "{track}");
        _storeFailures = meter.CreateCounter<long>("steadycast_packaging_store_failures_total", "{failure}");
        _restarts = meter.CreateCounter<long>("steadycast_packaging_loop_restarts_total", "{restart}");
        _seconds = meter.CreateHistogram<double>("steadycast_packaging_publish_seconds", "s");
        _streams = meter.CreateUpDownCounter<long>("steadycast_packaging_streams", "{stream}");
    }

    /// <summary>A segment is stored and its index published.</summary>
    /// <param name="took">From the segment's last record to the published index.</param>
    public void Published(bool gap, int bytes, TimeSpan took)
    {
        _segments.Add(1, new KeyValuePair<string, object?>("kind", gap ? "gap" : "media"));
        _bytes.Add(bytes);
        _seconds.Record(took.TotalSeconds);
    }

    /// <summary>A segment, or what there was of it, that is not published.</summary>
    public void Dropped(PackagingStep step)
    {
        var reason = step switch
        {
            PackagingStep.Abandoned => "abandoned",
            PackagingStep.Fenced => "fenced",
            PackagingStep.Damaged => "damaged",
            PackagingStep.Repeated => "repeated",
            PackagingStep.Unsupported => "unsupported",
            _ => "other",
        };
        _dropped.Add(1, new KeyValuePair<string, object?>("reason", reason));
    }

    /// <summary>Audio tracks of a published segment that its container cannot carry.</summary>
    public void LeftOut(int tracks)
    {
        if (tracks > 0)
            _leftOut.Add(tracks);
    }

    public void StoreFailed() => _storeFailures.Add(1);

    /// <summary>A stream's loop met a fault of ours and started again.</summary>
    public void LoopRestarted() => _restarts.Add(1);

    public void StreamStarted() => _streams.Add(1);

    public void StreamStopped() => _streams.Add(-1);
}
