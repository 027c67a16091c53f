using System.Text;
using System.Text.Json.Nodes;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>A stream with several audio tracks: several playlists of one index.</summary>
public sealed class RenditionTests
{
    public static readonly TheoryData<string, Action<JsonObject>> Lies = new()
    {
        { "parts", o => Parts(o).Clear() },
        { "parts", o => Parts(o).Add(null) },
        { "not a playlist's name", o => Parts(o)[3]!["playlist"] = "master.m3u8" },
        { "not a playlist's name", o => Parts(o)[3]!["playlist"] = "../audio-1.m3u8" },
        { "not a playlist's name", o => Parts(o)[3]!["playlist"] = "1.m4s" },
        { "two of one playlist", o => Parts(o)[3]!["playlist"] = "audio-0.m3u8" },
        { "outside of the object", o => Parts(o)[3]!["offset"] = -1 },
        { "outside of the object", o => Parts(o)[3]!["bytes"] = 0 },
        { "outside of the object", o => Parts(o)[3]!["bytes"] = 101 },
        { "outside of the object", o => Parts(o)[3]!["offset"] = int.MaxValue },
        { "map that is not listed", o => Parts(o)[3]!["map_uri"] = "init-00000000.mp4" },
        { "gap with bytes", o => (o["segments"]![1]!["gap"], o["segments"]![1]!["bytes"]) = (true, 0) },
        { "variant_uri", o => o["audio"]!["variant_uri"] = "video.m3u8\n#EXT-X-ENDLIST" },
        { "renditions", o => o["audio"]!["renditions"] = new JsonArray() },
        { "name", o => Rendition(o)["name"] = "a\",URI=\"http://elsewhere" },
        { "name", o => Rendition(o)["name"] = "a\nb" },
        { "two of one name", o => Rendition(o)["name"] = "Audio 1" },
        { "language", o => Rendition(o)["language"] = "e\"n" },
        { "channels", o => Rendition(o)["channels"] = -1 },
        { "playlist", o => Rendition(o)["uri"] = "http://elsewhere/audio-1.m3u8" },
    };

    private static readonly AudioGroup Audio = new("video.m3u8",
    [
        new AudioRendition("Audio 1", 2, "audio-0.m3u8"),
        new AudioRendition("Português", 6, "audio-1.m3u8", "pt-BR"),
        new AudioRendition("Audio 3", 1, "audio-2.m3u8"),
    ]);

    [Theory]
    [InlineData("index")]
    [InlineData("video")]
    [InlineData("audio-1")]
    public void Each_playlist_is_as_in_its_golden_file(string playlist) =>
        AssertGolden($"renditions-{playlist}", PlaylistBuilder.Media(Changing(), playlist + ".m3u8"));

    [Fact]
    public void The_multivariant_playlist_is_as_in_its_golden_file() =>
        AssertGolden("renditions-multivariant", PlaylistBuilder.Multivariant(Changing()));

    /// <summary>Section 6.2.4: the same target duration, and the same discontinuities at the same numbers.</summary>
    [Fact]
    public void Playlists_agree_on_every_number_they_share()
    {
        var index = Changing();
        var main = Parse(index, "index.m3u8");
        foreach (var name in (string[])["video.m3u8", "audio-0.m3u8", "audio-1.m3u8", "audio-2.m3u8"])
        {
            var other = Parse(index, name);
            Assert.Equal(main.TargetDurationSeconds, other.TargetDurationSeconds);
            Assert.Equal(main.NextMediaSequence, other.NextMediaSequence);
            var skipped = (int)(other.MediaSequence - main.MediaSequence);
            var before = main.Segments.Take(skipped).Count(segment => segment.Discontinuity);
            Assert.Equal(main.DiscontinuitySequence + before, other.DiscontinuitySequence);
            foreach (var (ours, theirs) in main.Segments.Skip(skipped).Zip(other.Segments))
            {
                Assert.Equal(
                    (ours.Uri, ours.Duration, ours.ProgramDateTime, ours.Discontinuity),
                    (theirs.Uri, theirs.Duration, theirs.ProgramDateTime, theirs.Discontinuity));
                Assert.True(theirs.Gap || !ours.Gap);
            }
        }
    }

    [Fact]
    public void Bandwidth_counts_what_a_viewer_fetches()
    {
        var index = Append(null, WithParts(Record(BaseMsn, 0, bytes: 1000)), audio: Audio);
        // 700 bytes of pictures and 150 of the largest sound in two seconds.
        Assert.Equal(850 * 4, index.Variant.Bandwidth);
    }

