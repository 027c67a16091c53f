namespace Steadycast.EndToEnd.Tests.Rtmp;

/// <summary>Programs that people play with, from a stream that ffmpeg publishes meanwhile.</summary>
public sealed class PlayerTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private LiveDoor _door = null!;
    private Task _publishing = Task.CompletedTask;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _door = await LiveDoor.OpenAsync();
        _publishing = ForeignProgram.RunAsync("ffmpeg", PublisherTests.Endless(_door.Url("live/show")), _stop.Token);
        await _door.WaitForPicturesAsync(30);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _publishing);
        await _door.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task Ffprobe_sees_h264_and_aac() => await AssertTracksAsync(_door.Url("live/show"));

    [Fact]
    public async Task Ffmpeg_plays_without_a_warning()
    {
        var (_, error) = await ForeignProgram.RunAsync(
            "ffmpeg", ["-v", "warning", "-i", _door.Url("live/show"), "-t", "2", "-f", "null", "-"], Token);

        Assert.Empty(error);
    }

    [Fact]
    public async Task Ffmpeg_plays_over_rtmps() => await ForeignProgram.RunAsync(
        "ffmpeg",
        ["-v", "error", "-i", $"rtmps://127.0.0.1:{_door.TlsPort}/live/show", "-t", "1", "-f", "null", "-"],
        Token);

    [Fact]
    public async Task Rtmpdump_records()
    {
        string file = _door.FileName("recorded.flv");
        // A live stream does not end, so rtmpdump is interrupted as a person would.
        await ForeignProgram.TryAsync(
            "timeout", ["-s", "INT", "4", "rtmpdump", "-q", "--live", "-r", _door.Url("live/show"), "-o", file], Token);

        await AssertTracksAsync(file);
        var (output, _) = await ForeignProgram.RunAsync(
            "ffprobe",
            ["-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets",
             "-of", "csv=p=0", file],
            Token);
        Assert.InRange(int.Parse(output), 50, 130);
    }

    [Theory]
    [InlineData("rtmp2src")]
    [InlineData("rtmpsrc")]
    public async Task GStreamer_plays(string source)
    {
        string file = _door.FileName("played.flv");
        await ForeignProgram.RunAsync(
            "gst-launch-1.0",
            ["-q", source, $"location={_door.Url("live/show")}", "num-buffers=150", "!",
             "filesink", $"location={file}"],
            Token);

        await AssertTracksAsync(file);
    }

    private static async Task AssertTracksAsync(string source)
    {
        var (output, _) = await ForeignProgram.RunAsync(
            "ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", source], Token);

        string[] codecs = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["aac", "h264"], codecs.Order(StringComparer.Ordinal));
    }
}
