using System.ComponentModel.DataAnnotations;
using Steadycast.Streaming.Admission;

namespace Steadycast.Streaming.Relay;

/// <summary>
/// The <c>relay</c> section: takes publishers in and sends their streams on to upstreams. The <c>config.json</c> of
/// ffmpeg-go-relay is such a section as it is.
/// </summary>
public sealed record RelayOptions
{
    /// <summary>Where RTMP is spoken, RTMPS with <c>security.tls_enabled</c>. Default <c>:1935</c>.</summary>
    public string ListenAddr { get; init; } = ":1935";

    /// <summary>
    /// Where health, status and metrics are served; empty: nowhere. Default <c>:8080</c>, as ffmpeg-go-relay.
    /// </summary>
    public string HttpAddr { get; init; } = ":8080";

    /// <summary>
    /// Where every stream goes that no route takes: <c>rtmp://host/app/name</c>; what the address leaves out is as the
    /// publisher has it. Of no effect beside <c>upstreams</c>.
    /// </summary>
    public string? Upstream { get; init; }

    /// <summary>Several of them: a stream goes to one, and to another when that one fails.</summary>
    public IReadOnlyList<UpstreamOptions> Upstreams { get; init; } = [];

    /// <summary>Which one. Default <c>round_robin</c>, as ffmpeg-go-relay.</summary>
    public UpstreamStrategy UpstreamStrategy { get; init; } = UpstreamStrategy.RoundRobin;

    /// <summary>How upstreams are looked after while nothing is sent to them.</summary>
    public HealthCheckOptions UpstreamHealthCheck { get; init; } = new();

    /// <summary>
    /// How long a publisher may send nothing before its connection is closed. Default 30 s, as ffmpeg-go-relay.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Taken for compatibility, and of no effect: buffers fit themselves to the stream.</summary>
    [Range(4096, 1 << 20)]
    public int ReadBuffer { get; init; } = 65_536;

    /// <summary>As <c>read_buffer</c>.</summary>
    [Range(4096, 1 << 20)]
    public int WriteBuffer { get; init; } = 65_536;

    /// <summary>Who may come in, and TLS.</summary>
    public RelaySecurityOptions Security { get; init; } = new();

    /// <summary>New connections of one address.</summary>
    public RateLimitOptions RateLimit { get; init; } = new();

    /// <summary>Connections at once.</summary>
    public ConnectionLimitOptions ConnectionLimit { get; init; } = new();

    /// <summary>When an upstream that keeps failing is left alone; each has a breaker of its own.</summary>
    public CircuitBreakerOptions CircuitBreaker { get; init; } = new();

    /// <summary>How often upstreams are tried for a publisher that waits for its answer.</summary>
    public RetryOptions Retry { get; init; } = new();

    /// <summary>
    /// Whether upstreams may be in private networks or on this machine. Default false: an address that an attacker
    /// could bend must not lead into the network behind the relay.
    /// </summary>
    public bool AllowPrivate { get; init; }

    /// <summary>Streams that go elsewhere than the rest; the first that names a stream takes it.</summary>
    public IReadOnlyList<RouteOptions> Routes { get; init; } = [];

    /// <summary>
    /// How long a live stream may be without any upstream before its publisher is sent away. 1 s to 5 m; default 20 s:
    /// longer than a server takes to restart.
    /// </summary>
    public TimeSpan FailoverTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How much of each stream is kept for its next upstream: what the one before has not acknowledged. 1 MiB to 64
    /// MiB; default 8 MiB: 10 s at 6 Mbit/s.
    /// </summary>
    [Range(1 << 20, 64 << 20)]
    public int ReplayBytes { get; init; } = 8 << 20;

    /// <summary>Without addresses, which may hold keys.</summary>
    public override string ToString() => $"relay on {ListenAddr}";
}

