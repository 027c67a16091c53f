using System.Globalization;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>ffmpeg and ffprobe have nothing to say of any playlist of a stream with several audio tracks.</summary>
public sealed class TracksJudgeTests : IDisposable
{
    private const int Seconds = 12;

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-tracks").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public async Task Every_rendition_decodes_and_lies_where_the_pictures_do(Container container)
    {
        var index = await PackageAsync(await MessagesAsync(), container);
        Assert.Equal(["audio-0.m3u8", "audio-1.m3u8", "audio-2.m3u8"],
            index.Audio!.Renditions.Select((rendition, number) => rendition.Uri ?? $"audio-{number}.m3u8"));

        var main = await ProbeAsync("index.m3u8");
        Assert.Equal(["audio", "video"], main.Keys.Order(StringComparer.Ordinal));
        const double frame = 1024 / 44100.0;
        if (container == Container.Fmp4)
        {
            var (name, times) = Assert.Single(await ProbeAsync("video.m3u8"));
            Assert.Equal("video", name);
            Assert.Equal(main["video"], times);
        }

        string[] alone = container == Container.Fmp4 ? ["audio-0", "audio-1", "audio-2"] : ["audio-1", "audio-2"];
        foreach (var playlist in alone)
        {
            var (name, times) = Assert.Single(await ProbeAsync(playlist + ".m3u8"));
            Assert.Equal("audio", name);
            Assert.Equal(main["audio"].Start.TotalSeconds, times.Start.TotalSeconds, frame);
            Assert.Equal(main["audio"].Length.TotalSeconds, times.Length.TotalSeconds, frame);
        }
    }

    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public async Task Whoever_listens_to_a_track_that_goes_hears_the_first(Container container)
    {
        var messages = (await MessagesAsync()).Where(message =>
            message.Timestamp < 5000 || message.Payload.Span is not [0x95, ..]).ToList();
        await PackageAsync(messages, container);
        // ffmpeg takes no second EXT-X-MAP, so the track that goes is coded as the first one is.
        var times = Assert.Single(await ProbeAsync("audio-2.m3u8")).Value;
        var main = (await ProbeAsync("index.m3u8"))["audio"];
        Assert.Equal(main.Length.TotalSeconds, times.Length.TotalSeconds, 1024 / 44100.0);
        Assert.DoesNotContain("EXT-X-GAP", await File.ReadAllTextAsync(PathOf("audio-2.m3u8"), Cancel));

        // 2000 Hz up to the fifth second, the first track's 1000 Hz from the sixth on.
        Assert.True(await LevelAsync("audio-2.m3u8", 1000, from: 0.5) < -50);
        Assert.True(await LevelAsync("audio-2.m3u8", 1000, from: 8.5) > -30);
    }

    /// <summary>Pictures with a first sound of 1000 Hz, 440 Hz in mono at 44.1 kHz, 2000 Hz as the first is coded.</summary>
    private async Task<List<MediaMessage>> MessagesAsync()
    {
        var all = await EncodeAsync(
            "-f lavfi -i testsrc2=size=322x182:rate=30 -f lavfi -i sine=frequency=1000:sample_rate=48000",
            "-pix_fmt yuv420p -c:v libx264 -bf 2 -g 60 -c:a aac -ac 2");
        // Behind the first picture by what B-frames shift it.
        var start = all.First(message => message is { Type: RtmpMessageType.Audio, Payload.Span: [_, 1, ..] }).Timestamp;
        all.AddRange(await TrackAsync(1, 440, "-ar 44100 -ac 1", start));
        all.AddRange(await TrackAsync(2, 2000, "-ar 48000 -ac 2", start));
        return [.. all.OrderBy(message => message.Timestamp)];
    }

    private async Task<IEnumerable<MediaMessage>> TrackAsync(byte track, int frequency, string options, uint start)
    {
        var sound = await EncodeAsync($"-f lavfi -i sine=frequency={frequency}:sample_rate=48000", $"-c:a aac {options}");
        return sound.Where(message => message.Type == RtmpMessageType.Audio).Select(message => message with
        {
            Timestamp = message.Timestamp + start,
            Payload = MultitrackAudio.OneTrack(
                message.Payload.Span[1] == 0, new TrackBody(track, "mp4a", message.Payload[2..].ToArray())),
        });
    }

