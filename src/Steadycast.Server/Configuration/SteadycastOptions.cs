using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Ingest;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Configuration;

/// <summary>
/// The whole file. A role runs when its section is there; an empty section is a role with all defaults.
/// </summary>
public sealed record SteadycastOptions
{
    /// <summary>Takes publishers in over RTMP and RTMPS and stamps their feeds.</summary>
    public IngestOptions? Ingest { get; init; }

    /// <summary>Takes publishers in over RTMP and RTMPS and sends their streams on to upstreams.</summary>
    public RelayOptions? Relay { get; init; }

    /// <summary>Turns stamped feeds into HLS segments and playlists.</summary>
    public PackagerOptions? Packager { get; init; }

    /// <summary>Serves a store to viewers, caches and switches.</summary>
    public OriginOptions? Origin { get; init; }

    /// <summary>Merges many origins into one playlist that never goes back.</summary>
    public SwitchOptions? Switch { get; init; }

    /// <summary>What the process says of itself.</summary>
    public LogOptions Log { get; init; } = new();
}
