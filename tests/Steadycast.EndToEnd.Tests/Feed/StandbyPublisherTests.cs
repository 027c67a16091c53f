using System.Globalization;
using System.Net;
using System.Text.Json;
using Steadycast.Protocols.Hls;

namespace Steadycast.EndToEnd.Tests.Feed;

/// <summary>
/// Two ffmpegs publish one stream to a whole chain in a process of its own, and one of them is killed or frozen: a
/// playing ffmpeg stays connected and goes on, and the HLS playlist has one discontinuity for each change.
/// </summary>
public sealed class StandbyPublisherTests : IAsyncLifetime
{
    private const string Stream = "live/show";

    private readonly CancellationTokenSource _end =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private readonly int _rtmp = Ports.Free();
    private readonly int _http = Ports.Free();
    private readonly HttpClient _client = new();
    private RunningProgram _server = null!;
    private RunningProgram _player = null!;
    private long _played;

    private Uri Playlist => new($"http://127.0.0.1:{_http}/hls/{Stream}/index.m3u8");

    public ValueTask InitializeAsync()
    {
        _end.CancelAfter(TimeSpan.FromMinutes(2));
        _server = new RunningProgram(
            "dotnet",
            $"{Path.Combine(AppContext.BaseDirectory, "steadycast.dll")} serve --set ingest.listen_addr=127.0.0.1:{_rtmp} "
            + $"--set ingest.http_addr=127.0.0.1:{_http} --set ingest.standby.return_seconds=3 "
            + $"--set packager.feed=http://127.0.0.1:{_http} --set packager.http_addr=127.0.0.1:{_http} "
            + $"--set packager.store=memory --set origin.listen_addr=127.0.0.1:{_http} --set origin.store=memory");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _player?.Dispose();
        _server.Dispose();
        _client.Dispose();
        _end.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("KILL", "left")]
    [InlineData("STOP", "silent")]
    public async Task A_standby_takes_over_and_gives_back_and_viewers_stay(string signal, string reason)
    {
        await UntilAsync(async () => (await HealthAsync()).ValueKind == JsonValueKind.Object);
        RunningProgram main = Publish("main");
        await UntilAsync(async () => await PublisherAsync("main") == "on_air");
        using RunningProgram standby = Publish("standby");
        await UntilAsync(async () => await PublisherAsync("standby") == "ready");
        _player = new RunningProgram(
            "ffmpeg",
            $"-hide_banner -loglevel error -nostdin -i rtmp://127.0.0.1:{_rtmp}/{Stream} -c copy -progress pipe:1 "
            + "-stats_period 0.2 -f null -",
            Heard);
        await UntilAsync(async () => (await SegmentsAsync()).Count >= 3);

        await main.SignalAsync(signal, _end.Token);
        await UntilAsync(async () => await PublisherAsync("standby") == "on_air");
        Assert.Equal(reason, (await StreamAsync()).GetProperty("last_publisher_switch").GetProperty("reason").GetString());
        await PlaysOnAsync();
        await UntilAsync(async () => (await SegmentsAsync()).SkipWhile(s => !s.Discontinuity).Count() >= 2);
        if (signal == "STOP")
        {
            await main.SignalAsync("CONT", _end.Token);
        }
        else
        {
            main.Dispose();
            main = Publish("main");
        }

        await UntilAsync(async () => await PublisherAsync("main") == "on_air");
        Assert.Equal(
            "returned", (await StreamAsync()).GetProperty("last_publisher_switch").GetProperty("reason").GetString());
        await PlaysOnAsync();
        await UntilAsync(async () => (await SegmentsAsync()).SkipWhile(s => !s.Discontinuity).Skip(1)
            .SkipWhile(s => !s.Discontinuity).Count() >= 3);

        List<MediaSegment> listed = await SegmentsAsync();
        Assert.Equal(2, listed.Count(s => s.Discontinuity));
        Assert.Equal(2, (await StreamAsync()).GetProperty("publisher_switches").GetInt32());
        Assert.All(listed.Zip(listed.Skip(1)), pair => Assert.Equal(NumberOf(pair.First) + 1, NumberOf(pair.Second)));
        foreach (MediaSegment segment in listed)
            Assert.NotEmpty(await _client.GetByteArrayAsync(new Uri(Playlist, segment.Uri), _end.Token));
        main.Dispose();
    }

