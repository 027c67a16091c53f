using System.Diagnostics.Metrics;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>What the switch counts: streaming-lab's five, by their old names, and its own.</summary>
/// <remarks>
/// Gauges are read from the streams' snapshots; one whose source fails has no value, not its last good one.
/// </remarks>
internal sealed class SwitchMetrics
{
    private readonly Counter<long> _serverErrors;
    private readonly Counter<long> _failovers;
    private readonly Counter<long> _switchbacks;
    private readonly Counter<long> _switches;
    private readonly Histogram<double> _switchSeconds;
    private readonly Counter<long> _fetches;
    private readonly Histogram<double> _fetchSeconds;
    private readonly Counter<long> _hedges;
    private readonly Counter<long> _fallbacks;
    private readonly Counter<long> _splices;
    private readonly Counter<long> _mismatches;
    private readonly Counter<long> _corrupt;
    private readonly Counter<long> _gaps;
    private readonly Counter<long> _windows;
    private readonly Histogram<double> _publishSeconds;
    private readonly Counter<long> _blocked;
    private readonly Counter<long> _staleServed;
    private readonly Counter<double> _allDown;
    private readonly Counter<long> _heldBack;
    private readonly Counter<long> _cacheRequests;
    private readonly Counter<long> _stateFailures;

    /// <param name="origins">The origins' names.</param>
    /// <param name="streams">The streams as they stand.</param>
    /// <param name="headline">The stream that the metrics without a stream label tell of.</param>
    /// <param name="cacheBytes">Bytes of segments in memory.</param>
    /// <param name="time">For the age of the origins' newest segments.</param>
    public SwitchMetrics(
        IMeterFactory meters,
        IEnumerable<string> origins,
        Func<IReadOnlyList<StreamSnapshot>> streams,
        Func<StreamSnapshot?> headline,
        Func<long> cacheBytes,
        TimeProvider time)
    {
        var meter = meters.Create("Steadycast.Streaming.Failover");
        Door = new DoorMetrics(meter, "steadycast_switch");
        meter.CreateObservableGauge(
            "switcher_active_origin",
            () => ActiveOrigin(headline()),
            description: "1 when the first origin (primary) is active for the default stream, 0 when another one is.");
        meter.CreateObservableGauge(
            "segment_age_seconds",
            () => SegmentAges(headline(), time),
            description: "Now minus the PROGRAM-DATE-TIME of each origin's last segment, for the default stream.");
        _serverErrors = meter.CreateCounter<long>("origin_http_5xx_total", description: "5xx answers of each origin.");
        _failovers = meter.CreateCounter<long>("failovers_total", description: "Moves to a less preferred origin.");
        _switchbacks = meter.CreateCounter<long>("switchbacks_total", description: "Moves to a more preferred origin.");

        _switches = meter.CreateCounter<long>(
            "steadycast_switch_switches_total", description: "Changes of the active origin.");
        _switchSeconds = meter.CreateHistogram<double>(
            "steadycast_switch_switch_seconds", "s",
            "First sign of trouble with the active origin to the next published segment.");
        _fetches = meter.CreateCounter<long>(
            "steadycast_switch_origin_fetches_total", description: "Requests to origins.");
        _fetchSeconds = meter.CreateHistogram<double>(
            "steadycast_switch_origin_fetch_seconds", "s", "Successful requests, without the long-polled index.");
        _hedges = meter.CreateCounter<long>(
            "steadycast_switch_hedges_total",
            description: "Segments asked of a second origin because the first was slow.");
        _fallbacks = meter.CreateCounter<long>(
            "steadycast_switch_fallbacks_total", description: "Segments asked of the next origin because one failed.");
        _splices = meter.CreateCounter<long>(
            "steadycast_switch_splices_total",
            description: "Segments whose end came from another origin than their beginning.");
        _mismatches = meter.CreateCounter<long>(
            "steadycast_switch_segment_mismatches_total",
            description: "Other bytes than were published under the same number.");
        _corrupt = meter.CreateCounter<long>(
            "steadycast_switch_segment_corrupt_total", description: "Bytes that are not what the index promises.");
        _gaps = meter.CreateCounter<long>(
            "steadycast_switch_gaps_total", description: "Segments lost on every origin.");
        _windows = meter.CreateCounter<long>(
            "steadycast_switch_new_windows_total", description: "Playlists begun anew because the numbers jumped.");
        _publishSeconds = meter.CreateHistogram<double>(
            "steadycast_switch_publish_latency_seconds", "s", "An origin's index seen to segment published.");
        _blocked = meter.CreateCounter<long>(
            "steadycast_switch_regressions_blocked_total",
            description: "Playlists or segments that would have broken a promise.");
        _staleServed = meter.CreateCounter<long>(
            "steadycast_switch_stale_served_total", description: "Answers with a playlist that does not move.");
        _allDown = meter.CreateCounter<double>(
            "steadycast_switch_all_down_seconds_total", "s", "Time with every origin of a stream down.");
        _heldBack = meter.CreateCounter<long>(
            "steadycast_switch_held_playlists_total",
            description: "Answers held back until this switch has what another one has shown.");
        _cacheRequests = meter.CreateCounter<long>(
            "steadycast_switch_cache_requests_total", description: "Viewers' requests for segments.");
        _stateFailures = meter.CreateCounter<long>(
            "steadycast_switch_state_write_failures_total",
            description: "Writes of the state that failed or were skipped.");
        meter.CreateObservableGauge("steadycast_switch_cache_bytes", cacheBytes, "By", "Segments in memory.");

        AddStreamGauges(meter, streams);
        AddOriginGauges(meter, streams, time);
        BeginAtZero(origins);
    }

