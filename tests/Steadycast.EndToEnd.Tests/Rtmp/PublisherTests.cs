using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;

namespace Steadycast.EndToEnd.Tests.Rtmp;

/// <summary>Programs that people publish with.</summary>
public sealed class PublisherTests
{
    private const int Pictures = 50;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("live/show", 0)]
    [InlineData("mystream", 0)]
    [InlineData("live/past-24-bits", 16_777)]
    [InlineData("live/past-31-bits", 2_147_482)]
    public async Task Ffmpeg_publishes(string path, int startSeconds)
    {
        await using LiveDoor door = await LiveDoor.OpenAsync();

        await ForeignProgram.RunAsync("ffmpeg", Ffmpeg(startSeconds, door.Url(path)), Token);
        await door.WaitForPicturesAsync(Pictures);

        AssertWhole(door, path, (uint)(startSeconds * 1000L), sounds: 80);
    }

    [Fact]
    public async Task Ffmpeg_publishes_over_rtmps()
    {
        await using LiveDoor door = await LiveDoor.OpenAsync();

        await ForeignProgram.RunAsync("ffmpeg", Ffmpeg(0, $"rtmps://127.0.0.1:{door.TlsPort}/live/show"), Token);
        await door.WaitForPicturesAsync(Pictures);

        AssertWhole(door, "live/show", 0, sounds: 80);
    }

    [Theory]
    [InlineData("rtmp2sink")]
    [InlineData("rtmpsink")]
    public async Task GStreamer_publishes(string sink)
    {
        await using LiveDoor door = await LiveDoor.OpenAsync();

        await ForeignProgram.RunAsync("gst-launch-1.0", GStreamer(sink, door.Url("live/show")), Token);
        await door.WaitForPicturesAsync(Pictures);

        AssertWhole(door, "live/show", 0, sounds: 80);
    }

    [Theory]
    [InlineData("live/show?key=wrong")]
    [InlineData("live/show")]
    [InlineData("other/show?key=s3cret")]
    public async Task A_wrong_key_ends_ffmpeg_with_an_error(string path)
    {
        await using LiveDoor door = await LiveDoor.OpenAsync(new PublishRule("live/show", "s3cret"));

        var (code, _, error) = await ForeignProgram.TryAsync("ffmpeg", Ffmpeg(0, door.Url(path)), Token);

        Assert.NotEqual(0, code);
        Assert.Contains("Not allowed", error, StringComparison.Ordinal);
        Assert.Empty(door.Messages);
    }

    [Theory]
    [InlineData("ffmpeg")]
    [InlineData("rtmp2sink")]
    public async Task The_right_key_opens(string program)
    {
        await using LiveDoor door = await LiveDoor.OpenAsync(new PublishRule("live/show", "s3cret"));
        string url = door.Url("live/show?key=s3cret");

        if (program == "ffmpeg")
            await ForeignProgram.RunAsync("ffmpeg", Ffmpeg(0, url), Token);
        else
            await ForeignProgram.RunAsync("gst-launch-1.0", GStreamer(program, url), Token);
        await door.WaitForPicturesAsync(Pictures);
    }

    [Fact]
    public async Task A_second_ffmpeg_is_told_that_the_stream_is_taken()
    {
        await using LiveDoor door = await LiveDoor.OpenAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task first = ForeignProgram.RunAsync("ffmpeg", Endless(door.Url("live/show")), stop.Token);
        await door.WaitForPicturesAsync(1);

        var (code, _, error) = await ForeignProgram.TryAsync("ffmpeg", Ffmpeg(0, door.Url("live/show")), Token);

        Assert.NotEqual(0, code);
        Assert.Contains("is being published", error, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    /// <summary>Two seconds of picture and tone, as fast as they can be made.</summary>
    private static string[] Ffmpeg(int startSeconds, string url) =>
    [
        "-v", "error",
        "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-f", "lavfi", "-i", "sine=r=48000", "-t", "2",
        "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac",
        "-output_ts_offset", $"{startSeconds}", "-f", "flv", url,
    ];

    internal static string[] Endless(string url) =>
    [
        "-v", "error", "-re",
        "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-f", "lavfi", "-i", "sine=r=48000",
        "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "flv", url,
    ];

    private static string[] GStreamer(string sink, string url) =>
    [
        "-q",
        .. $"videotestsrc num-buffers={Pictures} ! video/x-raw,width=320,height=240,framerate=25/1".Split(' '),
        .. "! x264enc speed-preset=ultrafast key-int-max=25 ! h264parse ! flvmux name=mux streamable=true".Split(' '),
        .. $"! {sink} location={url}".Split(' '),
        .. "audiotestsrc num-buffers=90 samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=1".Split(' '),
        .. "! voaacenc ! mux.".Split(' '),
    ];

    private static void AssertWhole(LiveDoor door, string path, uint start, int sounds)
    {
        LiveMessage[] messages = [.. door.Messages];
        Assert.All(messages, m => Assert.Equal(path, m.Stream));
        Assert.Contains(messages, m => m.Flags.HasFlag(LogMessageFlags.Metadata));
        RtmpMessageType[] headers =
            [.. messages.Where(m => m.Flags.HasFlag(LogMessageFlags.SequenceHeader)).Select(m => m.Type)];
        Assert.Contains(RtmpMessageType.Video, headers);
        Assert.Contains(RtmpMessageType.Audio, headers);

        LiveMessage[] pictures = [.. messages.Where(m => m.IsPicture)];
        Assert.Equal(Pictures, pictures.Length);
        Assert.Equal(2, pictures.Count(p => p.Flags.HasFlag(LogMessageFlags.Keyframe)));
        Assert.InRange(messages.Count(m => m.IsSound), sounds, 100);
        // FFmpeg's FLV writer cuts timestamps to 31 bits, so they begin again at 0 after 24.8 days.
        long[] times = [.. pictures.Select(p => (long)(p.Timestamp - start & int.MaxValue))];
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[0], 0, 200);
        Assert.InRange(times[^1] - times[0], 1950, 1970);
    }
}
