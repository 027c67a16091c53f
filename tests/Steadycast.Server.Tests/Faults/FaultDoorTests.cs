using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Server.Faults;

namespace Steadycast.Server.Tests.Faults;

/// <summary>Each fault where it works: at a real HTTP server, at a real connection, at the kernel.</summary>
[Collection(nameof(WholeProcess))]
public sealed class FaultDoorTests : IAsyncLifetime
{
    private static readonly byte[] Segment = [.. Enumerable.Range(0, 200_000).Select(i => (byte)i)];

    private readonly SteppedTime _time = new();
    private readonly FeedCut _feed = new();
    private readonly FaultDoor _door;
    private readonly HttpClient _http = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication _app = null!;

    public FaultDoorTests() => _door = new FaultDoor(_time, _feed, NullLogger<FaultDoor>.Instance);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Use(new FaultyAnswers(_door, TimeProvider.System).InvokeAsync);
        _app.UseRouting();
        _app.MapGet("/hls/1.m4s", async (HttpContext context) =>
        {
            context.Response.ContentLength = Segment.Length;
            for (var at = 0; at < Segment.Length; at += 65_536)
                await context.Response.Body.WriteAsync(Segment.AsMemory(at..Math.Min(at + 65_536, Segment.Length)));
        });
        _app.MapGet("/hls/index.m3u8", () => "#EXTM3U");
        _app.MapGet("/feed", async (HttpContext context) =>
        {
            await context.Response.Body.WriteAsync(new byte[] { 1 });
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ended.SetResult();
        });
        await _app.StartAsync(Cancel);
        _http.BaseAddress = new Uri(_app.Urls.First());
        _feed.InnerHandler = new SocketsHttpHandler();
    }

    public async ValueTask DisposeAsync()
    {
        _door.Tell("none");
        _http.Dispose();
        await _app.DisposeAsync();
        _feed.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("burn")]
    [InlineData("status")]
    [InlineData("status 200")]
    [InlineData("slow -1")]
    [InlineData("corrupt 3")]
    [InlineData("clock soon")]
    public void What_is_no_fault_changes_nothing(string line)
    {
        _door.Tell("corrupt");
        _door.Tell(line);
        Assert.Equal(new Fault(FaultKind.Corrupt), _door.Current);
    }

    [Fact]
    public async Task Without_a_fault_everything_is_as_it_is()
    {
        Assert.Equal(Segment, await _http.GetByteArrayAsync("/hls/1.m4s", Cancel));
        _door.Tell("corrupt");
        _door.Tell("none");
        Assert.Equal(Segment, await _http.GetByteArrayAsync("/hls/1.m4s", Cancel));
    }

    [Fact]
    public async Task Corrupt_media_differs_in_one_bit_and_playlists_in_none()
    {
        _door.Tell("corrupt");
        var bytes = await _http.GetByteArrayAsync("/hls/1.m4s", Cancel);
        Assert.Equal(Segment.Length, bytes.Length);
        var different = Enumerable.Range(0, bytes.Length).Where(i => bytes[i] != Segment[i]).ToArray();
        Assert.Single(different);
        Assert.Equal(1, int.PopCount(bytes[different[0]] ^ Segment[different[0]]));
        Assert.Equal("#EXTM3U", await _http.GetStringAsync("/hls/index.m3u8", Cancel));
    }

    [Fact]
    public async Task Truncated_media_announces_all_and_sends_half()
    {
        _door.Tell("truncate");
        using var answer = await _http.GetAsync("/hls/1.m4s", HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal(Segment.Length, answer.Content.Headers.ContentLength);
        await Assert.ThrowsAsync<HttpRequestException>(() => answer.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal("#EXTM3U", await _http.GetStringAsync("/hls/index.m3u8", Cancel));
    }

    [Fact]
    public async Task A_status_is_of_media_only()
    {
        _door.Tell("status 503");
        using var answer = await _http.GetAsync("/hls/1.m4s", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("#EXTM3U", await _http.GetStringAsync("/hls/index.m3u8", Cancel));
    }

    [Fact]
    public async Task Slow_answers_take_so_much_longer()
    {
        _door.Tell("slow 300");
        var started = TimeProvider.System.GetTimestamp();
        await _http.GetStringAsync("/hls/index.m3u8", Cancel);
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(290));
    }

    [Fact]
    public async Task A_cut_feed_breaks_what_is_open_lets_nothing_through_and_can_be_joined_again()
    {
        using var http = new HttpMessageInvoker(_feed, disposeHandler: false);
        using var answer = await http.SendAsync(Feed(), Cancel);
        var body = await answer.Content.ReadAsStreamAsync(Cancel);
        Assert.Equal(1, await body.ReadAsync(new byte[16], Cancel));
        var next = body.ReadAsync(new byte[16], Cancel).AsTask();

        _door.Tell("cut-feed");

        await Assert.ThrowsAsync<IOException>(() => next);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(Feed(), Cancel));
        answer.Dispose();
        // The other end sees it, too.
        await _ended.Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancel);
        _door.Tell("none");
        using var again = await http.SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(_http.BaseAddress!, "/hls/1.m4s")), Cancel);
        Assert.Equal(Segment, await again.Content.ReadAsByteArrayAsync(Cancel));
    }

    [Fact]
    public void A_stepped_clock_is_an_hour_ahead_and_monotonic_time_goes_on()
    {
        var timestamp = _time.GetTimestamp();
        _door.Tell("clock 3600");
        Assert.InRange((_time.GetUtcNow() - TimeProvider.System.GetUtcNow()).TotalSeconds, 3590, 3610);
        Assert.InRange(_time.GetElapsedTime(timestamp).TotalSeconds, 0, 60);
        _door.Tell("none");
        Assert.InRange((_time.GetUtcNow() - TimeProvider.System.GetUtcNow()).TotalSeconds, -10, 10);
    }

    [Fact]
    public void On_a_full_disk_no_file_grows_until_it_is_not_full_any_more()
    {
        var path = Path.GetTempFileName();
        try
        {
            _door.Tell("full-disk");
            Assert.ThrowsAny<Exception>(() => File.WriteAllText(path, "more"));
            _door.Tell("none");
            File.WriteAllText(path, "more");
            Assert.Equal("more", File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private HttpRequestMessage Feed() => new(HttpMethod.Get, new Uri(_http.BaseAddress!, "/feed"));
}