    public DoorMetrics Door { get; }

    public void Switched(OriginChange change)
    {
        if (change.From is not { } from)
            return;
        _switches.Add(1, new("from", from.Name), new("to", change.To.Name), new("reason", change.Reason));
        (change.To.Rank > from.Rank ? _failovers : _switchbacks).Add(1);
    }

    /// <summary>From the first sign of trouble with the active origin to the next published segment.</summary>
    public void SwitchCompleted(TimeSpan time) => _switchSeconds.Record(time.TotalSeconds);

    public void Fetched(string origin, string kind, OriginFault fault, int status, TimeSpan time)
    {
        _fetches.Add(1, new("origin", origin), new("kind", kind), new("outcome", OutcomeOf(fault)));
        // An index is held until there is something new; how long says nothing of the origin.
        if (fault == OriginFault.None && kind != "index")
            _fetchSeconds.Record(time.TotalSeconds, new KeyValuePair<string, object?>("origin", origin));
        if (status >= 500)
            _serverErrors.Add(1, new KeyValuePair<string, object?>("origin", origin));
    }

    public void Hedged(string winner) => _hedges.Add(1, new KeyValuePair<string, object?>("winner", winner));

    public void FellBack(OriginFault reason) =>
        _fallbacks.Add(1, new KeyValuePair<string, object?>("reason", OutcomeOf(reason)));

    public void Spliced() => _splices.Add(1);

    public void Mismatch(string origin) => _mismatches.Add(1, new KeyValuePair<string, object?>("origin", origin));

    public void Corrupt(string origin) => _corrupt.Add(1, new KeyValuePair<string, object?>("origin", origin));

    public void Published(string stream, Publication publication, TimeSpan sinceSeen)
    {
        _publishSeconds.Record(sinceSeen.TotalSeconds);
        if (publication.Gaps > 0)
            _gaps.Add(publication.Gaps, new KeyValuePair<string, object?>("stream", stream));
        if (publication.NewWindow)
            _windows.Add(1, new KeyValuePair<string, object?>("stream", stream));
    }

    public void Blocked(string kind) => _blocked.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void StaleServed() => _staleServed.Add(1);

    public void HeldBack() => _heldBack.Add(1);

    public void AllDown(TimeSpan time) => _allDown.Add(time.TotalSeconds);

    public void CacheRequest(string result) =>
        _cacheRequests.Add(1, new KeyValuePair<string, object?>("result", result));

    public void StateWriteFailed() => _stateFailures.Add(1);

    private static void AddStreamGauges(Meter meter, Func<IReadOnlyList<StreamSnapshot>> streams)
    {
        void Add<T>(string name, Func<StreamSnapshot, T?> value, string text, string? unit = null)
            where T : struct =>
            meter.CreateObservableGauge($"steadycast_switch_{name}", () => OfStreams(streams(), value), unit, text);

        Add("published_edge_msn", s => s.Index?.Edge, "Newest published segment.");
        meter.CreateObservableGauge(
            "steadycast_switch_peer_edge_msn",
            () => PeerEdges(streams()),
            description: "Newest segment that another switch has published, while it answers.");
        Add("published_first_msn", s => s.Index?.First, "Oldest listed segment.");
        Add("epoch_id", s => (long?)s.Index?.Segments[^1].EpochId, "Epoch of the newest published segment.");
        Add(
            "pdt_drift_seconds",
            s => s.PdtDrift?.TotalSeconds,
            "How far behind the wall clock the newest segment ended when it was published.",
            "s");
    }

