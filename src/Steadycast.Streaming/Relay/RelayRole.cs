using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Relay;

/// <summary>The <c>relay</c> section at work: publishers come in over RTMP, their streams go on to upstreams.</summary>
/// <remarks>
/// Stops in the order of the journey: the door closes and publishers are told, then upstreams get what they lack and
/// are told, then the streams end.
/// </remarks>
public sealed class RelayRole : IRole
{
    private const string AddressKey = "relay.listen_addr";

    private readonly RelayOptions _options;
    private readonly SocketTransport _transport;
    private readonly StreamHub _hub;
    private readonly RtmpDoor _door;
    private readonly StreamRelay _relay;
    private readonly UpstreamHealth _health;
    private readonly Upstream[] _upstreams;
    private TransportListener? _listener;

    public RelayRole(RelayOptions options, TimeProvider time, ILoggerFactory loggers, IMeterFactory meters)
    {
        _options = options;
        // A stream ends with its publisher: an upstream is not to see two of them as one.
        var hub = new HubOptions { MaxLogBytes = options.ReplayBytes };
        _hub = new StreamHub(hub, time, new HubMetrics(meters), loggers.CreateLogger<StreamHub>());
        _transport = new SocketTransport(time, new TransportMetrics(meters), loggers.CreateLogger<SocketTransport>());
        var guard = new AddressGuard(options.AllowPrivate);
        var log = loggers.CreateLogger<StreamRelay>();
        var parts = new RelayParts(
            _transport,
            new RtmpDialOptions { Guard = guard },
            new RelayTimes { Failover = options.FailoverTimeout },
            new RelayMetrics(meters),
            time,
            log);
        var routes = RouteTable.Of(options, time);
        _relay = new StreamRelay(_hub, routes, parts);
        _upstreams = [.. routes.Routes.SelectMany(r => r.Pool.Upstreams)];
        _health = new UpstreamHealth(_upstreams, options.UpstreamHealthCheck, _transport, guard, time, log);
        var admission = new AdmissionMetrics(meters);
        _door = new RtmpDoor(
            new RtmpOptions { PublisherSilence = options.IdleTimeout },
            _transport,
            _hub,
            new ConnectionGate(LimitsOf(options), admission, time),
            new PublishGate(options.Security.Rules()),
            new RtmpMetrics(meters),
            admission,
            loggers.CreateLogger<RtmpDoor>(),
            _relay);
    }

    public string Name => "relay";

    public string? HttpAddress => _options.HttpAddr == "" ? null : _options.HttpAddr;

    /// <summary>Where RTMP is spoken, once started: the port that the system chose, where 0 was asked for.</summary>
    public int RtmpPort => _listener?.Port ?? 0;

    public void Map(IEndpointRouteBuilder routes)
    {
    }

    /// <exception cref="IOException">An address cannot be bound; the message names it and its key.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        TlsCertificateOptions? tls = _options.Security is { TlsEnabled: true, TlsCert: { } cert, TlsKey: { } key }
            ? new TlsCertificateOptions(cert, key)
            : null;
        _health.Start();
        _listener = _door.Listen(ListenAddress.Parse(_options.ListenAddr), tls, AddressKey);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _health.DisposeAsync();
        await _transport.StopAsync(cancellationToken);
        await _relay.DisposeAsync();
        await _hub.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _health.DisposeAsync();
        await _transport.DisposeAsync();
        await _relay.DisposeAsync();
        await _hub.DisposeAsync();
    }

    public RoleHealth Health() => new(
        _listener is null ? [$"RTMP does not listen on {_options.ListenAddr} yet."] : [],
        new Dictionary<string, object?>
        {
            ["relay_streams"] = _relay.Sessions.ToDictionary(
                s => s.Stream.ToString(),
                s => (object?)new Dictionary<string, object?>
                {
                    ["upstream"] = s.Upstream?.ToString(),
                    ["resumes"] = s.Resumes,
                    ["last_error"] = s.LastError,
                }),
            ["relay_upstreams"] = _upstreams.Select(u => new Dictionary<string, object?>
            {
                ["url"] = u.ToString(),
                ["healthy"] = u.Verdict.IsHealthy,
                ["last_error"] = u.Verdict.Error,
                ["sessions"] = u.Sessions,
                ["circuit_breaker"] = u.Breaker.Snapshot.State switch
                {
                    CircuitState.Closed => "closed",
                    CircuitState.Open => "open",
                    _ => "half-open",
                },
            }).ToArray(),
        });

    private static AdmissionOptions LimitsOf(RelayOptions options)
    {
        var limits = new AdmissionOptions();
        if (options.ConnectionLimit.MaxTotalConnections is > 0 and var total)
            limits = limits with { MaxConnections = total };
        if (options.ConnectionLimit.MaxPerIp is > 0 and var perAddress)
            limits = limits with { MaxPerAddress = perAddress, LimitsLoopback = true };
        if (options.RateLimit is { Enabled: true, RequestsPerSec: var rate, Burst: var burst })
            limits = limits with { MaxArrivalsPerSecond = rate, ArrivalBurst = burst, LimitsLoopback = true };
        return limits;
    }
}
