using Steadycast.Server.Configuration;
using Steadycast.Streaming.Relay;

namespace Steadycast.Server.Tests.Configuration;

public sealed class CrossChecksTests
{
    [Theory]
    [InlineData("switch: {}", "switch (line 1): has no origin to switch to; add origins: with name and url, or primary_base_url: and backup_base_url:")]
    [InlineData("ingest: { listen_addr: ':9101' }", "ingest.http_addr (line 1): port 9101 is taken by ingest.listen_addr; choose another port")]
    [InlineData("ingest: { http_addr: ':8081' }\norigin: { store: /tmp, listen_addr: '127.0.0.1:8081' }", "origin.listen_addr (line 2): port 8081 is taken by ingest.http_addr; write the very same address for both, or another port")]
    [InlineData("ingest: { listen_addr: '1935' }", "ingest.listen_addr (line 1): \"1935\" has no port; write :8080 or 127.0.0.1:8080")]
    [InlineData("ingest: { listen_addr: 'example.org:1935' }", "ingest.listen_addr (line 1): \"example.org:1935\" is not an address of this machine; write an IP address before the port, or only :port for every interface")]
    [InlineData("packager: { feed: 'http://i:9101' }", "packager.store (line 1): memory is read by nobody: this process has no origin; name a directory that an origin reads, or add an origin: section")]
    [InlineData("origin:", "origin.store (line 1): memory is filled by nobody: this process has no packager; name the directory that the packager writes, or add a packager: section")]
    [InlineData("packager: { feed: 'http://i:9101', store: /tmp/a }\norigin: { store: /tmp/b }", "origin.store (line 2): is not the store of the packager in this process; write the same value as packager.store")]
    [InlineData("packager: { feed: 'ingest:9101', store: /tmp }", "packager.feed (line 1): is not an http or https address; write one such as http://ingest:9101")]
    [InlineData("packager: { feed: 'http://i:9101', store: /etc/hostname/hls }", "packager.store (line 1): /etc/hostname is a file where a directory is needed; name a directory, or move the file away")]
    [InlineData("switch: { primary_base_url: 'http://p/hls', peers: [{ name: primary, url: 'http://q/hls' }] }", "switch.peers[0].name (line 1): there is another origin named primary; give each a name of its own")]
    [InlineData("switch: { primary_base_url: 'http://p/hls', origins: [{ name: primary, url: 'http://q/hls' }] }", "switch.origins[0].name (line 1): there is another origin named primary; give each a name of its own")]
    [InlineData("switch: { follow: index, origins: [{ name: a, url: 'http://p/hls/a.m3u8?token=1' }] }", "switch.origins[0].url (line 1): is a playlist, and switch.follow is index; write follow: playlist, or the base address")]
    [InlineData("switch: { streams: [a, b], origins: [{ name: a, url: 'http://p/hls/a.m3u8' }] }", "switch.origins[0].url (line 1): is one playlist, and switch.streams has several; write the base address, to which STREAM/index.m3u8 is appended")]
    [InlineData("switch: { primary_base_url: 'http://p/hls?key=1' }", "switch.primary_base_url (line 1): ends in a query or a fragment, where paths are appended; write only the base, such as http://origin-primary/hls")]
    [InlineData("ingest: { tls: { cert_file: /no/c.pem, key_file: /etc/hostname } }", "ingest.tls.cert_file (line 1): the file /no/c.pem does not exist; name a file that this user can read")]
    [InlineData("ingest: { tls: { cert_file: /etc/hostname, key_file: /etc/hostname } }", "ingest.tls (line 1): cert_file and key_file are not a PEM certificate and its PEM private key; check that both are PEM and belong together")]
    [InlineData("origin: { store: /tmp, listen_addr: ':80' }\nswitch: { primary_base_url: 'http://p/hls', listen_addr: ':80' }", "switch.listen_addr (line 2): is origin.listen_addr, too, and both serve /hls/; choose another port for one of them")]
    [InlineData("ingest: { publish: [{ stream: a }, { stream: a }] }", "ingest.publish (line 1): the stream a is there 2 times; keep one rule for it, and at most one with standby: true")]
    [InlineData("ingest: { publish: [{ stream: a, key: k }, { stream: a, key: k, standby: true }] }", "ingest.publish (line 1): the main and the standby rule of a have the same key; give a's standby another key, or keep one rule and publish with ?role=standby")]
    [InlineData("relay: {}", "relay (line 1): has no upstream to send streams to; add upstream: rtmp://media.example.com/live")]
    [InlineData("relay: { upstream: 'media.example.com:1935' }", "relay.upstream (line 1): is not an rtmp or rtmps address; write one such as rtmp://media.example.com/live")]
    [InlineData("relay: { upstreams: [{ url: 'rtmp://10.0.0.1/live' }] }", "relay.upstreams[0].url (line 1): may not be dialled: 10.0.0.1 is a private network; write allow_private: true beside it, if it is yours")]
    [InlineData("relay: { allow_private: true, upstreams: [{ url: 'rtmp://169.254.169.254/live' }] }", "relay.upstreams[0].url (line 1): may not be dialled: 169.254.169.254 is a link-local address; name another address")]
    [InlineData("relay: { routes: [{ match: 'a/*' }] }", "relay.routes[0] (line 1): has no upstream; add upstreams: with url")]
    [InlineData("relay: { upstream: 'rtmp://h', security: { auth_enabled: true } }", "relay.security.auth_tokens (line 1): is empty, so nobody may publish; add a token, or auth_enabled: false")]
    [InlineData("relay: { upstream: 'rtmp://h', security: { tls_enabled: true } }", "relay.security (line 1): has tls_enabled without a certificate; add tls_cert: and tls_key:")]
    [InlineData("relay: { upstream: 'rtmp://h', listen_addr: ':8080' }", "relay.http_addr (line 1): port 8080 is taken by relay.listen_addr; choose another port")]
    public void Keys_that_do_not_fit_together_are_a_fault(string file, string expected) =>
        Assert.Equal(
            [expected], ConfigLoader.Parse(file, new Dictionary<string, string>(), [])
                .Faults.Select(f => f.ToString()));

