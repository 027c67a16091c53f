using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Ingest;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Relay;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Configuration;

/// <summary>
/// What no single key can tell: keys that need each other, files that must be there, ports that collide.
/// </summary>
internal sealed class CrossChecks(IReadOnlyDictionary<string, ConfigSource> sources, List<ConfigFault> faults)
{
    private readonly List<(string Key, ListenAddress Address, bool IsHttp)> _listeners = [];

    public void Run(SteadycastOptions options)
    {
        if (options is { Ingest: null, Relay: null, Packager: null, Origin: null, Switch: null })
        {
            Add("", "no role is configured", "add a section: ingest:, relay:, packager:, origin: or switch:");
            return;
        }

        if (options.Ingest is { } ingest)
            CheckIngest(ingest);
        if (options.Relay is { } relay)
            CheckRelay(relay);
        if (options.Packager is { } packager)
            CheckPackager(packager, options.Origin);
        if (options.Origin is { } origin)
            CheckOrigin(origin, options.Packager);
        if (options.Switch is { } switching)
            CheckSwitch(switching);
        if (options is { Origin: { } served, Switch: { } front } && served.ListenAddr == front.ListenAddr)
            Add("switch.listen_addr", "is origin.listen_addr, too, and both serve /hls/",
                "choose another port for one of them");
        CheckCollisions();
    }

    private void CheckIngest(IngestOptions ingest)
    {
        Listen("ingest.listen_addr", ingest.ListenAddr, isHttp: false);
        Listen("ingest.http_addr", ingest.HttpAddr, isHttp: true);
        CheckDirectory("ingest.state_dir", ingest.StateDir);
        CheckUrls("ingest.peers", ingest.Peers);
        foreach (var twice in ingest.Publish.GroupBy(r => (r.Stream, r.Standby)).Where(g => g.Count() > 1))
            Add("ingest.publish", $"the stream {twice.Key.Stream} is there {twice.Count()} times",
                "keep one rule for it, and at most one with standby: true");
        foreach (var (main, standby) in ingest.Publish.Where(r => !r.Standby).Join(
            ingest.Publish.Where(r => r.Standby), r => (r.Stream, r.Key), r => (r.Stream, r.Key), (a, b) => (a, b)))
            Add("ingest.publish", $"the main and the standby rule of {main.Stream} have the same key",
                $"give {standby.Stream}'s standby another key, or keep one rule and publish with ?role=standby");
        if (ingest.Tls is not { } tls)
            return;
        Listen("ingest.tls.listen_addr", tls.ListenAddr, isHttp: false);
        CheckCertificate("ingest.tls", ("cert_file", tls.CertFile), ("key_file", tls.KeyFile));
    }

    private void CheckRelay(RelayOptions relay)
    {
        Listen("relay.listen_addr", relay.ListenAddr, isHttp: false);
        if (relay.HttpAddr != "")
            Listen("relay.http_addr", relay.HttpAddr, isHttp: true);
        if (relay is { Upstream: null, Upstreams.Count: 0, Routes.Count: 0 })
            Add("relay", "has no upstream to send streams to", "add upstream: rtmp://media.example.com/live");
        if (relay.Upstream is { } one)
            CheckUpstream("relay.upstream", one, relay.AllowPrivate);
        CheckUpstreams("relay.upstreams", relay.Upstreams, relay.AllowPrivate);
        for (var i = 0; i < relay.Routes.Count; i++)
        {
            if (relay.Routes[i].Upstreams.Count == 0)
                Add($"relay.routes[{i}]", "has no upstream", "add upstreams: with url");
            CheckUpstreams($"relay.routes[{i}].upstreams", relay.Routes[i].Upstreams, relay.AllowPrivate);
        }

        if (relay.Security is { AuthEnabled: true, AuthTokens.Count: 0 })
            Add("relay.security.auth_tokens", "is empty, so nobody may publish", "add a token, or auth_enabled: false");
        if (!relay.Security.TlsEnabled)
            return;
        if (relay.Security is { TlsCert: { } cert, TlsKey: { } key })
            CheckCertificate("relay.security", ("tls_cert", cert), ("tls_key", key));
        else
            Add("relay.security", "has tls_enabled without a certificate", "add tls_cert: and tls_key:");
    }

