using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Hls;

namespace Steadycast.Protocols.Tests.Hls;

public sealed class PlaylistTests
{
    [Theory]
    [InlineData("low-latency")]
    [InlineData("delta-update")]
    [InlineData("byte-ranges")]
    [InlineData("keys-gaps-discontinuities")]
    [InlineData("multivariant")]
    public void A_golden_playlist_reads_and_writes_to_itself(string name)
    {
        var text = Golden(name);
        Assert.Equal(text, Write(PlaylistReader.Parse(text)));
    }

    [Fact]
    public void A_sloppy_playlist_is_understood()
    {
        var canonical = Write(PlaylistReader.Parse(Golden("sloppy")));
        Assert.Equal(Golden("sloppy.canonical"), canonical);
        Assert.Equal(canonical, Write(PlaylistReader.Parse(canonical)));
    }

    [Fact]
    public void Low_latency_tags_have_their_meaning()
    {
        var playlist = PlaylistReader.ParseMedia(Golden("low-latency"));
        Assert.Equal((266, 269), (playlist.MediaSequence, playlist.NextMediaSequence));
        Assert.Equal(0, playlist.DiscontinuitySequence);
        Assert.Equal(TimeSpan.FromSeconds(24), playlist.ServerControl!.CanSkipUntil);
        Assert.True(playlist.ServerControl.CanBlockReload);
        Assert.Equal(3, playlist.Segments[2].Parts.Length);
        Assert.All(playlist.Segments, s => Assert.Equal("init.mp4", s.Map?.Uri));
        Assert.Equal(new ByteRange(8000, 9000), playlist.TrailingParts[1].ByteRange);
        Assert.Equal(new RenditionReport("../1M/waitForMSN.php", 273, 2), playlist.RenditionReports[0]);
        Assert.Equal(17000, playlist.PreloadHints[0].ByteRangeStart);
        Assert.Equal(269 + 1, PlaylistReader.ParseMedia(Golden("delta-update")).NextMediaSequence);
    }

    [Fact]
    public void A_byte_range_without_an_offset_continues_the_one_before()
    {
        var playlist = PlaylistReader.ParseMedia(
            "#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:1,\n#EXT-X-BYTERANGE:30\na.ts\n");
        Assert.Equal(new ByteRange(30, 150), playlist.Segments[1].ByteRange);
    }

