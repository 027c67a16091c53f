using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>
/// ffmpeg and ffprobe have nothing to say of our segments, one by one, joined, and through their playlist.
/// </summary>
public sealed class JudgeTests : IDisposable
{
    /// <summary>Above 2^33: transport stream clocks have wrapped once already.</summary>
    private const long LateOrigin = (1L << 33) + 90_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-judge").FullName;

    public static TheoryData<string, Container> Cases => new(
        from media in MadeMedia.All.Concat(MadeMedia.OnlyFmp4)
        from container in (Container[])[Container.Fmp4, Container.Ts]
        where container == Container.Fmp4 || !MadeMedia.OnlyFmp4.Contains(media)
        select (media.Name, container));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Nothing_is_wrong_with_it(string name, Container container)
    {
        var media = MadeMedia.All.Concat(MadeMedia.OnlyFmp4).Single(media => media.Name == name);
        var messages = await media.MakeAsync(_folder, Cancel);
        var records = Stamping.Stamp(messages, container == Container.Fmp4 ? LateOrigin : 0);
        var segments = Package(records, container);
        Assert.True(segments.Count >= 2);
        if (media.HasWallClock && container == Container.Ts)
            Assert.Equal(MadeMedia.FirstUtcMs, segments[0].Record.ProgramDateTimeMs);
        var ending = container == Container.Ts ? ".ts" : ".mp4";

        var joined = Path.Combine(_folder, "joined" + ending);
        await File.WriteAllBytesAsync(joined, Joined(segments), Cancel);
        await JudgeAsync(joined, UnitsOf(records, segments), TracksOf(records));

        foreach (var segment in segments)
        {
            var single = Path.Combine(_folder, segment.Record.Msn + ending);
            await File.WriteAllBytesAsync(single, [.. segment.MapBytes.Span, .. segment.Bytes.Span], Cancel);
            await JudgeAsync(single, UnitsOf(records, segment.Record.Msn), TracksOf(records));
        }

        await JudgePlaylistAsync(segments, records);
    }

    [Fact]
    public async Task Transport_stream_clocks_may_wrap_between_and_inside_segments()
    {
        var messages = await MadeMedia.All[0].MakeAsync(_folder, Cancel);
        // The PTS written is 1.4 s above media time: this wraps three seconds into the recording.
        var records = Stamping.Stamp(messages, (1L << 33) - 126_000 - 270_000);
        var segments = Package(records, Container.Ts);
        var joined = Path.Combine(_folder, "joined.ts");
        await File.WriteAllBytesAsync(joined, Joined(segments), Cancel);
        await JudgeAsync(joined, UnitsOf(records, segments), TracksOf(records));
    }

    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public async Task The_judge_is_not_deaf(Container container)
    {
        var messages = await MadeMedia.All[0].MakeAsync(_folder, Cancel);
        var records = Stamping.Stamp(messages, 0);
        var segments = Package(records, container);
        var media = segments[0].Bytes.ToArray();
        var file = Path.Combine(_folder, "damaged" + (container == Container.Ts ? ".ts" : ".mp4"));
        // One packet is gone; or sixteen bytes of a picture are others.
        if (container == Container.Ts) media = [.. media.AsSpan(0, 188 * 40), .. media.AsSpan(188 * 41)];
        else media.AsSpan(media.Length / 2, 16).Fill(0xA5);
        await File.WriteAllBytesAsync(file, [.. segments[0].MapBytes.Span, .. media], Cancel);
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(
            () => JudgeAsync(file, UnitsOf(records, segments[0].Record.Msn), TracksOf(records)));
    }

    private static List<PackagedSegment> Package(IEnumerable<FeedRecord> records, Container container)
    {
        using var packager = new HlsPackager(container);
        var segments = new List<PackagedSegment>();
        foreach (var record in records)
        {
            packager.Add(record, out var segment);
            if (segment is not null) segments.Add(segment);
        }

        return segments;
    }

    private static ImmutableArray<TrackConfig> TracksOf(IEnumerable<FeedRecord> records) =>
        records.First(record => record.Begin is not null).Begin!.Tracks;

    private static byte[] Joined(List<PackagedSegment> segments) =>
        [.. segments[0].MapBytes.Span, .. segments.SelectMany(segment => segment.Bytes.ToArray())];

    /// <summary>Not those of a tail that was too short to become a segment.</summary>
    private static IEnumerable<FeedRecord> UnitsOf(List<FeedRecord> records, List<PackagedSegment> segments) =>
        segments.SelectMany(segment => UnitsOf(records, segment.Record.Msn));

    private static IEnumerable<FeedRecord> UnitsOf(IEnumerable<FeedRecord> records, long msn) => records
        .SkipWhile(record => record.Begin?.Msn != msn)
        .Skip(1)
        .TakeWhile(record => record.Kind == FeedRecordKind.AccessUnit);

    /// <summary>Both programs are silent, and every access unit is there and comes out as a frame.</summary>
    private static async Task JudgeAsync(string file, IEnumerable<FeedRecord> units, IEnumerable<TrackConfig> tracks)
    {
        string[] decode = ["-v", "warning", "-i", file, "-f", "null", "-"];
        var (_, decoding) = await ForeignProgram.RunAsync("ffmpeg", decode, Cancel);
        Assert.Equal("", decoding);
        string[] arguments =
        [
            "-v", "warning", "-count_packets", "-count_frames", "-show_entries",
            "stream=codec_type,nb_read_packets,nb_read_frames", "-of", "csv=p=0", file,
        ];
        var (streams, probing) = await ForeignProgram.RunAsync("ffprobe", arguments, Cancel);
        Assert.Equal("", probing);
        var counts = units.CountBy(record => record.AccessUnit.TrackId).ToDictionary();
        var expected = tracks.Select(track =>
            $"{(track.IsVideo ? "video" : "audio")},{counts[track.TrackId]},{counts[track.TrackId]}");
        // A transport stream's streams are said once more within their program.
        var lines = streams.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var actual = lines.Select(line => line.TrimEnd(',')).Distinct();
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    private async Task JudgePlaylistAsync(List<PackagedSegment> segments, List<FeedRecord> records)
    {
        StreamIndex? index = null;
        foreach (var segment in segments)
        {
            index = segment.AppendTo(index, TimeSpan.FromMinutes(1));
            if (segment.Map is { } map)
                await File.WriteAllBytesAsync(Path.Combine(_folder, map.Uri), segment.MapBytes, Cancel);
            await File.WriteAllBytesAsync(Path.Combine(_folder, segment.Record.Uri), segment.Bytes, Cancel);
        }

        var playlist = Path.Combine(_folder, "index.m3u8");
        await File.WriteAllBytesAsync(playlist, [.. PlaylistBuilder.Media(index!), .. "#EXT-X-ENDLIST\n"u8], Cancel);
        await JudgeAsync(playlist, UnitsOf(records, segments), TracksOf(records));
    }
}