/// <summary>One server that streams are sent on to.</summary>
public sealed record UpstreamOptions
{
    /// <summary>
    /// <c>rtmp://</c> or <c>rtmps://</c>; what it leaves out of app and name is as the publisher has it.
    /// </summary>
    [Required]
    public string Url { get; init; } = "";

    /// <summary>Its share of the streams, against that of the others. 0 (the same as 1) to 1,000; default 1.</summary>
    [Range(0, 1_000)]
    public int Weight { get; init; } = 1;

    /// <summary>Without app and name, either of which may hold a key.</summary>
    public override string ToString() =>
        UpstreamAddress.TryParse(Url, out UpstreamAddress? address) ? address.ToString() : "no address";
}

/// <summary>How upstreams are looked after: whether they take connections, TLS included.</summary>
public sealed record HealthCheckOptions
{
    /// <summary>Whether they are. Default false, as ffmpeg-go-relay.</summary>
    public bool Enabled { get; init; }

    /// <summary>Seconds between two looks. 1 to 3,600; default 10.</summary>
    [Range(1, 3_600)]
    public int IntervalSec { get; init; } = 10;

    /// <summary>Seconds until one that does not answer is unhealthy. 1 to 60; default 2.</summary>
    [Range(1, 60)]
    public int TimeoutSec { get; init; } = 2;
}

/// <summary>Who may come in.</summary>
public sealed record RelaySecurityOptions
{
    /// <summary>Whether a publisher needs one of <c>auth_tokens</c>. Default false.</summary>
    public bool AuthEnabled { get; init; }

    /// <summary>
    /// Tokens, any of which lets any stream in: as <c>?token=</c> or <c>?key=</c> on either part of the address.
    /// </summary>
    public IReadOnlyList<string> AuthTokens { get; init; } = [];

    /// <summary>Whether <c>listen_addr</c> speaks RTMPS. Default false.</summary>
    public bool TlsEnabled { get; init; }

    /// <summary>PEM certificate chain; read again when it changes.</summary>
    public string? TlsCert { get; init; }

    /// <summary>PEM private key.</summary>
    public string? TlsKey { get; init; }

    internal IEnumerable<PublishRule> Rules() =>
        AuthEnabled ? AuthTokens.Select(token => new PublishRule("*", token)) : [];

    /// <summary>Without the tokens.</summary>
    public override string ToString() => $"auth {(AuthEnabled ? "on" : "off")}, {AuthTokens.Count} tokens";
}

/// <summary>New connections of one address (IPv6: of one /64), loopback included.</summary>
public sealed record RateLimitOptions
{
    /// <summary>Whether they are; without it 50 in a second, and as many as they like from loopback.</summary>
    public bool Enabled { get; init; }

    /// <summary>In a second, over time. Above 0 to 100,000; default 10.</summary>
    [Range(0.001, 100_000)]
    public double RequestsPerSec { get; init; } = 10;

    /// <summary>At once. 1 to 100,000; default 20.</summary>
    [Range(1, 100_000)]
    public int Burst { get; init; } = 20;
}

/// <summary>Connections at once.</summary>
public sealed record ConnectionLimitOptions
{
    /// <summary>In all; 0: no more than 10,000. Default 0.</summary>
    [Range(0, 1_000_000)]
    public int MaxTotalConnections { get; init; }

    /// <summary>From one address (IPv6: one /64), loopback too; 0: as many as there may be in all. Default 0.</summary>
    [Range(0, 1_000_000)]
    public int MaxPerIp { get; init; }
}

/// <summary>Streams that go to upstreams of their own.</summary>
public sealed record RouteOptions
{
    /// <summary>The stream's whole name, or a pattern with <c>*</c>: <c>live/*</c>.</summary>
    [Required]
    public string Match { get; init; } = "";

    /// <summary>Where it goes.</summary>
    public IReadOnlyList<UpstreamOptions> Upstreams { get; init; } = [];

    /// <summary>Which one of them. Default <c>round_robin</c>.</summary>
    public UpstreamStrategy Strategy { get; init; } = UpstreamStrategy.RoundRobin;
}
