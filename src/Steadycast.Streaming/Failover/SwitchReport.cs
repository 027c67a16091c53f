using System.Globalization;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>How the switch stands, in the words of <c>GET /api/switch</c> and <c>/healthz</c>.</summary>
internal static class SwitchReport
{
    /// <summary>
    /// Per stream: active origin, edge, state, switches; and each origin's freshness, lag and last error.
    /// </summary>
    public static Dictionary<string, object?> Of(HlsSwitch hls, TimeProvider time)
    {
        var snapshot = hls.Snapshot;
        return new Dictionary<string, object?>
        {
            ["state"] = Word(hls.Find(out _)),
            ["active_origin"] = snapshot.Active?.Name,
            ["pinned_origin"] = snapshot.Pinned,
            ["first"] = snapshot.Index?.First,
            ["edge"] = snapshot.Index?.Edge,
            ["epoch_id"] = snapshot.Index?.Segments[^1].EpochId,
            ["switches"] = snapshot.Switches,
            ["origins"] = snapshot.Origins.Select(origin => Of(origin, time)).ToArray(),
            ["peers"] = snapshot.Peers.Select(peer => Of(peer, time)).ToArray(),
        };
    }

    /// <summary>Why viewers cannot be served, or will soon not be; empty when they can.</summary>
    public static IReadOnlyList<string> Reasons(ICollection<HlsSwitch> switches)
    {
        if (switches.Count == 0)
            return ["No origin has listed a stream yet."];
        var reasons = new List<string>();
        foreach (var hls in switches)
        {
            var snapshot = hls.Snapshot;
            var state = hls.Find(out _);
            if (state == StreamState.Cold)
                reasons.Add($"{snapshot.Stream}: nothing could be had from any origin yet.");
            else if (state == StreamState.Stalled && snapshot.Origins.All(o => o.Freshness == Freshness.Down))
                reasons.Add($"{snapshot.Stream}: every origin is down; the last playlist is served.");
            else
                return [];
        }

        return reasons;
    }

    private static Dictionary<string, object?> Of(OriginSnapshot origin, TimeProvider time) => new()
    {
        ["name"] = origin.Name,
        ["freshness"] = Word(origin.Freshness),
        ["edge"] = origin.IsHeard ? origin.Edge : null,
        ["lag_segments"] = origin.IsHeard ? origin.Lag : null,
        ["age_seconds"] = origin.IsHeard ? Math.Round(time.GetElapsedTime(origin.AdvancedAt).TotalSeconds, 3) : null,
        ["fault"] = origin.LastFault == OriginFault.None ? null : Word(origin.LastFault),
        ["last_error"] = origin.LastError,
    };

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLower(CultureInfo.InvariantCulture);

    private static string Word(StreamState state) => state switch
    {
        StreamState.Live => "live",
        StreamState.Stalled => "stalled",
        _ => "cold",
    };
}
