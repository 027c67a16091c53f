using System.Globalization;
using System.Text;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

public sealed class PlaylistBuilderTests
{
    [Fact]
    public void A_media_playlist_is_as_in_the_golden_file()
    {
        var index = Index(count: 3);
        index = Append(index, Record(BaseMsn + 3, 540_000, 45_045));
        const string map = "init-ffffffff.mp4";
        index = Append(index, Record(BaseMsn + 4, 900_000, discontinuity: true, discontinuitySequence: 1, map: map));
        var gap = Record(BaseMsn + 5, 1_080_000, discontinuitySequence: 1, map: map) with { Gap = true, Bytes = 0 };
        index = Append(index, gap);
        index = Append(index, Record(BaseMsn + 6, 1_260_000, 224_999, discontinuitySequence: 1, map: map));
        AssertGolden("media", PlaylistBuilder.Media(index));
    }

    [Fact]
    public void A_playlist_of_transport_stream_segments_has_no_map()
    {
        var index = Append(null, Record(BaseMsn, 0, map: null) with { Uri = $"{BaseMsn}.ts" });
        var second = Record(BaseMsn + 1, 180_000, map: null, independent: false);
        index = Append(index, second with { Uri = $"{BaseMsn + 1}.ts" });
        AssertGolden("media-ts", PlaylistBuilder.Media(index));
    }

    [Fact]
    public void A_multivariant_playlist_is_as_in_the_golden_file()
    {
        var index = Index(count: 3);
        AssertGolden("multivariant", PlaylistBuilder.Multivariant(
            index with { Variant = index.Variant with { FrameRate = 30000 / 1001.0 } }));
    }

    [Fact]
    public void Audio_alone_has_neither_size_nor_rate()
    {
        var index = Index(count: 3);
        var audio = index.Variant with { Codecs = "mp4a.40.2", Width = 0, Height = 0, FrameRate = 0 };
        var text = Encoding.UTF8.GetString(PlaylistBuilder.Multivariant(index with { Variant = audio }));
        Assert.Contains("CODECS=\"mp4a.40.2\"\nindex.m3u8\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_discontinuity_is_counted_when_its_tag_has_left()
    {
        StreamIndex? index = null;
        for (var i = 0; i < 40; i++)
        {
            // Every fifth segment starts with a discontinuity, so the count at segment i is i / 5.
            var discontinuity = i % 5 == 0 && i > 0;
            index = Append(index, Record(
                BaseMsn + i, i * 180_000, discontinuity: discontinuity, discontinuitySequence: i / 5));
            var playlist = Parse(index);
            var count = playlist.DiscontinuitySequence!.Value;
            foreach (var (segment, record) in playlist.Segments.Zip(index.Segments))
            {
                count += segment.Discontinuity ? 1 : 0;
                Assert.Equal(record.DiscontinuitySequence, count);
            }
        }
    }

    [Theory]
    [InlineData(180_000, "2.000")]
    [InlineData(180_090, "2.001")]
    [InlineData(180_180, "2.002")]
    [InlineData(150_150, "1.668333")] // 50 frames at 29.97 fps
    [InlineData(224_999, "2.499988")] // rounds to 2, the target
    [InlineData(1, "0.000011")]
    public void A_duration_is_exact_in_milliseconds_and_never_rounded_up(long duration, string text)
    {
        var playlist = Encoding.UTF8.GetString(PlaylistBuilder.Media(Append(null, Record(BaseMsn, 0, duration))));
        Assert.Contains($"#EXTINF:{text},\n", playlist, StringComparison.Ordinal);
    }

    [Fact]
    public void The_culture_of_the_process_does_not_show()
    {
        var expected = PlaylistBuilder.Media(Index());
        var before = CultureInfo.CurrentCulture;
        try
        {
            var odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            odd.NumberFormat.NumberDecimalSeparator = ",";
            odd.NumberFormat.NegativeSign = "~";
            odd.DateTimeFormat.TimeSeparator = ".";
            CultureInfo.CurrentCulture = odd;
            Assert.Equal(expected, PlaylistBuilder.Media(Index()));
            var json = StreamIndexJson.Write(Index());
            Assert.Equal(json, StreamIndexJson.Write(StreamIndexJson.Read(json)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>
    /// Section 6.2.1 lets a playlist lose lines at the front and gain some at the end; no line may change.
    /// </summary>
    [Fact]
    public void What_is_said_of_a_segment_never_changes()
    {
        StreamIndex? index = null;
        var said = new Dictionary<string, MediaSegment>(StringComparer.Ordinal);
        for (var i = 0; i < 60; i++)
        {
            index = Append(index, Record(
                BaseMsn + i, i * 180_000, discontinuity: i == 30, discontinuitySequence: i / 30));
            foreach (var read in Parse(index).Segments)
            {
                // Arrays compare by reference; these are all empty.
                var segment = read with { Keys = [], Parts = [], OtherTags = [] };
                Assert.Equal(said.GetValueOrDefault(segment.Uri, segment), segment);
                said[segment.Uri] = segment;
            }
        }
    }

    private static MediaPlaylist Parse(StreamIndex index) =>
        PlaylistReader.ParseMedia(Encoding.UTF8.GetString(PlaylistBuilder.Media(index)));

    private static void AssertGolden(string name, byte[] actual)
    {
        var text = Encoding.UTF8.GetString(actual);
        Assert.Equal(GoldenFile.Expected(name + ".m3u8", text), text);
    }
}
