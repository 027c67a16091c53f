using System.Diagnostics;
using System.Net;
using Steadycast.Streaming.Viewing;
using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.EndToEnd.Tests.Drills;

/// <summary>
/// Two switches behind one name: HAProxy sends each request of a viewer to the other one in turn, and each dies once.
/// </summary>
public sealed class SeveralSwitchesTests(LabUnderTest lab, ITestOutputHelper output)
    : IClassFixture<LabUnderTest>, IAsyncLifetime
{
    private readonly Dictionary<string, Process> _running = [];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };

    [Fact]
    public async Task Viewers_go_from_one_to_the_other_and_each_may_die()
    {
        await lab.SettleAsync();
        await StartSwitchAsync("a");
        await StartSwitchAsync("b");
        await StartHaProxyAsync();

        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var options = new ViewerOptions { WatchFor = TimeSpan.FromSeconds(24) };
        var watching = new StrictViewer(http, TimeProvider.System, options)
            .WatchAsync(Playlist("viewers"), TestContext.Current.CancellationToken);
        foreach (var name in new[] { "a", "b" })
        {
            await PublishedByAsync(name, segments: 2);
            Kill(name);
            await PublishedByAsync(name == "a" ? "b" : "a", segments: 2);
            await StartSwitchAsync(name);
        }

        var report = await watching;
        output.WriteLine(report.ToText());
        var broken = Enum.GetValues<SeamKind>().Where(kind => kind != HttpError && report.Counts[kind] > 0);
        Assert.True(!broken.Any(), report.ToText() + lab.Said());
        // A body that was being sent by the one that died cannot be asked for again by HAProxy, only by the viewer.
        Assert.InRange(report.Counts[HttpError], 0, 2);
        Assert.True(report.Segments >= 9, report.ToText());
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _running.Keys.ToList())
            Kill(name);
        _http.Dispose();
        await Task.CompletedTask;
    }

    private int Port(string name) => lab.Playlist.Port + 100 + Array.IndexOf(["a", "b", "viewers"], name);

    private Uri Playlist(string name) => new($"http://127.0.0.1:{Port(name)}/hls/index.m3u8");

    private async Task StartSwitchAsync(string name)
    {
        var other = name == "a" ? "b" : "a";
        var config = Path.Combine(lab.Folder, $"switch-{name}.yaml");
        await File.WriteAllTextAsync(config, $"""
            switch:
              listen_addr: "127.0.0.1:{Port(name)}"
              origins:
                - name: primary
                  url: "{new Uri(lab.AddressOf("origin-primary"), "/hls")}"
                - name: backup
                  url: "{new Uri(lab.AddressOf("origin-backup"), "/hls")}"
              peers:
                - name: {other}
                  url: "http://127.0.0.1:{Port(other)}/hls"
              default_stream: {LabUnderTest.Stream}
              state_dir: "{Path.Combine(lab.Folder, "state", $"switch-{name}")}"
            """);
        Start(name, Path.Combine(AppContext.BaseDirectory, "steadycast"), "serve", "--config", config);
        await LabUnderTest.UntilAsync($"switch {name}", async () =>
        {
            using var answer = await _http.GetAsync(Playlist(name));
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    private async Task StartHaProxyAsync()
    {
        var config = Path.Combine(lab.Folder, "haproxy.cfg");
        await File.WriteAllTextAsync(config, $"""
            defaults
                mode http
                timeout connect 1s
                timeout client 30s
                timeout server 30s
                option redispatch 1
                retries 3
                retry-on all-retryable-errors
            frontend viewers
                bind 127.0.0.1:{Port("viewers")}
                default_backend switches
            backend switches
                balance roundrobin
                option httpchk GET /readyz
                server a 127.0.0.1:{Port("a")} check inter 200ms fall 1 rise 1
                server b 127.0.0.1:{Port("b")} check inter 200ms fall 1 rise 1

            """);
        Start("viewers", "/usr/sbin/haproxy", "-db", "-f", config);
        await LabUnderTest.UntilAsync("HAProxy", async () =>
        {
            using var answer = await _http.GetAsync(Playlist("viewers"));
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    /// <summary>Waits until this one has shown so many more segments.</summary>
    private async Task PublishedByAsync(string name, int segments)
    {
        long? from = null;
        await LabUnderTest.UntilAsync($"{segments} segments from {name}", async () =>
        {
            using var answer = await _http.GetAsync(Playlist(name));
            if (!answer.Headers.TryGetValues("X-Manifest-Last-Sequence", out var edge))
                return false;
            var now = long.Parse(edge.Single(), System.Globalization.CultureInfo.InvariantCulture);
            from ??= now;
            return now >= from + segments;
        });
    }

    private void Start(string name, string program, params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _running[name] = process;
    }

    private void Kill(string name)
    {
        if (!_running.Remove(name, out var process))
            return;
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