    /// <summary>The example of ffmpeg-go-relay's README, all of its features in one file.</summary>
    [Fact]
    public void The_file_of_ffmpeg_go_relay_is_a_section_as_it_is()
    {
        var options = ConfigLoader.Parse(
            """
            { "relay": {
              "listen_addr": ":1935", "http_addr": "", "upstream": "rtmp://upstream.example.com:1935/app/stream",
              "idle_timeout": "30s", "read_buffer": 65536, "write_buffer": 131072,
              "security": { "auth_enabled": true, "auth_tokens": ["token-1", "token-2"], "tls_enabled": false,
                "tls_cert": "/path/to/cert.pem", "tls_key": "/path/to/key.pem" },
              "rate_limit": { "enabled": true, "requests_per_sec": 100.0, "burst": 10 },
              "connection_limit": { "max_total_connections": 1000, "max_per_ip": 10 },
              "circuit_breaker": { "enabled": true, "max_failures": 5, "reset_timeout_sec": 30, "success_threshold": 2 },
              "retry": { "enabled": true, "max_attempts": 3, "initial_delay_sec": 1, "max_delay_sec": 30,
                "multiplier": 2.0, "jitter_fraction": 0.1 },
              "upstreams": [{ "url": "rtmp://a.example.com/live" }, { "url": "rtmp://b.example.com/live", "weight": 3 }],
              "upstream_strategy": "random",
              "upstream_health_check": { "enabled": true, "interval_sec": 5, "timeout_sec": 1 }
            } }
            """,
            new Dictionary<string, string>(), []);

        Assert.Empty(options.Faults);
        var relay = options.Options!.Relay!;
        Assert.Equal((UpstreamStrategy.Random, 3, 2), (relay.UpstreamStrategy, relay.Upstreams[1].Weight, relay.Security.AuthTokens.Count));
        Assert.Equal((2, 2.0, 100.0), (relay.CircuitBreaker.SuccessThreshold, relay.Retry.Multiplier, relay.RateLimit.RequestsPerSec));
        Assert.DoesNotContain("token-1", $"{relay}", StringComparison.Ordinal);
    }

    [Fact]
    public void Roles_on_the_very_same_http_address_share_it() =>
        Assert.Empty(ConfigLoader.Parse(
            """
            ingest: { http_addr: ":8080" }
            packager: { feed: "http://127.0.0.1:8080", http_addr: ":8080" }
            origin: { listen_addr: ":8080" }
            """,
            new Dictionary<string, string>(), []).Faults);
}