    [Fact]
    public void Keys_of_several_formats_are_in_force_together_until_NONE()
    {
        var segments = PlaylistReader.ParseMedia(Golden("keys-gaps-discontinuities")).Segments;
        Assert.Equal([2, 0, 0], segments.Select(s => s.Keys.Length));
        Assert.Equal([false, true, false], segments.Select(s => s.Gap));
        Assert.Equal([false, true, true], segments.Select(s => s.Discontinuity));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("hello", 1)]
    [InlineData("\n\n#EXT-X-VERSION:3\n#EXTM3U", 3)]
    [InlineData("#EXTM3U\n", 1)]
    [InlineData("#EXTM3U\n#EXTINF:x,\na.ts", 2)]
    [InlineData("#EXTM3U\n#EXTINF:-1,\na.ts", 2)]
    [InlineData("#EXTM3U\n#EXTINF:99999999999,\na.ts", 2)]
    [InlineData("#EXTM3U\n#EXTINF:1e3,\na.ts", 2)]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:2\na.ts", 3)]
    [InlineData("#EXTM3U\n#EXTINF:2,\na.ts\nb.ts", 4)]
    [InlineData("#EXTM3U\n#EXTINF:2,\na.ts\n#EXTINF:2,", 4)]
    [InlineData("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:2,\na.ts\n#EXT-X-MEDIA-SEQUENCE:2", 5)]
    [InlineData("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1", 2)]
    [InlineData("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:9223372036854775807", 2)]
    [InlineData("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:5\na.ts", 4)]
    [InlineData("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:9223372036854775807@1\na.ts", 3)]
    [InlineData("#EXTM3U\n#EXT-X-MAP:BYTERANGE=\"1@0\"", 2)]
    [InlineData("#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=9999999999", 2)]
    [InlineData("#EXTM3U\n#EXT-X-PART:DURATION=1", 2)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\na", 3)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", 2)]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXTINF:1,\na.ts", 4)]
    public void What_has_no_one_meaning_is_refused_with_its_line(string text, int line) =>
        Assert.Equal(line, Assert.Throws<PlaylistFormatException>(() => PlaylistReader.Parse(text)).Line);

    [Fact]
    public void Size_is_bounded()
    {
        var text = new string('x', PlaylistReader.MaxLength + 1);
        Assert.Throws<PlaylistFormatException>(() => PlaylistReader.Parse(text));
        var many = "#EXTM3U\n" + string.Concat(Enumerable.Repeat("#EXTINF:1,\na\n", PlaylistReader.MaxSegments + 1));
        Assert.Throws<PlaylistFormatException>(() => PlaylistReader.Parse(many));
        var keys = "#EXTM3U\n"
            + string.Concat(Enumerable.Range(0, 100_000).Select(i => $"#EXT-X-KEY:METHOD=X,KEYFORMAT=\"{i}\"\n"));
        Assert.Throws<PlaylistFormatException>(() => PlaylistReader.Parse(keys));
    }

    [Fact]
    public void Any_media_playlist_survives_the_text() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        var text = PlaylistWriter.Write(RandomPlaylist(new Random(seed)));
        var read = PlaylistReader.ParseMedia(text);
        Assert.Equal(text, PlaylistWriter.Write(read));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Mangled_text_is_read_or_refused_and_what_is_read_is_stable()
    {
        string[] names = ["low-latency", "keys-gaps-discontinuities", "multivariant", "sloppy"];
        var goldens = names.Select(Golden).ToArray();
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var text = goldens[seed % goldens.Length].ToCharArray().ToList();
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                var at = random.Next(text.Count);
                switch (random.Next(3))
                {
                    case 0:
                        text.RemoveRange(at, Math.Min(random.Next(20), text.Count - at));
                        break;
                    case 1:
                        text[at] = (char)random.Next(1, 300);
                        break;
                    default:
                        text.InsertRange(at, text.GetRange(at / 2, Math.Min(random.Next(40), text.Count - at / 2)));
                        break;
                }
            }

            try
            {
                var once = Write(PlaylistReader.Parse(string.Concat(text)));
                Assert.Equal(once, Write(PlaylistReader.Parse(once)));
            }
            catch (PlaylistFormatException e)
            {
                Assert.StartsWith($"line {e.Line}: ", e.Message, StringComparison.Ordinal);
            }
        }
    }

    private static string Write(Playlist playlist) => playlist switch
    {
        MediaPlaylist media => PlaylistWriter.Write(media),
        MultivariantPlaylist multivariant => PlaylistWriter.Write(multivariant),
        _ => throw new InvalidOperationException(playlist.GetType().Name),
    };

    private static string Golden(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Hls", "Golden", name + ".m3u8"));

    private static ByteRange Range(Random random) =>
        new(random.NextInt64(1L << 60), random.NextInt64(1L << 60));

    private static MediaPlaylist RandomPlaylist(Random random)
    {
        var segments = new List<MediaSegment>();
        MediaMap? map = null;
        for (var i = random.Next(20); i >= 0; i--)
        {
            if (random.Next(4) == 0)
                map = new MediaMap($"init-{i}.mp4", random.Next(2) == 0 ? null : Range(random));
            segments.Add(new MediaSegment
            {
                Uri = $"{i}.m4s",
                Duration = TimeSpan.FromTicks(random.Next(1, 200_000_000)),
                Title = random.Next(5) == 0 ? "title" : "",
                Discontinuity = random.Next(5) == 0,
                Gap = random.Next(5) == 0,
                ByteRange = random.Next(5) == 0 ? Range(random) : null,
                ProgramDateTime = random.Next(2) == 0
                    ? DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(1L << 42))
                    : null,
                Map = map,
                Keys = random.Next(5) == 0 ? [$"METHOD=AES-128,URI=\"{i}\""] : [],
                Parts = random.Next(5) == 0
                    ? [new PartialSegment("p", TimeSpan.FromTicks(random.Next(1, 9999999)))]
                    : [],
                OtherTags = random.Next(5) == 0 ? ["#EXT-X-ANY:thing", "#EXT-OTHER"] : [],
            });
        }

        return new MediaPlaylist
        {
            Version = random.Next(1, 12),
            TargetDurationSeconds = random.Next(1, 100),
            MediaSequence = random.NextInt64(1L << 53),
            DiscontinuitySequence = random.Next(2) == 0 ? null : random.NextInt64(1L << 53),
            IndependentSegments = random.Next(2) == 0,
            EndList = random.Next(2) == 0,
            Segments = [.. segments],
        };
    }
}