    private void CheckUpstreams(string key, IReadOnlyList<UpstreamOptions> upstreams, bool allowPrivate)
    {
        for (var i = 0; i < upstreams.Count; i++)
            CheckUpstream($"{key}[{i}].url", upstreams[i].Url, allowPrivate);
    }

    /// <summary>What can be told without looking the name up; the rest is told when it is dialled.</summary>
    private void CheckUpstream(string key, string url, bool allowPrivate)
    {
        if (url.Length == 0)
            return;
        if (!UpstreamAddress.TryParse(url, out var address))
            Add(key, "is not an rtmp or rtmps address", "write one such as rtmp://media.example.com/live");
        else if (new AddressGuard(allowPrivate).FindFault(address.Host) is { } fault)
            Add(key, $"may not be dialled: {fault}",
                allowPrivate ? "name another address" : "write allow_private: true beside it, if it is yours");
    }

    private void CheckPackager(PackagerOptions packager, OriginOptions? origin)
    {
        Listen("packager.http_addr", packager.HttpAddr, isHttp: true);
        CheckUrls("packager.feed", packager.Feed);
        if (packager.Store == "memory" && origin is null)
        {
            Add("packager.store", "memory is read by nobody: this process has no origin",
                "name a directory that an origin reads, or add an origin: section");
        }

        if (packager.Store != "memory")
            CheckDirectory("packager.store", packager.Store);
    }

    private void CheckOrigin(OriginOptions origin, PackagerOptions? packager)
    {
        Listen("origin.listen_addr", origin.ListenAddr, isHttp: true);
        if (origin.Store == "memory" && packager is null)
        {
            Add("origin.store", "memory is filled by nobody: this process has no packager",
                "name the directory that the packager writes, or add a packager: section");
        }
        else if (packager is not null && packager.Store != origin.Store)
        {
            Add("origin.store", "is not the store of the packager in this process",
                "write the same value as packager.store");
        }

        if (origin.Store != "memory")
            CheckDirectory("origin.store", origin.Store);
    }

    private void CheckSwitch(SwitchOptions options)
    {
        Listen("switch.listen_addr", options.ListenAddr, isHttp: true);
        CheckDirectory("switch.state_dir", options.StateDir);
        if (options is { PrimaryBaseUrl: null, BackupBaseUrl: null, Origins.Count: 0 })
            Add("switch", "has no origin to switch to",
                "add origins: with name and url, or primary_base_url: and backup_base_url:");
        if (options.PrimaryBaseUrl is { } primary)
            CheckUrl("switch.primary_base_url", primary, "http://origin-primary/hls");
        if (options.BackupBaseUrl is { } backup)
            CheckUrl("switch.backup_base_url", backup, "http://origin-backup/hls");
        var names = new List<string>();
        if (options.PrimaryBaseUrl is not null)
            names.Add("primary");
        if (options.BackupBaseUrl is not null)
            names.Add("backup");
        CheckNamed("switch.origins", options.Origins, "http://origin-1/hls", names);
        CheckPlaylists(options);
        CheckNamed("switch.peers", options.Peers, "http://switch-2:8080/hls", names);
    }

    private void CheckPlaylists(SwitchOptions options)
    {
        for (var i = 0; i < options.Origins.Count; i++)
        {
            var key = $"switch.origins[{i}].url";
            if (!options.Origins[i].IsPlaylist())
                continue;
            if (options.Follow == FollowMode.Index)
                Add(key, "is a playlist, and switch.follow is index", "write follow: playlist, or the base address");
            if (options.Streams.Count > 1)
                Add(key, "is one playlist, and switch.streams has several",
                    "write the base address, to which STREAM/index.m3u8 is appended");
        }
    }

    /// <summary>Origins and peers have one set of names: metrics, logs and health tell them apart by it.</summary>
    private void CheckNamed(string key, IReadOnlyList<SwitchOrigin> list, string example, List<string> names)
    {
        for (var i = 0; i < list.Count; i++)
        {
            var (name, url) = (list[i].Name, list[i].Url);
            CheckUrl($"{key}[{i}].url", url, example, list[i].IsPlaylist());
            if (name.Length > 0 && names.Contains(name))
                Add($"{key}[{i}].name", $"there is another origin named {name}", "give each a name of its own");
            names.Add(name);
        }
    }

