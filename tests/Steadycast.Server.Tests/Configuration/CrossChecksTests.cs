using Steadycast.Server.Configuration;

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
    public void Keys_that_do_not_fit_together_are_a_fault(string file, string expected) =>
        Assert.Equal(
            [expected], ConfigLoader.Parse(file, new Dictionary<string, string>(), [])
                .Faults.Select(f => f.ToString()));

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
