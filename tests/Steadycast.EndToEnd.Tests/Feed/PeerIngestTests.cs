using System.Globalization;
using System.Net;
using System.Text.Json;
using Steadycast.Protocols.Hls;

namespace Steadycast.EndToEnd.Tests.Feed;

/// <summary>
/// One ffmpeg sends its stream to two ingests, a packager follows both; the one that leads is killed or frozen. Each is
/// a process of its own.
/// </summary>
public sealed class PeerIngestTests : IAsyncLifetime
{
    private const string Stream = "live/show";

    private const string Encoder =
        "-hide_banner -loglevel error -nostdin -re -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine "
        + "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50 -c:a aac -b:a 64k";

    private readonly string _state = Directory.CreateTempSubdirectory("steadycast-peers-").FullName;
    private readonly CancellationTokenSource _end =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private readonly int[] _rtmp = [Ports.Free(), Ports.Free()];
    private readonly int[] _http = [Ports.Free(), Ports.Free()];
    private readonly int _hls = Ports.Free();
    private readonly HttpClient _client = new();
    private readonly RunningProgram[] _ingests = new RunningProgram[2];
    private RunningProgram _packager = null!;

    private Uri Playlist => new($"http://127.0.0.1:{_hls}/hls/{Stream}/index.m3u8");

    public async ValueTask InitializeAsync()
    {
        _end.CancelAfter(TimeSpan.FromMinutes(2));
        for (var i = 0; i < 2; i++)
            _ingests[i] = StartIngest(i);
        _packager = Serve(
            $"--set packager.feed=http://127.0.0.1:{_http[0]},http://127.0.0.1:{_http[1]} "
            + $"--set packager.http_addr=127.0.0.1:{_hls} --set packager.store=memory "
            + $"--set origin.listen_addr=127.0.0.1:{_hls} --set origin.store=memory");
        await UntilAsync(async () => await HealthAsync(0) is not null && await HealthAsync(1) is not null);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var program in _ingests.Append(_packager))
            program.Dispose();
        _client.Dispose();
        _end.Dispose();
        Directory.Delete(_state, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task The_other_ingest_goes_on_without_a_seam_where_it_is_sent_the_same(string signal)
    {
        using var publisher = new RunningProgram(
            "ffmpeg",
            $"{Encoder} -flags +global_header -f tee "
            + string.Join('|', _rtmp.Select(port => $"[f=flv:onfail=ignore]rtmp://127.0.0.1:{port}/{Stream}")));
        var leader = await LeaderAsync();
        await UntilAsync(async () => (await StreamOfAsync(1 - leader))?.GetProperty("locked").GetBoolean() is true);

        var listed = await LoseAsync(leader, signal, s => s.Count >= 4);

        Assert.DoesNotContain(listed, s => s.Discontinuity);
        Assert.False(publisher.HasExited);
        await AssertWholeAsync(listed);
    }

    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task The_other_ingest_goes_on_with_one_discontinuity_where_it_is_sent_something_else(string signal)
    {
        using var first = new RunningProgram("ffmpeg", $"{Encoder} -f flv rtmp://127.0.0.1:{_rtmp[0]}/{Stream}");
        await UntilAsync(async () => await LeaderOfAsync(0) == "self");
        using var second = new RunningProgram(
            "ffmpeg", $"{Encoder} -crf 35 -f flv rtmp://127.0.0.1:{_rtmp[1]}/{Stream}");
        await UntilAsync(async () => await LeaderAsync() == 0 && (await SegmentsAsync()).Count >= 6);
        Assert.False((await StreamOfAsync(1))!.Value.GetProperty("locked").GetBoolean());

        var listed = await LoseAsync(0, signal, s => s.SkipWhile(at => !at.Discontinuity).Count() >= 3);

        Assert.Single(listed, s => s.Discontinuity);
        Assert.False(second.HasExited);
    }

    /// <summary>The playlist after the leader was lost, came back and follows.</summary>
    /// <param name="isAfter">Whether the playlist shows enough of what came after the loss.</param>
    private async Task<List<MediaSegment>> LoseAsync(
        int leader, string signal, Func<List<MediaSegment>, bool> isAfter)
    {
        var edge = NumberOf((await SegmentsAsync())[^1]);
        await _ingests[leader].SignalAsync(signal, _end.Token);
        await UntilAsync(async () => await LeaderOfAsync(1 - leader) == "self");
        await UntilAsync(async () => await SegmentsAsync() is var now && isAfter(now) && NumberOf(now[^1]) > edge + 3);

        if (signal == "STOP")
            await _ingests[leader].SignalAsync("CONT", _end.Token);
        else
            Restart(leader);
        // It follows now, whether its publisher came back or not.
        await UntilAsync(async () => await LeaderOfAsync(leader) == $"http://127.0.0.1:{_http[1 - leader]}/");
        var before = (await SegmentsAsync()).Count;
        await UntilAsync(async () => (await SegmentsAsync()).Count >= before + 2);

        List<MediaSegment> listed = await SegmentsAsync();
        Assert.All(listed.Zip(listed.Skip(1)), pair => Assert.Equal(NumberOf(pair.First) + 1, NumberOf(pair.Second)));
        Assert.Equal("self", await LeaderOfAsync(1 - leader));
        return listed;
    }

    /// <summary>By ffprobe: every picture follows the one before by 40 ms, every sound by its 1024 samples.</summary>
    private async Task AssertWholeAsync(List<MediaSegment> listed)
    {
        var file = Path.Combine(_state, "all.mp4");
        await using (var all = File.Create(file))
        {
            await all.WriteAsync(await _client.GetByteArrayAsync(new Uri(Playlist, listed[0].Map!.Uri), _end.Token));
            foreach (var segment in listed)
                await all.WriteAsync(await _client.GetByteArrayAsync(new Uri(Playlist, segment.Uri), _end.Token));
        }

        var seconds = listed.Sum(s => s.Duration.TotalSeconds);
        foreach (var (stream, step) in new[] { ("v:0", 0.04), ("a:0", 1024 / 44100.0) })
        {
            var (output, error) = await ForeignProgram.RunAsync(
                "ffprobe",
                ["-v", "error", "-select_streams", stream, "-show_entries", "packet=dts_time", "-of", "csv=p=0", file],
                _end.Token);
            Assert.Equal("", error);
            double[] times = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => double.Parse(line.Trim().TrimEnd(','), CultureInfo.InvariantCulture))];
            Assert.InRange(times.Length, (seconds / step) - 3, (seconds / step) + 3);
            Assert.All(times.Zip(times.Skip(1)), pair => Assert.Equal(step, pair.Second - pair.First, 0.0015));
        }