    [Fact]
    public void Records_are_equal_by_what_they_say()
    {
        var one = WithParts(Record(BaseMsn, 0));
        Assert.Equal(one, WithParts(Record(BaseMsn, 0)));
        Assert.Equal(one.GetHashCode(), WithParts(Record(BaseMsn, 0)).GetHashCode());
        Assert.NotEqual(one, one with { Parts = null });
        Assert.NotEqual(one, one with { Parts = new SegmentParts([.. one.Parts!.SkipLast(1)]) });
    }

    [Fact]
    public void An_index_with_renditions_comes_back_as_it_was()
    {
        var index = Changing();
        var json = StreamIndexJson.Write(index);
        var read = StreamIndexJson.Read(json);
        Assert.Equal(index.Segments, read.Segments);
        Assert.Equal(json, StreamIndexJson.Write(read));
        foreach (var playlist in index.MediaPlaylists)
            Assert.Equal(PlaylistBuilder.Media(index, playlist), PlaylistBuilder.Media(read, playlist));
    }

    [Fact]
    public void An_index_without_them_does_not_speak_of_them()
    {
        var json = Encoding.UTF8.GetString(StreamIndexJson.Write(Index()));
        Assert.DoesNotContain("parts", json, StringComparison.Ordinal);
        Assert.DoesNotContain("audio", json, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Lies))]
    public void A_lie_is_found(string where, Action<JsonObject> lie)
    {
        var index = Append(null, WithParts(Record(BaseMsn, 0)), audio: Audio);
        index = Append(index, WithParts(Record(BaseMsn + 1, 180_000)), audio: Audio);
        var json = JsonNode.Parse(StreamIndexJson.Write(index))!.AsObject();
        lie(json);
        var bytes = Encoding.UTF8.GetBytes(json.ToJsonString());
        var fault = Assert.Throws<FormatException>(() => StreamIndexJson.Read(bytes));
        Assert.Contains(where, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Tracks come in mid-stream, one is missing in a segment, and one segment is lost.</summary>
    internal static StreamIndex Changing()
    {
        var index = Index(count: 2);
        index = Append(index, WithParts(Record(
            BaseMsn + 2, 360_000, discontinuity: true, discontinuitySequence: 1)), audio: Audio);
        var silent = WithParts(Record(BaseMsn + 3, 540_000, discontinuitySequence: 1));
        silent = silent with
        {
            Parts = new SegmentParts([.. silent.Parts!.Where(part => part.Playlist != "audio-1.m3u8")]),
        };
        index = Append(index, silent, audio: Audio);
        var gap = Record(BaseMsn + 4, 720_000, discontinuitySequence: 1) with { Gap = true, Bytes = 0 };
        index = Append(index, gap, audio: Audio);
        return Append(index, WithParts(Record(BaseMsn + 5, 900_000, discontinuitySequence: 1)), audio: Audio);
    }

    private static SegmentRecord WithParts(SegmentRecord record) => record with
    {
        Parts = new SegmentParts(
        [
            new SegmentPart("video.m3u8", 0, 700, "init-0000000a.mp4"),
            new SegmentPart("audio-0.m3u8", 700, 100, "init-0000000b.mp4"),
            new SegmentPart("index.m3u8", 0, 800, record.MapUri),
            new SegmentPart("audio-1.m3u8", 800, 100, "init-0000000b.mp4"),
            new SegmentPart("audio-2.m3u8", 850, 150, "init-0000000c.mp4"),
        ]),
    };

    private static JsonArray Parts(JsonObject index)
    {
        index["segments"]![1]!["bytes"] = 900;
        var parts = index["segments"]![1]!["parts"]!.AsArray();
        parts.RemoveAt(4);
        return parts;
    }

    private static JsonNode Rendition(JsonObject index) => index["audio"]!["renditions"]![1]!;

    private static MediaPlaylist Parse(StreamIndex index, string name) =>
        PlaylistReader.ParseMedia(Encoding.UTF8.GetString(PlaylistBuilder.Media(index, name)));

    private static void AssertGolden(string name, byte[] actual)
    {
        var text = Encoding.UTF8.GetString(actual);
        Assert.Equal(GoldenFile.Expected(name + ".m3u8", text), text);
    }
}
