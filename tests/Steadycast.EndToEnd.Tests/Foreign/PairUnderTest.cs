using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Steadycast.EndToEnd.Tests.Drills;
using Steadycast.Server.Api;
using Steadycast.Streaming.Viewing;

namespace Steadycast.EndToEnd.Tests.Foreign;

/// <summary>
/// streaming-lab's pair without its containers: one live source, two ffmpeg packagers that know nothing of each other,
/// an nginx before each, and our switch before both, configured by streaming-lab's own variables.
/// </summary>
public class PairUnderTest : IAsyncLifetime
{
    public static readonly string[] Names = ["primary", "backup"];

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-pair-").FullName;
    private readonly Dictionary<string, Process> _processes = [];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly List<string> _said = [];
    private readonly Dictionary<string, int> _ports = [];

    /// <summary>The arguments of ffmpeg that say what segments are made of, and its playlist.</summary>
    protected virtual string[] Media => ["-c", "copy", "-hls_segment_filename", "seg_%05d.ts", "index.m3u8"];

    protected virtual string PlaylistPath => "index.m3u8";

    /// <summary>What the source sends, made of the clip once.</summary>
    protected virtual Task PrepareAsync(string clip) => Task.CompletedTask;

    public Uri Playlist => new($"http://127.0.0.1:{_ports["switch"]}/hls/index.m3u8");

    public async ValueTask InitializeAsync()
    {
        foreach (var name in (string[])[.. Names, "switch", "source"])
            _ports[name] = Ports.Free();
        var clip = Path.Combine(_folder, "clip.flv");
        await using (var resource = typeof(PageEndpoints).Assembly.GetManifestResourceStream("test-picture.flv")!)
        await using (var file = File.Create(clip))
            await resource.CopyToAsync(file);
        await PrepareAsync(clip);
        await HealAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _processes.Keys.ToArray())
            await StopAsync(name);
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Everything runs and no fault is left; returns when both origins are fresh.</summary>
    public async Task HealAsync()
    {
        foreach (var name in Names)
        {
            Directory.CreateDirectory(FolderOf(name));
            foreach (var fault in Directory.GetFiles(FolderOf(name), "fault-*"))
                File.Delete(fault);
            StartOrigin(name);
            StartPackager(name);
        }

        StartSource();
        StartSwitch();
        await LabUnderTest.UntilAsync("both origins to be fresh", async () =>
            await ReportAsync() is { } stream && stream.GetProperty("state").GetString() == "live"
            && stream.GetProperty("origins").EnumerateArray()
                .All(o => o.GetProperty("freshness").GetString() == "fresh"));
    }

    /// <summary>Returns when a viewer who comes now sees nothing of the last seam.</summary>
    public Task ForgetSeamsAsync() =>
        LabUnderTest.UntilAsync("the last seam to be behind all players", async () =>
        {
            var lines = (await _http.GetStringAsync(Playlist)).Split('\n').TakeLast(6 * 3 + 1);
            return !lines.Contains("#EXT-X-DISCONTINUITY");
        });

    public void StartOrigin(string name) => Start($"origin-{name}", "nginx", ["-c", Configuration(name)]);

    /// <summary>As streaming-lab's compose has it, with its own numbers from 0 and names that it uses again.</summary>
    public void StartPackager(string name)
    {
        // One receiver each of the same packets: multicast would need a route, so the source sends twice.
        Start($"packager-{name}", "ffmpeg",
        [
            "-v", "error", "-fflags", "nobuffer", "-i", $"udp://127.0.0.1:{UdpPort(name)}?fifo_size=100000&overrun_nonfatal=1",
            "-f", "hls", "-hls_time", "2", "-hls_list_size", "10",
            "-hls_flags", "independent_segments+program_date_time+temp_file+delete_segments",
            "-hls_delete_threshold", "20",
            .. Media,
        ], folder: FolderOf(name));
    }

