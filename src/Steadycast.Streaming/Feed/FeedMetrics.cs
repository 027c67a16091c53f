using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Feed;

/// <summary>What the feed counts, over all streams of the process.</summary>
internal sealed class FeedMetrics
{
    private static readonly string[] DropNames = NamesOf<FeedDrop>();
    private static readonly string[] CauseNames = NamesOf<DiscontinuityCause>();

    private static readonly KeyValuePair<string, object?> Used = new("result", "used");
    private static readonly KeyValuePair<string, object?> Refused = new("result", "refused");

    private readonly Counter<long> _frames;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _cuts;
    private readonly Counter<long> _forcedCuts;
    private readonly Counter<long> _resnaps;
    private readonly Counter<long> _repaired;
    private readonly Counter<long> _rebased;
    private readonly Counter<long> _wallClocks;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _discontinuities;
    private readonly Counter<long> _stateFailures;
    private readonly Counter<long> _leaderChanges;
    private readonly Counter<long> _takeovers;
    private readonly UpDownCounter<long> _locked;
    private readonly Counter<long> _readersDropped;
    private readonly UpDownCounter<long> _ringBytes;
    private readonly UpDownCounter<long> _readers;
    private readonly Histogram<double> _keyframeInterval;

    public FeedMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Steadycast.Streaming.Feed");
        _frames = meter.CreateCounter<long>("steadycast_feed_frames_total", "{frame}");
        _bytes = meter.CreateCounter<long>("steadycast_feed_bytes_total", "By");
        _cuts = meter.CreateCounter<long>("steadycast_feed_cuts_total", "{cut}");
        _forcedCuts = meter.CreateCounter<long>("steadycast_feed_forced_cuts_total", "{cut}");
        _resnaps = meter.CreateCounter<long>("steadycast_feed_audio_resnaps_total", "{resnap}");
        _repaired = meter.CreateCounter<long>("steadycast_feed_repaired_timestamps_total", "{timestamp}");
        _rebased = meter.CreateCounter<long>("steadycast_feed_rebased_tracks_total", "{track}");
        _wallClocks = meter.CreateCounter<long>("steadycast_feed_wall_clocks_total", "{epoch}");
        _dropped = meter.CreateCounter<long>("steadycast_feed_dropped_total", "{frame}");
        _discontinuities = meter.CreateCounter<long>("steadycast_feed_discontinuities_total", "{discontinuity}");
        _stateFailures = meter.CreateCounter<long>("steadycast_feed_state_failures_total", "{failure}");
        _leaderChanges = meter.CreateCounter<long>("steadycast_feed_leader_changes_total", "{change}");
        _takeovers = meter.CreateCounter<long>("steadycast_feed_takeovers_total", "{takeover}");
        _locked = meter.CreateUpDownCounter<long>("steadycast_feed_locked_streams", "{stream}");
        _readersDropped = meter.CreateCounter<long>("steadycast_feed_readers_dropped_total", "{reader}");
        _ringBytes = meter.CreateUpDownCounter<long>("steadycast_feed_ring_bytes", "By");
        _readers = meter.CreateUpDownCounter<long>("steadycast_feed_readers", "{reader}");
        _keyframeInterval = meter.CreateHistogram<double>("steadycast_feed_keyframe_interval_seconds", "s",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2, 3, 4, 6, 8, 10, 15, 30] });
    }

    /// <summary>Adds what a cutter has counted since <paramref name="before"/>, which becomes equal to it.</summary>
    public void Add(CutterCounters now, CutterCounters before)
    {
        AddStep(_frames, now.Frames, before.Frames);
        AddStep(_bytes, now.Bytes, before.Bytes);
        AddStep(_cuts, now.Cuts, before.Cuts);
        AddStep(_forcedCuts, now.ForcedCuts, before.ForcedCuts);
        AddStep(_resnaps, now.AudioResnaps, before.AudioResnaps);
        AddStep(_repaired, now.RepairedTimestamps, before.RepairedTimestamps);
        AddStep(_rebased, now.RebasedTracks, before.RebasedTracks);
        (before.Frames, before.Bytes, before.Cuts, before.ForcedCuts) =
            (now.Frames, now.Bytes, now.Cuts, now.ForcedCuts);
        (before.AudioResnaps, before.RepairedTimestamps) = (now.AudioResnaps, now.RepairedTimestamps);
        before.RebasedTracks = now.RebasedTracks;
        AddStep(_wallClocks, now.WallClocksUsed, before.WallClocksUsed, Used);
        AddStep(_wallClocks, now.WallClocksRefused, before.WallClocksRefused, Refused);
        (before.WallClocksUsed, before.WallClocksRefused) = (now.WallClocksUsed, now.WallClocksRefused);
        AddSteps(_dropped, now.Drops, before.Drops, "reason", DropNames);
        AddSteps(_discontinuities, now.Discontinuities, before.Discontinuities, "cause", CauseNames);
    }

    public void KeyframeInterval(double seconds) => _keyframeInterval.Record(seconds);

    /// <param name="operation">load or save</param>
    public void StateFailed(string operation) =>
        _stateFailures.Add(1, new KeyValuePair<string, object?>("operation", operation));

    /// <param name="to">self (after a peer) or peer</param>
    public void LeaderChanged(string to) => _leaderChanges.Add(1, new KeyValuePair<string, object?>("to", to));

    /// <summary>This ingest went on in the place of a leader that is gone.</summary>
    public void TookOver(bool isSeamless) =>
        _takeovers.Add(1, new KeyValuePair<string, object?>("seam", isSeamless ? "none" : "discontinuity"));

    /// <summary>A stream that is followed is locked, or is not any more.</summary>
    public void Locked(bool isLocked) => _locked.Add(isLocked ? 1 : -1);

    public void RingGrew(long bytes) => _ringBytes.Add(bytes);

    public void ReaderCame() => _readers.Add(1);

    public void ReaderLeft() => _readers.Add(-1);

    /// <param name="reason">behind (the ring went on without it) or stuck (took no bytes in time)</param>
    public void ReaderDropped(string reason) =>
        _readersDropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    private static void AddStep(
        Counter<long> counter, long now, long before, params ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (now != before)
            counter.Add(now - before, labels);
    }

    private static void AddSteps(Counter<long> counter, long[] now, long[] before, string label, string[] names)
    {
        for (var i = 0; i < now.Length; i++)
        {
            if (now[i] != before[i])
                counter.Add(now[i] - before[i], new KeyValuePair<string, object?>(label, names[i]));
            before[i] = now[i];
        }
    }

    private static string[] NamesOf<T>() where T : struct, Enum =>
        [.. Enum.GetNames<T>().Select(System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName)];
}
