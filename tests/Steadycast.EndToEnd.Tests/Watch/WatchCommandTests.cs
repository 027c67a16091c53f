using System.Text.Json;
using Steadycast.EndToEnd.Tests.Page;

namespace Steadycast.EndToEnd.Tests.Watch;

/// <summary><c>steadycast watch</c> as a shell sees it, on segments that ffmpeg made.</summary>
public sealed class WatchCommandTests
{
    [Theory]
    [InlineData(false, "fmp4")]
    [InlineData(true, "ts")]
    public async Task A_good_stream_is_seamless_and_the_exit_code_is_0(bool transportStream, string container)
    {
        await using var replay = await ReplaySwitch.StartAsync(TestContext.Current.CancellationToken, transportStream);
        var (code, output, error) = await WatchAsync(replay.Playlist.AbsoluteUri, "--seconds", "9", "--json");
        Assert.True(code == 0, output + error);
        using var report = JsonDocument.Parse(output);
        Assert.True(report.RootElement.GetProperty("seamless").GetBoolean());
        Assert.Equal(container, report.RootElement.GetProperty("container").GetString());
        Assert.InRange(report.RootElement.GetProperty("segments").GetInt32(), 6, 10);
        Assert.InRange(report.RootElement.GetProperty("latency_seconds").GetDouble(), 4, 12);
    }

    [Fact]
    public async Task A_stream_that_is_not_there_is_told_in_words_and_the_exit_code_is_1()
    {
        await using var replay = await ReplaySwitch.StartAsync(TestContext.Current.CancellationToken);
        replay.Empty = true;
        var (code, output, _) = await WatchAsync(replay.Playlist.AbsoluteUri, "--seconds", "2");
        Assert.Equal(1, code);
        Assert.StartsWith("NOTHING PLAYED", output, StringComparison.Ordinal);
        Assert.Contains("HTTP 404", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_evidence_is_kept_and_a_foreign_judge_decodes_all_of_it(bool transportStream)
    {
        await using var replay = await ReplaySwitch.StartAsync(TestContext.Current.CancellationToken, transportStream);
        var folder = Path.Combine(Path.GetTempPath(), $"steadycast-evidence-{Guid.NewGuid():N}");
        try
        {
            var (code, output, error) = await WatchAsync(
                replay.Playlist.AbsoluteUri, "--seconds", "7", "--save", folder);
            Assert.True(code == 0, output + error);
            Assert.Contains($"playlists in {folder}; ffprobe has no complaint", output, StringComparison.Ordinal);
            using var report = JsonDocument.Parse(await File.ReadAllTextAsync(
                Path.Combine(folder, "report.json"), TestContext.Current.CancellationToken));
            var segments = report.RootElement.GetProperty("segments").GetInt32();
            var extension = transportStream ? "ts" : "m4s";
            Assert.Equal(segments, Directory.GetFiles(Path.Combine(folder, "segments"), $"*.{extension}").Length);
            Assert.InRange(Directory.GetFiles(Path.Combine(folder, "playlists")).Length, 3, 5);
            Assert.Single(Directory.GetFiles(Path.Combine(folder, "joined")));
            var probe = await File.ReadAllTextAsync(
                Path.Combine(folder, "ffprobe.txt"), TestContext.Current.CancellationToken);
            using var said = JsonDocument.Parse(probe[probe.IndexOf('{', StringComparison.Ordinal)..]);
            var video = said.RootElement.GetProperty("streams").EnumerateArray()
                .Single(s => s.GetProperty("codec_type").GetString() == "video");
            // The picture has 30 frames per second and segments of 2 s.
            Assert.Equal($"{60 * segments}", video.GetProperty("nb_read_frames").GetString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_is_no_address_is_a_usage_error()
    {
        var (code, _, error) = await WatchAsync("index.m3u8");
        Assert.Equal(64, code);
        Assert.Contains("not an http or https address", error, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Out, string Error)> WatchAsync(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "steadycast");
        return ForeignProgram.TryAsync(program, ["watch", .. arguments], TestContext.Current.CancellationToken);
    }
}