    public void StartSwitch()
    {
        var environment = new Dictionary<string, string>
        {
            ["PRIMARY_BASE_URL"] = $"http://127.0.0.1:{_ports["primary"]}/hls",
            ["BACKUP_BASE_URL"] = $"http://127.0.0.1:{_ports["backup"]}/hls",
            ["PLAYLIST_PATH"] = PlaylistPath,
            ["CHECK_INTERVAL_SECONDS"] = "0.5",
            // Long enough that nothing returns by itself while a test runs.
            ["REQUIRED_WINDOWS"] = "1000",
            ["STEADYCAST__SWITCH__LISTEN_ADDR"] = $"127.0.0.1:{_ports["switch"]}",
            ["STEADYCAST__SWITCH__STATE_DIR"] = Path.Combine(_folder, "state"),
        };
        Start("switch", Path.Combine(AppContext.BaseDirectory, "steadycast"), ["serve"], environment);
    }

    public async Task StopAsync(string name, string signal = "TERM")
    {
        if (!_processes.Remove(name, out var process))
            return;
        if (!process.HasExited)
            await ForeignProgram.RunAsync("kill", [$"-{signal}", $"{process.Id}"], CancellationToken.None);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        await process.WaitForExitAsync(deadline.Token);
        process.Dispose();
    }

    /// <summary>
    /// Stops an <c>origin</c> or its <c>packager</c>, or has nginx answer for <c>ts</c> or <c>m3u8</c> from now on:
    /// <c>m3u8-404</c>, <c>ts-503</c>, <c>ts-garbage</c>.
    /// </summary>
    public async Task InflictAsync(string fault, string origin)
    {
        if (fault is "origin" or "packager")
            await StopAsync($"{fault}-{origin}");
        else
            File.WriteAllText(Path.Combine(FolderOf(origin), $"fault-{fault}"), "");
    }

    /// <summary>Inflicts a fault on the active origin; returns its name when it has been left.</summary>
    public async Task<string> DriveOutAsync(string fault)
    {
        var active = await ActiveAsync();
        await InflictAsync(fault, active!);
        await LabUnderTest.UntilAsync(
            $"{active} to be left because of {fault}", async () => await ActiveAsync() != active);
        return active!;
    }

    /// <summary>How the switch sees the one stream; null before it has found it.</summary>
    public async Task<JsonElement?> ReportAsync()
    {
        var text = await _http.GetStringAsync(new Uri(Playlist, "/api/switch"));
        var streams = JsonDocument.Parse(text).RootElement.GetProperty("streams").EnumerateObject().ToList();
        return streams.Count == 1 ? streams[0].Value : null;
    }

    public async Task<string?> ActiveAsync() => (await ReportAsync())?.GetProperty("active_origin").GetString();

    /// <summary>Watches the switch as strictly as can be, while something is done to it.</summary>
    public async Task<ViewerReport> WatchAsync(Func<Task> what) => (await WatchAsync(["index.m3u8"], what))[0];

    /// <summary>As above, several playlists at one time.</summary>
    public async Task<ViewerReport[]> WatchAsync(IReadOnlyList<string> playlists, Func<Task> what)
    {
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var options = new ViewerOptions { WatchFor = TimeSpan.FromMinutes(5) };
        var watching = Task.WhenAll(playlists.Select(playlist =>
            new StrictViewer(http, TimeProvider.System, options).WatchAsync(new Uri(Playlist, playlist), end.Token)));
        try
        {
            await what();
        }
        finally
        {
            await end.CancelAsync();
            await watching;
        }

        return await watching;
    }

    /// <summary>A playlist as it is served now.</summary>
    public Task<string> TextAsync(string playlist) => _http.GetStringAsync(new Uri(Playlist, playlist));

    /// <summary>Lets the switch publish so many segments more.</summary>
    public async Task PassAsync(int segments)
    {
        long? edge = null;
        await LabUnderTest.UntilAsync($"{segments} more segments", async () =>
        {
            var now = (await ReportAsync())!.Value.GetProperty("edge").GetInt64();
            edge ??= now;
            return now >= edge + segments;
        });
    }

    /// <summary><c>steadycast switch</c> with these arguments; what it says.</summary>
    public async Task<string> OperateAsync(params string[] arguments)
    {
        var (said, _) = await ForeignProgram.RunAsync(
            Path.Combine(AppContext.BaseDirectory, "steadycast"),
            ["switch", .. arguments, "--url", Playlist.GetLeftPart(UriPartial.Authority)],
            TestContext.Current.CancellationToken);
        return said.Trim();
    }

    public string Said()
    {
        lock (_said)
            return string.Join('\n', _said.TakeLast(40));
    }

    private int UdpPort(string name) => _ports["source"] + Array.IndexOf(Names, name);

