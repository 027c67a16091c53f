using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;

namespace Steadycast.EndToEnd.Tests.Drills;

/// <summary>A lab of its own: started once for all drills, stopped as ctrl-c would, with nothing left behind.</summary>
public sealed class LabUnderTest : IAsyncLifetime
{
    public const string Stream = "mystream";
    public static readonly string[] Origins = ["origin-primary", "origin-backup"];

    /// <summary>For everything that a loaded machine may take its time for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-lab-").FullName;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly List<string> _output = [];
    private Process? _lab;

    /// <summary>Where the lab keeps its files.</summary>
    public string Folder => _folder;

    /// <summary>Its <c>lab.json</c>.</summary>
    public string File => Path.Combine(_folder, "lab.json");

    /// <summary>What was added to every port.</summary>
    public int PortOffset => Playlist.Port - 8080;

    /// <summary>From the start of the process to the first playlist from the switch.</summary>
    public TimeSpan TimeToAir { get; private set; }

    public Uri Playlist { get; private set; } = null!;

    public Uri Page => new(Playlist, "/");

    public async ValueTask InitializeAsync()
    {
        // Ports of other labs, and of other runs of these tests, are not in the way; all stay below those that the
        // system gives to clients.
        var offset = Enumerable.Range(Environment.ProcessId, 10)
            .Select(n => 12_000 + n % 10 * 1000).First(o => Ports.IsFree(8080 + o) && Ports.IsFree(1935 + o));
        var started = TimeProvider.System.GetTimestamp();
        Playlist = new Uri($"http://127.0.0.1:{8080 + offset}/hls/index.m3u8");
        _lab = Start("lab", "--data", _folder, "--port-offset", $"{offset}");
        await UntilAsync("the first playlist", async () =>
        {
            if (_lab.HasExited)
                Assert.Fail("The lab has ended: " + Said());
            using var answer = await _http.GetAsync(Playlist);
            return answer.StatusCode == HttpStatusCode.OK;
        });
        TimeToAir = TimeProvider.System.GetElapsedTime(started);
        await SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_lab is not null)
        {
            var boxes = Boxes().Select(b => b.Pid).OfType<int>().ToArray();
            if (!_lab.HasExited)
                await SignalAsync(_lab.Id, "TERM");
            using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
            await _lab.WaitForExitAsync(deadline.Token);
            Assert.Equal(0, _lab.ExitCode);
            Assert.All(boxes, pid => Assert.False(Directory.Exists($"/proc/{pid}"), $"Process {pid} was left behind."));
            _lab.Dispose();
        }

        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public Uri AddressOf(string box) => new(Boxes().Single(b => b.Name == box).Http!);

    /// <summary>Whether its process is stopped, as SIGSTOP stops it.</summary>
    public bool IsFrozen(string box) => Boxes().Single(b => b.Name == box).Pid is { } pid &&
        System.IO.File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] == 'T';

    public async Task SignalAsync(string box, string signal)
    {
        var pid = Boxes().Single(b => b.Name == box).Pid;
        Assert.True(pid is not null, $"{box} is not running.");
        await SignalAsync(pid.Value, signal);
    }

    /// <summary>Waits until every box runs and both origins are fresh, for so many segments.</summary>
    public async Task SettleAsync(int segments = 2)
    {
        long? edge = null;
        await UntilAsync("the lab to settle", async () =>
        {
            if (Boxes() is not { Count: > 0 } boxes || boxes.Any(b => b.Pid is null))
                return false;
            var report = await _http.GetFromJsonAsync<JsonElement>(new Uri(Playlist, "/api/switch"));
            if (!report.GetProperty("streams").TryGetProperty(Stream, out var stream) ||
                stream.GetProperty("state").GetString() != "live" ||
                !stream.GetProperty("origins").EnumerateArray().All(IsFresh))
            {
                edge = null;
                return false;
            }

            // A box that is dying again would show.
            edge ??= stream.GetProperty("edge").GetInt64();
            return stream.GetProperty("edge").GetInt64() >= edge + segments;
        });

        static bool IsFresh(JsonElement origin) => origin.GetProperty("freshness").GetString() == "fresh";
    }

    /// <summary>What an origin says of its window: number and hash of each segment.</summary>
    public async Task<Dictionary<long, (string Uri, string Sha256)>> IndexAsync(string origin)
    {
        var index = await _http.GetFromJsonAsync<JsonElement>(new Uri(AddressOf(origin), $"/hls/{Stream}/index.json"));
        return index.GetProperty("segments").EnumerateArray().ToDictionary(
            s => s.GetProperty("msn").GetInt64(),
            s => (s.GetProperty("uri").GetString()!, s.GetProperty("sha256").GetString()!));
    }

    /// <summary>Every segment that both origins list is the same, as they say and as they send it.</summary>
    public async Task AssertSameBytesAsync()
    {
        await SettleAsync(segments: 0);
        var primary = await IndexAsync(Origins[0]);
        var backup = await IndexAsync(Origins[1]);
        var both = primary.Keys.Intersect(backup.Keys).Order().ToArray();
        Assert.True(both.Length >= 5, $"Only {both.Length} segments in common.");
        foreach (var msn in both)
        {
            Assert.Equal(primary[msn], backup[msn]);
            foreach (var origin in Origins)
            {
                var bytes = await FetchAsync(origin, primary[msn].Uri);
                Assert.Equal(primary[msn].Sha256, Convert.ToHexStringLower(SHA256.HashData(bytes)));
            }
        }
    }

    public Task<string> PlaylistTextAsync() => _http.GetStringAsync(Playlist);

    public Task<byte[]> FetchAsync(string box, string uri) =>
        _http.GetByteArrayAsync(new Uri(AddressOf(box), $"/hls/{Stream}/{uri}"));

    /// <summary>The last lines of what the boxes said, for the message of a failed drill.</summary>
    public string Said(params string[] boxes)
    {
        var lines = new List<string>();
        lock (_output)
            lines.AddRange(_output.TakeLast(30));
        foreach (var box in Boxes().Where(b => boxes.Contains(b.Name)))
            lines.AddRange([$"--- {box.Name}", .. System.IO.File.ReadLines(box.Log).TakeLast(15)]);
        return string.Join('\n', lines);
    }

    public static async Task UntilAsync(string what, Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        Exception? last = null;
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            try
            {
                if (await condition())
                    return;
                last = null;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException or TaskCanceledException or JsonException)
            {
                last = e;
            }

            await Task.Delay(
                TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Waited in vain for {what}. {last?.Message}");
    }

    public static async Task SignalAsync(int pid, string signal) =>
        await ForeignProgram.RunAsync("kill", [$"-{signal}", $"{pid}"], TestContext.Current.CancellationToken);

    private IReadOnlyList<Box> Boxes()
    {
        if (!System.IO.File.Exists(File))
            return [];
        using var file = JsonDocument.Parse(System.IO.File.ReadAllText(File));
        return
        [
            .. file.RootElement.GetProperty("processes").EnumerateArray().Select(p => new Box(
                p.GetProperty("name").GetString()!,
                p.GetProperty("pid").ValueKind == JsonValueKind.Number ? p.GetProperty("pid").GetInt32() : null,
                p.GetProperty("http").GetString(),
                p.GetProperty("log").GetString()!)),
        ];
    }

    private Process Start(params string[] arguments)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "steadycast"), arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Keep(object sender, DataReceivedEventArgs line)
        {
            lock (_output)
                _output.Add(line.Data ?? "");
        }
    }

    private sealed record Box(string Name, int? Pid, string? Http, string Log);
}