    [Fact]
    public async Task A_standby_takes_over_from_a_publisher_whose_picture_froze_while_its_sound_goes_on()
    {
        await UntilAsync(async () => (await HealthAsync()).ValueKind == JsonValueKind.Object);
        using RunningProgram main = Publish("main", ":duration=10");
        await UntilAsync(async () => await PublisherAsync("main") == "on_air");
        using RunningProgram standby = Publish("standby");

        await UntilAsync(async () => await PublisherAsync("standby") == "on_air");
        JsonElement change = (await StreamAsync()).GetProperty("last_publisher_switch");
        Assert.Equal("frozen", change.GetProperty("reason").GetString());
        Assert.False(main.HasExited);
        Assert.Equal("not_ready", await PublisherAsync("main"));
        await UntilAsync(async () => (await SegmentsAsync()).SkipWhile(s => !s.Discontinuity).Count() >= 3);

        List<MediaSegment> listed = await SegmentsAsync();
        MediaSegment first = Assert.Single(listed, s => s.Discontinuity);
        Assert.All(listed.Zip(listed.Skip(1)), pair => Assert.Equal(NumberOf(pair.First) + 1, NumberOf(pair.Second)));
        Assert.Equal(1, (await StreamAsync()).GetProperty("publisher_switches").GetInt32());
        Assert.StartsWith("K", await FirstPictureAsync(first), StringComparison.Ordinal);
    }

    private static long NumberOf(MediaSegment segment) =>
        long.Parse(Path.GetFileNameWithoutExtension(segment.Uri), CultureInfo.InvariantCulture);

    /// <summary>The flags of a segment's first picture, by ffprobe.</summary>
    private async Task<string> FirstPictureAsync(MediaSegment segment)
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(
                file,
                [
                    .. await _client.GetByteArrayAsync(new Uri(Playlist, segment.Map!.Uri), _end.Token),
                    .. await _client.GetByteArrayAsync(new Uri(Playlist, segment.Uri), _end.Token),
                ],
                _end.Token);
            return (await ForeignProgram.RunAsync(
                "ffprobe",
                ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=flags", "-of", "csv=p=0", file],
                _end.Token)).Out;
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <param name="picture">What the source of its pictures is told besides: when it ends, the sound goes on.</param>
    private RunningProgram Publish(string role, string picture = "") => new(
        "ffmpeg",
        $"-hide_banner -loglevel error -nostdin -re -f lavfi -i testsrc2=size=320x180:rate=25{picture} "
        + "-f lavfi -i sine "
        + "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50 -c:a aac -b:a 64k "
        + $"-f flv rtmp://127.0.0.1:{_rtmp}/{Stream}?role={role}");

    /// <summary>The player of before is still there, and gets new pictures.</summary>
    private async Task PlaysOnAsync()
    {
        long before = Interlocked.Read(ref _played);
        await UntilAsync(() =>
        {
            Assert.False(_player.HasExited, "the player left");
            return Task.FromResult(Interlocked.Read(ref _played) > before + 25);
        });
    }

    private void Heard(string line)
    {
        if (line.StartsWith("frame=", StringComparison.Ordinal))
            Interlocked.Exchange(ref _played, long.Parse(line["frame=".Length..], CultureInfo.InvariantCulture));
    }

    private async Task<List<MediaSegment>> SegmentsAsync()
    {
        using HttpResponseMessage response = await _client.GetAsync(Playlist, _end.Token);
        return response.StatusCode == HttpStatusCode.OK
            ? [.. PlaylistReader.ParseMedia(await response.Content.ReadAsStringAsync(_end.Token)).Segments]
            : [];
    }

    private async Task<string?> PublisherAsync(string role)
    {
        JsonElement stream = await StreamAsync();
        return stream.ValueKind != JsonValueKind.Object ? null : stream.GetProperty("publishers").EnumerateArray()
            .Where(p => p.GetProperty("role").GetString() == role)
            .Select(p => p.GetProperty("state").GetString())
            .FirstOrDefault();
    }

    private async Task<JsonElement> StreamAsync() =>
        (await HealthAsync()) is { ValueKind: JsonValueKind.Object } health
            && health.GetProperty("ingest_streams").TryGetProperty(Stream, out JsonElement stream) ? stream : default;

    private async Task<JsonElement> HealthAsync()
    {
        try
        {
            using HttpResponseMessage response =
                await _client.GetAsync(new Uri($"http://127.0.0.1:{_http}/healthz"), _end.Token);
            return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(_end.Token));
        }
        catch (HttpRequestException)
        {
            return default;
        }
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, _end.Token);
    }
}