    private void Listen(string key, string text, bool isHttp)
    {
        if (ListenAddress.TryParse(text, out var address, out var fault))
            _listeners.Add((key, address, isHttp));
        else
            AddWithStep(key, $"\"{text}\" {fault}");
    }

    /// <summary>Roles on the very same HTTP address share one listener; everything else on one port collides.</summary>
    private void CheckCollisions()
    {
        for (var i = 1; i < _listeners.Count; i++)
        {
            var (key, address, isHttp) = _listeners[i];
            foreach (var (otherKey, other, otherIsHttp) in _listeners.Take(i))
            {
                if (!address.Collides(other) || (isHttp && otherIsHttp && address == other))
                    continue;
                var nextStep = isHttp && otherIsHttp
                    ? "write the very same address for both, or another port"
                    : "choose another port";
                Add(key, $"port {address.Port} is taken by {otherKey}", nextStep);
                break;
            }
        }
    }

    private void CheckUrls(string key, IReadOnlyList<string> urls)
    {
        for (var i = 0; i < urls.Count; i++)
            CheckUrl(urls.Count == 1 ? key : $"{key}[{i}]", urls[i], "http://ingest:9101");
    }

    /// <param name="isWhole">Nothing is appended to it.</param>
    private void CheckUrl(string key, string url, string example, bool isWhole = false)
    {
        // An empty one was reported as missing or empty already.
        if (url.Length == 0)
            return;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            Add(key, "is not an http or https address", $"write one such as {example}");
        else if (uri.Fragment.Length > 0 || (uri.Query.Length > 0 && !isWhole))
            Add(key, "ends in a query or a fragment, where paths are appended",
                $"write only the base, such as {example}");
    }

    private void CheckDirectory(string key, string? path)
    {
        if (path is null)
            return;
        if (path.Length == 0)
        {
            Add(key, "is empty", "write a directory");
            return;
        }

        try
        {
            var full = Path.GetFullPath(path);
            if (Directory.Exists(full))
            {
                using var entries = Directory.EnumerateFileSystemEntries(full).GetEnumerator();
                entries.MoveNext();
                return;
            }

            for (var at = full; at is not null; at = Path.GetDirectoryName(at))
            {
                if (File.Exists(at))
                    Add(key, $"{at} is a file where a directory is needed", "name a directory, or move the file away");
                if (File.Exists(at) || Directory.Exists(at))
                    return;
            }
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Add(key, $"the directory {path} cannot be read", "let this user read and write it");
        }
    }

    private void CheckCertificate(string section, (string Key, string File) cert, (string Key, string File) key)
    {
        var readable = CheckFile($"{section}.{cert.Key}", cert.File) & CheckFile($"{section}.{key.Key}", key.File);
        if (!readable)
            return;
        try
        {
            using var certificate = X509Certificate2.CreateFromPemFile(cert.File, key.File);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            Add(section, $"{cert.Key} and {key.Key} are not a PEM certificate and its PEM private key",
                "check that both are PEM and belong together");
        }
    }

    private bool CheckFile(string key, string path)
    {
        if (path.Length == 0)
            return false;
        try
        {
            using var file = File.OpenRead(path);
            return true;
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var why = e is FileNotFoundException or DirectoryNotFoundException ? "does not exist" : "cannot be read";
            Add(key, $"the file {path} {why}", "name a file that this user can read");
            return false;
        }
    }

    private void AddWithStep(string key, string message)
    {
        var split = message.LastIndexOf("; ", StringComparison.Ordinal);
        Add(key, message[..split], message[(split + 2)..]);
    }

    private void Add(string key, string message, string nextStep)
    {
        // A default that is at fault stands where its section begins.
        var source = sources.GetValueOrDefault(key);
        for (var at = key; source == ConfigSource.None && at.Contains('.', StringComparison.Ordinal);)
        {
            at = at[..at.LastIndexOf('.')];
            source = sources.GetValueOrDefault(at);
        }

        faults.Add(new ConfigFault(key, source, message, nextStep));
    }
}