    private async Task<List<MediaMessage>> EncodeAsync(string input, string options)
    {
        var file = Path.Combine(_folder, "encoded.flv");
        await ForeignProgram.RunAsync(
            "ffmpeg", $"-v error -y {input} -t {Seconds} {options} -f flv {file}".Split(' '), Cancel);
        ReadOnlyMemory<byte> rest = await File.ReadAllBytesAsync(file, Cancel);
        var reader = new FlvReader();
        var messages = new List<MediaMessage>();
        while (reader.TryRead(ref rest, out var message))
            messages.Add(message with { Payload = message.Payload.ToArray() });
        return messages;
    }

    private async Task<StreamIndex> PackageAsync(List<MediaMessage> messages, Container container)
    {
        using var packager = new HlsPackager(container);
        StreamIndex? index = null;
        foreach (var record in Stamping.Stamp(messages, 0))
        {
            packager.Add(record, out var segment);
            // The last one ends with the sound, not at a keyframe.
            if (segment is not { Record.Duration: 180_000 }) continue;
            index = segment.AppendTo(index, TimeSpan.FromMinutes(1));
            await File.WriteAllBytesAsync(PathOf(segment.Record.Uri), segment.Bytes, Cancel);
            foreach (var map in segment.Maps)
                await File.WriteAllBytesAsync(PathOf(map.Record.Uri), map.Bytes, Cancel);
        }

        foreach (var playlist in index!.MediaPlaylists)
        {
            await File.WriteAllBytesAsync(
                PathOf(playlist), [.. PlaylistBuilder.Media(index, playlist), .. "#EXT-X-ENDLIST\n"u8], Cancel);
        }

        return index;
    }

    /// <summary>Both programs are silent; start and length of each kind of track.</summary>
    private async Task<Dictionary<string, (TimeSpan Start, TimeSpan Length)>> ProbeAsync(string playlist)
    {
        string[] decode = ["-v", "warning", "-i", PathOf(playlist), "-f", "null", "-"];
        var (_, decoding) = await ForeignProgram.RunAsync("ffmpeg", decode, Cancel);
        Assert.Equal("", decoding);
        string[] arguments =
        [
            "-v", "warning", "-show_entries", "packet=codec_type,pts_time,duration_time", "-of", "csv=p=0",
            PathOf(playlist),
        ];
        var (packets, probing) = await ForeignProgram.RunAsync("ffprobe", arguments, Cancel);
        Assert.Equal("", probing);
        return packets.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(','))
            .Select(line => (Kind: line[0], Start: SecondsOf(line[1]), End: SecondsOf(line[1]) + SecondsOf(line[2])))
            .GroupBy(packet => packet.Kind)
            .ToDictionary(
                kind => kind.Key,
                kind => (
                    TimeSpan.FromSeconds(kind.Min(p => p.Start)),
                    TimeSpan.FromSeconds(kind.Max(p => p.End) - kind.Min(p => p.Start))));
    }

    /// <summary>How loud a frequency is in a second from there on, in dB below full scale.</summary>
    private async Task<double> LevelAsync(string playlist, int frequency, double from)
    {
        string[] arguments =
        [
            "-v", "info", "-i", PathOf(playlist), "-af",
            string.Create(
                CultureInfo.InvariantCulture,
                $"atrim=start={from}:end={from + 1},bandpass=f={frequency}:width_type=h:w=20,volumedetect"),
            "-f", "null", "-",
        ];
        var (_, said) = await ForeignProgram.RunAsync("ffmpeg", arguments, Cancel);
        var level = said.Split("mean_volume: ")[1].Split(' ')[0];
        return double.Parse(level, CultureInfo.InvariantCulture);
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private static double SecondsOf(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out var seconds) ? seconds : 0;
}
