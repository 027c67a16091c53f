using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Ingest;

/// <summary>
/// The <c>ingest</c> section at work: publishers come in over RTMP and RTMPS, each stream's feed goes out over HTTP.
/// </summary>
/// <remarks>
/// Stops in the order of the journey: the door closes and publishers are told; the hub's streams end; each feed ends
/// its last segment and stores its numbers; feed readers get what they lack and see the end.
/// </remarks>
public sealed class IngestRole : IRole
{
    private const string AddressKey = "ingest.listen_addr";
    private const string TlsAddressKey = "ingest.tls.listen_addr";

    private readonly IngestOptions _options;
    private readonly SocketTransport _transport;
    private readonly StreamHub _hub;
    private readonly RtmpDoor _door;
    private readonly FeedLoops _feeds;
    private readonly FeedEndpoint _endpoint;
    private TransportListener? _listener;

    public IngestRole(IngestOptions options, TimeProvider time, ILoggerFactory loggers, IMeterFactory meters)
    {
        _options = options;
        var hubOptions = new HubOptions { PublishConflict = options.PublishConflict, Standby = options.Standby };
        _hub = new StreamHub(hubOptions, time, new HubMetrics(meters), loggers.CreateLogger<StreamHub>());
        _transport = new SocketTransport(time, new TransportMetrics(meters), loggers.CreateLogger<SocketTransport>());
        var admission = new AdmissionMetrics(meters);
        _door = new RtmpDoor(
            new RtmpOptions(),
            _transport,
            _hub,
            new ConnectionGate(new AdmissionOptions(), admission, time),
            new PublishGate(options.Publish),
            new RtmpMetrics(meters),
            admission,
            loggers.CreateLogger<RtmpDoor>());
        var metrics = new FeedMetrics(meters);
        var settings = new FeedSettings(
            options.SegmentSeconds, TimeSpan.FromSeconds(options.ReplaySeconds), options.StateDir)
        {
            Peers = [.. options.Peers.Select(peer => new Uri(peer))],
        };
        _feeds = new FeedLoops(_hub, settings, metrics, time, loggers);
        _endpoint = new FeedEndpoint(
            _feeds.Directory, _feeds.IngestId, time, metrics, loggers.CreateLogger<FeedEndpoint>());
    }

    public string Name => "ingest";

    public string? HttpAddress => _options.HttpAddr;

    /// <summary>Where RTMP is spoken, once started: the port that the system chose, where 0 was asked for.</summary>
    public int RtmpPort => _listener?.Port ?? 0;

    public void Map(IEndpointRouteBuilder routes) => _endpoint.Map(routes);

    /// <exception cref="IOException">An address cannot be bound; the message names it and its key.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _feeds.Start();
        _listener = _door.Listen(Parse(_options.ListenAddr, AddressKey), null, AddressKey);
        if (_options.Tls is { } tls)
        {
            var certificate = new TlsCertificateOptions(tls.CertFile, tls.KeyFile);
            _door.Listen(Parse(tls.ListenAddr, TlsAddressKey), certificate, TlsAddressKey);
        }

        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _transport.StopAsync(cancellationToken);
        await _hub.DisposeAsync();
        await _feeds.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        await _hub.DisposeAsync();
        await _feeds.DisposeAsync();
    }

    public RoleHealth Health()
    {
        var reasons = new List<string>();
        if (_listener is null)
            reasons.Add($"RTMP does not listen on {_options.ListenAddr} yet.");
        if (_feeds.Fault is { } fault)
            reasons.Add(fault);
        var live = _hub.Streams.ToDictionary(stream => stream.Name.Value, StringComparer.Ordinal);
        var streams = _feeds.Summaries.ToDictionary(
            feed => feed.Stream, feed => (object?)Describe(feed.Summary, live.GetValueOrDefault(feed.Stream)));
        return new RoleHealth(reasons, new Dictionary<string, object?> { ["ingest_streams"] = streams });
    }

    private static Dictionary<string, object?> Describe(FeedSummary feed, LiveStream? stream) => new()
    {
        ["state"] = feed.Activity switch
        {
            FeedActivity.Live => "live",
            FeedActivity.Starting => "starting",
            _ => "idle",
        },
        ["codecs"] = feed.Codecs,
        ["width"] = feed.Width,
        ["height"] = feed.Height,
        ["frames_per_second"] = Math.Round(feed.FramesPerSecond, 2),
        ["keyframe_seconds"] = Math.Round(feed.KeyframeSeconds, 2),
        ["bits_per_second"] = (long)feed.BitsPerSecond,
        ["publisher"] = feed.Publisher,
        ["edge"] = feed.EdgeMsn,
        ["leader"] = feed.Leader,
        ["locked"] = feed.IsLocked,
        ["on_air"] = stream?.Publication is { } onAir ? NameOf(onAir.Publisher.Role) : null,
        ["publishers"] = stream?.Publishers().Select(Describe).ToArray() ?? [],
        ["publisher_switches"] = stream?.Switches ?? 0,
        ["last_publisher_switch"] = stream?.LastSwitch is not { } change ? null : new Dictionary<string, object?>
        {
            ["to"] = NameOf(change.To.Role),
            ["reason"] = change.Reason.ToString().ToLowerInvariant(),
            ["at"] = change.At,
        },
    };

    private static Dictionary<string, object?> Describe(PublisherState state) => new()
    {
        ["role"] = NameOf(state.Publisher.Role),
        ["publisher"] = state.Publisher.RemoteEndPoint,
        ["state"] = state.IsOnAir ? "on_air" : state.IsReady ? "ready" : "not_ready",
        ["still_seconds"] = Math.Round(state.StillFor.TotalSeconds, 1),
    };

    private static string NameOf(PublisherRole role) => role == PublisherRole.Main ? "main" : "standby";

    private static ListenAddress Parse(string text, string key) =>
        ListenAddress.TryParse(text, out var address, out var fault)
            ? address
            : throw new IOException($"{key}: {fault}");
}