    private string FolderOf(string name) => Path.Combine(_folder, name, "hls");

    private void StartSource() => Start("source", "ffmpeg",
    [
        "-v", "error", "-re", "-stream_loop", "-1", "-i", Path.Combine(_folder, "clip.flv"), "-c", "copy",
        "-map", "0", "-f", "tee",
        string.Join('|', Names.Select(n => $"[f=mpegts]udp://127.0.0.1:{UdpPort(n)}?pkt_size=1316")),
    ]);

    /// <summary>configs/nginx-origin.conf of streaming-lab, and a way to make faults on purpose.</summary>
    private string Configuration(string name)
    {
        var root = Path.Combine(_folder, name);
        static string Faults(string folder, string kind) => string.Join('\n', new[] { "404", "503" }.Select(f =>
            $"if (-f {folder}/hls/fault-{kind}-{f}) {{ return {f}; }}"))
            + $"\nif (-f {folder}/hls/fault-{kind}-garbage) {{ return 200 'not what you asked for'; }}";
        File.WriteAllText(Path.Combine(root, "nginx.conf"), string.Create(CultureInfo.InvariantCulture, $$"""
            daemon off;
            user root root;
            worker_processes 1;
            pid {{root}}/nginx.pid;
            error_log {{root}}/error.log;
            events { worker_connections 256; }
            http {
              access_log off;
              client_body_temp_path {{root}}/t1; proxy_temp_path {{root}}/t2; fastcgi_temp_path {{root}}/t3;
              uwsgi_temp_path {{root}}/t4; scgi_temp_path {{root}}/t5;
              types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; video/mp4 m4s mp4; }
              server {
                listen 127.0.0.1:{{_ports[name]}};
                root {{root}};
                add_header Cache-Control no-store;
                location ~ \.m3u8$ { {{Faults(root, "m3u8")}} }
                location ~ \.ts$ { {{Faults(root, "ts")}} }
              }
            }
            """));
        return Path.Combine(root, "nginx.conf");
    }

    private void Start(
        string name, string program, IEnumerable<string> arguments, Dictionary<string, string>? environment = null,
        string? folder = null)
    {
        if (_processes.TryGetValue(name, out var running) && !running.HasExited)
            return;
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder ?? _folder,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        foreach (var (key, value) in environment ?? [])
            process.StartInfo.Environment[key] = value;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes[name] = process;

        void Keep(object sender, DataReceivedEventArgs line)
        {
            lock (_said)
                _said.Add($"{name}: {line.Data}");
        }
    }
}

/// <summary>The same with fMP4: an initialisation section that each packager writes for itself.</summary>
public sealed class FragmentedPairUnderTest : PairUnderTest
{
    protected override string[] Media =>
    [
        "-c", "copy", "-bsf:a", "aac_adtstoasc", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4",
        "-hls_segment_filename", "seg_%05d.m4s", "index.m3u8",
    ];
}

/// <summary>The same with a ladder: two sizes of the picture and the sound by itself.</summary>
public sealed class LadderPairUnderTest : PairUnderTest
{
    protected override string[] Media =>
    [
        "-map", "0", "-c", "copy", "-b:v:0", "300k", "-b:v:1", "100k", "-b:a", "64k",
        "-master_pl_name", "master.m3u8", "-var_stream_map",
        "v:0,agroup:sound,name:high v:1,agroup:sound,name:low a:0,agroup:sound,default:yes,language:en,name:sound",
        "-hls_segment_filename", "%v_%05d.ts", "%v.m3u8",
    ];

    protected override string PlaylistPath => "master.m3u8";

    protected override async Task PrepareAsync(string clip)
    {
        var ladder = Path.ChangeExtension(clip, "mkv");
        await ForeignProgram.RunAsync(
            "ffmpeg",
            [
                "-v", "error", "-i", clip, "-map", "0:v", "-map", "0:v", "-map", "0:a", "-c:v", "libx264",
                "-preset", "veryfast", "-bf", "0", "-force_key_frames", "expr:gte(t,n_forced*2)", "-sc_threshold", "0",
                "-s:v:0", "320x180", "-b:v:0", "300k", "-s:v:1", "160x90", "-b:v:1", "100k", "-c:a", "copy", ladder,
            ],
            TestContext.Current.CancellationToken);
        File.Move(ladder, clip, overwrite: true);
    }
}
