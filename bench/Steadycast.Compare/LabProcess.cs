using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Steadycast.Compare;

/// <summary>The product as it is: a lab without its picture, and a synthetic stream of 3.03 Mbit/s instead.</summary>
internal sealed class LabProcess : IAsyncDisposable
{
    private const string StreamName = "live/compare";

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("hls-").FullName;
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly int offset;
    private readonly Process[] processes;

    private LabProcess(string program, int offset)
    {
        this.offset = offset;
        string clip = Path.Combine(folder, "picture.flv");
        File.WriteAllBytes(clip, Picture.Flv());
        string[] lab = ["lab", "--no-publisher", "--data", folder, "--port-offset", Text(offset)];
        string[] publish = ["publish", clip, $"rtmp://127.0.0.1:{Text(1935 + offset)}/{StreamName}", "--loop"];
        processes = [Start(program, lab), Start(program, publish)];
    }

    public int SwitchPort => 8080 + offset;

    public static string Playlist => $"/hls/{StreamName}/index.m3u8";

    /// <summary>Where the packager keeps what nginx is to send.</summary>
    public string Files => Path.Combine(folder, "hls", "primary");

    /// <summary>The switch is restarted by nobody here, so its process stays the same.</summary>
    public ProcessFigures Switch
    {
        get
        {
            using JsonDocument lab = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "lab.json")));
            return new ProcessFigures(lab.RootElement.GetProperty("processes").EnumerateArray()
                .First(p => p.GetProperty("name").GetString() == "switch").GetProperty("pid").GetInt32());
        }
    }

    public static async Task<LabProcess> StartAsync(string program, int offset, CancellationToken cancellationToken)
    {
        var lab = new LabProcess(program, offset);
        long began = TimeProvider.System.GetTimestamp();
        try
        {
            while (await lab.EdgeAsync(cancellationToken) is null)
            {
                if (lab.processes.Any(p => p.HasExited) || TimeProvider.System.GetElapsedTime(began) > StartTime)
                    throw new InvalidOperationException("the lab is not on air");
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
            }

            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>The last number that the switch has published; null when there is none.</summary>
    public async Task<long?> EdgeAsync(CancellationToken cancellationToken)
    {
        try
        {
            using JsonDocument report = JsonDocument.Parse(
                await http.GetStringAsync($"http://127.0.0.1:{SwitchPort}/api/switch", cancellationToken));
            return report.RootElement.GetProperty("streams").TryGetProperty(StreamName, out JsonElement stream)
                && stream.GetProperty("edge") is { ValueKind: JsonValueKind.Number } edge ? edge.GetInt64() : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>How many segments both origins have sent so far; the switch alone asks them.</summary>
    public async Task<double> FetchesAsync(CancellationToken cancellationToken)
    {
        double sum = 0;
        foreach (int port in new[] { 8081, 8082 })
        {
            string text = await http.GetStringAsync($"http://127.0.0.1:{port + offset}/metrics", cancellationToken);
            sum += text.Split('\n')
                .Where(l => l.StartsWith("steadycast_origin_viewer_requests_total{", StringComparison.Ordinal)
                    && l.Contains("kind=\"segment\"", StringComparison.Ordinal))
                .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        }

        return sum;
    }

    public async ValueTask DisposeAsync()
    {
        // Killed, a lab leaves no box behind.
        foreach (Process process in processes)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static Process Start(string program, string[] arguments)
    {
        Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, e) => Console.Error.Write(e.Data is { } line ? line + "\n" : "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
