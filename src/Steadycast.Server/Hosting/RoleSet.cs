using System.Diagnostics.Metrics;
using Steadycast.Server.Configuration;
using Steadycast.Server.Faults;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Ingest;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Relay;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Hosting;

/// <summary>Which roles a configuration asks for, in the order of a packet's journey.</summary>
internal static class RoleSet
{
    public static IReadOnlyList<IRole> Create(SteadycastOptions options, IServiceProvider services)
    {
        var stores = services.GetRequiredService<SegmentStores>();
        var time = services.GetRequiredService<TimeProvider>();
        var loggers = services.GetRequiredService<ILoggerFactory>();
        var meters = services.GetRequiredService<IMeterFactory>();
        var roles = new List<IRole>();
        if (options.Ingest is { } ingest)
            roles.Add(new IngestRole(ingest, time, loggers, meters));
        if (options.Relay is { } relay)
            roles.Add(new RelayRole(relay, time, loggers, meters));
        if (options.Packager is { } packager)
            roles.Add(new PackagerRole(
                packager, stores, time, loggers, meters, services.GetService<FeedCut>()));
        if (options.Origin is { } origin)
            roles.Add(new OriginRole(origin, stores, time, loggers, meters));
        if (options.Switch is { } @switch)
            roles.Add(new SwitchRole(@switch, stores, time, loggers, meters));
        return roles;
    }

    /// <summary>What the configuration makes this process listen on, with the key that says so.</summary>
    public static IReadOnlyList<(string Key, ListenAddress Address)> Listeners(SteadycastOptions options)
    {
        var found = new List<(string Key, string? Text)>
        {
            ("ingest.listen_addr", options.Ingest?.ListenAddr),
            ("ingest.tls.listen_addr", options.Ingest?.Tls?.ListenAddr),
            ("ingest.http_addr", options.Ingest?.HttpAddr),
            ("relay.listen_addr", options.Relay?.ListenAddr),
            ("relay.http_addr", options.Relay is { HttpAddr: not "" } relay ? relay.HttpAddr : null),
            ("packager.http_addr", options.Packager?.HttpAddr),
            ("origin.listen_addr", options.Origin?.ListenAddr),
            ("switch.listen_addr", options.Switch?.ListenAddr),
        };
        return [.. found.Where(l => l.Text is not null).Select(l => (l.Key, ListenAddress.Parse(l.Text!)))];
    }
}
