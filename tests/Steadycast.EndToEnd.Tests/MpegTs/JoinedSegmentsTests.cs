namespace Steadycast.EndToEnd.Tests.MpegTs;

/// <summary>ffmpeg has nothing to say of our transport stream segments, and decodes from them what was put in.</summary>
public sealed class JoinedSegmentsTests : IDisposable
{
    private const string Picture = "testsrc2=size=320x180:rate=30:duration=9";
    private const string Ntsc = "testsrc2=size=320x180:rate=30000/1001:duration=9";
    private const string Tone = "sine=frequency=440:duration=9";

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-ts-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string[], string[], long> Media() => new()
    {
        { "B-frames, 48 kHz", ["-f", "lavfi", "-i", Picture, "-f", "lavfi", "-i", Tone],
            ["-bf", "3", "-g", "60", "-ar", "48000", "-ac", "2"], 0 },
        { "29.97 fps, irregular keyframes, 44.1 kHz", ["-f", "lavfi", "-i", Ntsc, "-f", "lavfi", "-i", Tone],
            ["-bf", "0", "-force_key_frames", "0.7,1.1,4,4.2,7.9", "-ar", "44100"], 90_000 },
        { "video alone", ["-f", "lavfi", "-i", Picture], ["-bf", "2", "-g", "45"], 0 },
        { "audio alone", ["-f", "lavfi", "-i", Tone], ["-ar", "44100", "-ac", "2"], 0 },
        { "over the wrap of the clock", ["-f", "lavfi", "-i", Picture, "-f", "lavfi", "-i", Tone],
            ["-bf", "2", "-g", "60", "-ar", "48000"], (1L << 33) - 126_000 - 450_000 },
    };

    [Theory]
    [MemberData(nameof(Media))]
    public async Task Joined_segments_are_clean_and_complete(string name, string[] input, string[] coding, long start)
    {
        Assert.NotEmpty(name);
        var source = Path.Combine(_folder, "source.flv");
        await FfmpegAsync(
        [
            .. input, .. coding, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", source,
        ]);
        var joined = Path.Combine(_folder, "joined.ts");
        var units = FlvUnits.Read(await File.ReadAllBytesAsync(source, Token), start);
        // From 27 on: the tables' counter wraps among these segments too.
        await File.WriteAllBytesAsync(joined, units.JoinedSegments(firstMsn: 27), Token);

        Assert.Equal("", await FfmpegAsync(["-i", joined, "-f", "null", "-"]));
        Assert.Equal("", (await ForeignProgram.RunAsync(
            "ffprobe", ["-v", "warning", "-show_packets", "-of", "compact", joined], Token)).Error);
        foreach (var track in units.Tracks)
            Assert.Equal(await FramesAsync(source, track.IsVideo), await FramesAsync(joined, track.IsVideo));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<string> FfmpegAsync(string[] arguments) =>
        (await ForeignProgram.RunAsync("ffmpeg", ["-v", "warning", "-nostdin", .. arguments], Token)).Error;

    /// <summary>A hash of every decoded picture, or of all sound.</summary>
    private async Task<string> FramesAsync(string file, bool video)
    {
        var output = Path.Combine(_folder, "frames");
        string[] what = video
            ? ["-map", "0:v", "-fps_mode", "passthrough", "-f", "framehash"]
            : ["-map", "0:a", "-f", "hash"];
        await ForeignProgram.RunAsync("ffmpeg", ["-v", "error", "-y", "-copyts", "-i", file, .. what, output], Token);
        var lines = (await File.ReadAllLinesAsync(output, Token)).Where(l => !l.StartsWith('#'));
        return string.Join('\n', lines.Select(l => l.Split(',', StringSplitOptions.TrimEntries)[^1]));
    }
}