    private static void AddOriginGauges(Meter meter, Func<IReadOnlyList<StreamSnapshot>> streams, TimeProvider time)
    {
        void Add<T>(string name, Func<StreamSnapshot, OriginSnapshot, T?> value, string text, string? unit = null)
            where T : struct =>
            meter.CreateObservableGauge($"steadycast_switch_{name}", () => OfOrigins(streams(), value), unit, text);

        Add<long>(
            "active_origin",
            (s, o) => s.Active is null ? null : (s.Active.Rank == o.Rank ? 1 : 0),
            "1 for the active origin, 0 for the others.");
        Add<long>("origin_up", (_, o) => o.IsHeard ? 1 : 0, "1: it answers for the stream.");
        Add<long>("origin_edge_msn", (_, o) => o.IsHeard ? o.Edge : null, "Newest segment it lists.");
        Add<long>("origin_lag_segments", (_, o) => o.IsHeard ? o.Lag : null, "Segments behind the best origin.");
        Add<double>(
            "origin_edge_age_seconds",
            (_, o) => o.IsHeard ? time.GetElapsedTime(o.AdvancedAt).TotalSeconds : null,
            "Since its edge moved.",
            "s");
    }

    /// <summary>The old names are there from the start: a rule on an increase needs a zero before it.</summary>
    private void BeginAtZero(IEnumerable<string> origins)
    {
        _failovers.Add(0);
        _switchbacks.Add(0);
        foreach (var origin in origins)
            _serverErrors.Add(0, new KeyValuePair<string, object?>("origin", origin));
    }

    private static string OutcomeOf(OriginFault fault) => fault switch
    {
        OriginFault.None => "ok",
        OriginFault.Refused => "refused",
        OriginFault.Reset => "reset",
        OriginFault.Timeout => "timeout",
        OriginFault.NotFound => "not_found",
        OriginFault.ServerError => "server_error",
        OriginFault.Status => "status",
        OriginFault.Garbage => "garbage",
        OriginFault.Corrupt => "corrupt",
        _ => "cancelled",
    };

    private static IEnumerable<Measurement<long>> ActiveOrigin(StreamSnapshot? stream)
    {
        if (stream?.Active is { } active)
            yield return new Measurement<long>(active.Rank == 0 ? 1 : 0);
    }

    private static IEnumerable<Measurement<double>> SegmentAges(StreamSnapshot? stream, TimeProvider time)
    {
        foreach (var origin in stream?.Origins ?? [])
        {
            if (!origin.IsHeard || origin.LastSegmentPdtMs is not { } date)
                continue;
            var began = DateTimeOffset.FromUnixTimeMilliseconds(date);
            var age = (time.GetUtcNow() - began).TotalSeconds;
            yield return new Measurement<double>(age, new KeyValuePair<string, object?>("origin", origin.Name));
        }
    }

    private static IEnumerable<Measurement<T>> OfStreams<T>(
        IReadOnlyList<StreamSnapshot> streams,
        Func<StreamSnapshot, T?> value)
        where T : struct
    {
        foreach (var stream in streams)
        {
            if (value(stream) is { } measured)
                yield return new Measurement<T>(measured, new KeyValuePair<string, object?>("stream", stream.Stream));
        }
    }

    private static IEnumerable<Measurement<long>> PeerEdges(IReadOnlyList<StreamSnapshot> streams)
    {
        foreach (var stream in streams)
        {
            foreach (var peer in stream.Peers.Where(p => p.IsHeard))
                yield return new Measurement<long>(peer.Edge, new("stream", stream.Stream), new("peer", peer.Name));
        }
    }

    private static IEnumerable<Measurement<T>> OfOrigins<T>(
        IReadOnlyList<StreamSnapshot> streams,
        Func<StreamSnapshot, OriginSnapshot, T?> value)
        where T : struct
    {
        foreach (var stream in streams)
        {
            foreach (var origin in stream.Origins)
            {
                if (value(stream, origin) is { } measured)
                    yield return new Measurement<T>(measured, new("stream", stream.Stream), new("origin", origin.Name));
            }
        }
    }
}
