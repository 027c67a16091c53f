using System.Diagnostics;
using System.Text.Json;
using Steadycast.EndToEnd.Tests.Drills;

namespace Steadycast.EndToEnd.Tests.Relay;

/// <summary>ffmpeg publishes through the relay to two nginx-rtmp, one of which fails.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private const int Pictures = 250;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("steadycast-relay-");
    private readonly NginxRtmp[] _upstreams = [new(), new()];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly int _rtmp = Ports.Free();
    private readonly int _status = Ports.Free();
    private Process? _relay;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Clip => Path.Combine(_folder.FullName, "clip.flv");

    public async ValueTask InitializeAsync()
    {
        try
        {
            await StartAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task StartAsync()
    {
        await ForeignProgram.RunAsync(
            "ffmpeg",
            ["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-frames:v", $"{Pictures}",
                "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "2M", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
                "-bf", "0", "-f", "flv", Clip],
            Token);
        foreach (NginxRtmp upstream in _upstreams)
            await upstream.StartAsync(Token);
        string configuration = Path.Combine(_folder.FullName, "relay.json");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            {
              "relay": {
                "listen_addr": "127.0.0.1:{{_rtmp}}",
                "http_addr": "127.0.0.1:{{_status}}",
                "allow_private": true,
                "upstreams": [
                  { "url": "rtmp://127.0.0.1:{{_upstreams[0].Port}}" },
                  { "url": "rtmp://127.0.0.1:{{_upstreams[1].Port}}" }
                ]
              }
            }
            """,
            Token);
        _relay = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "steadycast"), ["serve", "--config", configuration]))!;
        await Ports.AnswersAsync(_rtmp, Token);
    }

    public async ValueTask DisposeAsync()
    {
        _relay?.Kill();
        if (_relay is not null)
            await _relay.WaitForExitAsync();
        _relay?.Dispose();
        foreach (NginxRtmp upstream in _upstreams)
            await upstream.DisposeAsync();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task When_the_upstream_fails_no_picture_is_lost_and_ffmpeg_does_not_notice(string signal)
    {
        Task<(int Code, string Out, string Error)> publishing = ForeignProgram.TryAsync(
            "ffmpeg",
            ["-v", "warning", "-re", "-i", Clip, "-c", "copy", "-f", "flv", $"rtmp://127.0.0.1:{_rtmp}/live/show"],
            Token);
        await LabUnderTest.UntilAsync(
            "a hundred pictures upstream", () => Task.FromResult(_upstreams.Any(u => u.Pictures().Count > 100)));
        NginxRtmp first = _upstreams.Single(u => u.Pictures().Count > 0);
        NginxRtmp second = _upstreams.Single(u => u != first);

        await first.SignalAsync(signal, Token);

        (int code, _, string error) = await publishing;
        Assert.True(code == 0, error);
        await LabUnderTest.UntilAsync(
            "the last picture upstream",
            () => Task.FromResult(second.Pictures().Count > 0 && second.Pictures()[^1].Hash == Sent[^1].Hash));
        AssertWhole(first.Pictures(), second.Pictures());
        Assert.Equal(1, await ResumesAsync());
        using var health = JsonDocument.Parse(
            await _http.GetStringAsync(new Uri($"http://127.0.0.1:{_status}/healthz"), Token));
        Assert.Equal(
            _upstreams.Select(u => $"rtmp://127.0.0.1:{u.Port}/ closed"),
            health.RootElement.GetProperty("relay_upstreams").EnumerateArray()
                .Select(u => $"{u.GetProperty("url")} {u.GetProperty("circuit_breaker")}"));
    }

    private IReadOnlyList<NginxRtmp.Picture> Sent => NginxRtmp.Read(Clip);

    private void AssertWhole(IReadOnlyList<NginxRtmp.Picture> before, IReadOnlyList<NginxRtmp.Picture> after)
    {
        string[] sent = [.. Sent.Select(p => p.Hash)];
        int resumed = Array.IndexOf(sent, after[0].Hash);
        Assert.Equal(Pictures, sent.Length);
        Assert.True(after[0].IsKeyframe);
        Assert.Equal(sent[..before.Count], before.Select(p => p.Hash));
        Assert.Equal(sent[resumed..], after.Select(p => p.Hash));
        Assert.True(resumed <= before.Count, $"pictures {before.Count} to {resumed} are lost");
    }

    private async Task<int> ResumesAsync()
    {
        string metrics = await _http.GetStringAsync(new Uri($"http://127.0.0.1:{_status}/metrics"), Token);
        string line = metrics.Split('\n').Single(l => l.StartsWith("steadycast_relay_resumes_total ", StringComparison.Ordinal));
        return int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