        var decoding = await ForeignProgram.RunAsync(
            "ffmpeg", ["-v", "error", "-nostdin", "-xerror", "-i", file, "-f", "null", "-"], _end.Token);
        Assert.Equal("", decoding.Error);
    }

    private static long NumberOf(MediaSegment segment) =>
        long.Parse(Path.GetFileNameWithoutExtension(segment.Uri), CultureInfo.InvariantCulture);

    private static RunningProgram Serve(string arguments) =>
        new("dotnet", $"{Path.Combine(AppContext.BaseDirectory, "steadycast.dll")} serve {arguments}");

    private RunningProgram StartIngest(int which) => Serve(
        $"--set ingest.listen_addr=127.0.0.1:{_rtmp[which]} --set ingest.http_addr=127.0.0.1:{_http[which]} "
        + $"--set ingest.peers=http://127.0.0.1:{_http[1 - which]} --set ingest.state_dir={_state}/{which}");

    private void Restart(int which)
    {
        _ingests[which].Dispose();
        _ingests[which] = StartIngest(which);
    }

    private async Task<int> LeaderAsync()
    {
        for (var i = 0; ; i = 1 - i)
        {
            if (await LeaderOfAsync(i) == "self" && await LeaderOfAsync(1 - i) is not (null or "self"))
                return i;
        }
    }

    private async Task<string?> LeaderOfAsync(int which) =>
        (await StreamOfAsync(which))?.GetProperty("leader").GetString();

    private async Task<JsonElement?> StreamOfAsync(int which) =>
        await HealthAsync(which) is { } health
        && health.GetProperty("ingest_streams").TryGetProperty(Stream, out var stream) ? stream : null;

    private async Task<JsonElement?> HealthAsync(int which)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        patience.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            using HttpResponseMessage response =
                await _client.GetAsync(new Uri($"http://127.0.0.1:{_http[which]}/healthz"), patience.Token);
            return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(patience.Token));
        }
        catch (Exception e) when (
            e is HttpRequestException || (e is OperationCanceledException && !_end.IsCancellationRequested))
        {
            return null;
        }
    }

    private async Task<List<MediaSegment>> SegmentsAsync()
    {
        try
        {
            using HttpResponseMessage response = await _client.GetAsync(Playlist, _end.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? [.. PlaylistReader.ParseMedia(await response.Content.ReadAsStringAsync(_end.Token)).Segments]
                : [];
        }
        catch (HttpRequestException)
        {
            return [];
        }
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, _end.Token);
    }
}
