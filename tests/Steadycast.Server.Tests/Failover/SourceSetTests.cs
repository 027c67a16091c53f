using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Failover;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Multivariant playlists of other makes: what is followed, and which of two ladders' rungs are the same.</summary>
public sealed class SourceSetTests
{
    private const string Two =
        """
        #EXTM3U
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",DEFAULT=YES,LANGUAGE="en",URI="en/index.m3u8"
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Português",LANGUAGE="pt",URI="pt/index.m3u8"
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC1",INSTREAM-ID="CC1"
        #EXT-X-STREAM-INF:BANDWIDTH=5000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="aac",CLOSED-CAPTIONS="cc"
        high/index.m3u8
        #EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,AUDIO="aac"
        low/index.m3u8?token=1
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100000,URI="iframes.m3u8"
        """;

    [Fact]
    public void Addresses_are_made_whole_and_each_playlist_gets_a_name_of_ours()
    {
        SourceSet set = Read(Two);

        Assert.Equal(
            ["/live/high/index.m3u8", "/live/low/index.m3u8?token=1", "/live/en/index.m3u8", "/live/pt/index.m3u8"],
            set.Addresses.Select(a => a.PathAndQuery));
        Assert.Equal(["index.m3u8", "variant-2.m3u8", "audio-1.m3u8", "audio-2.m3u8"], set.Playlists!.Names);
        Assert.True(set.IndependentSegments);
        string master = PlaylistWriter.Write(new MultivariantPlaylist
        {
            Version = 6,
            Variants = set.Playlists.Variants,
            Renditions = set.Playlists.Renditions,
        });
        Assert.Contains(
            "BANDWIDTH=5000000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,AUDIO=\"aac\",CLOSED-CAPTIONS=\"cc\"",
            master,
            StringComparison.Ordinal);
        Assert.Contains("TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC1\",INSTREAM-ID=\"CC1\"", master, StringComparison.Ordinal);
    }

    [Fact]
    public void A_playlist_that_two_variants_share_is_followed_once_and_a_spare_copy_not_at_all()
    {
        SourceSet set = Read(
            """
            #EXTM3U
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="hi",NAME="a",URI="hi.m3u8"
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="a",URI="lo.m3u8"
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="nobody",NAME="a",URI="nobody.m3u8"
            #EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO="hi"
            v.m3u8
            #EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO="hi"
            http://spare/v.m3u8
            #EXT-X-STREAM-INF:BANDWIDTH=800,AUDIO="lo"
            v.m3u8
            """);

        Assert.Equal(["/live/v.m3u8", "/live/hi.m3u8", "/live/lo.m3u8"], set.Addresses.Select(a => a.AbsolutePath));
        Assert.Equal(["index.m3u8", "index.m3u8"], set.Playlists!.Variants.Select(v => v.Uri));
    }

    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"a.m3u8\"\n", "lists no variants")]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://elsewhere/a.m3u8\n", "on another server")]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd\n", "on another server")]
    public void What_cannot_be_followed_says_why(string text, string why) =>
        Assert.Contains(why, Assert.ThrowsAny<FormatException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void More_playlists_than_a_ladder_can_have_are_refused()
    {
        IEnumerable<string> lines = Enumerable.Range(1, 33).Select(i => $"#EXT-X-STREAM-INF:BANDWIDTH={i}\n{i}.m3u8\n");

        var refusal = Assert.Throws<FormatException>(() => Read("#EXTM3U\n" + string.Concat(lines)));
        Assert.Equal("it has more than 32 media playlists", refusal.Message);
    }

    /// <summary>What the second origin offers, and which of its playlists stand for the first one's, in its order.</summary>
    public static TheoryData<string, int[]> Alike => new()
    {
        { Two, [0, 1, 2, 3] },
        { Reordered, [1, 0, 3, 2] },
        { Two.Replace("RESOLUTION=1280x720,", "", StringComparison.Ordinal), [0, 1, 2, 3] },
        { Two.Replace("BANDWIDTH=5000000", "BANDWIDTH=2000000", StringComparison.Ordinal), [0, 1, 2, 3] },
        { Two.Replace("GROUP-ID=\"aac\"", "GROUP-ID=\"x\"", StringComparison.Ordinal).Replace("AUDIO=\"aac\"", "AUDIO=\"x\"", StringComparison.Ordinal), [0, 1, 2, 3] },
    };

    [Theory]
    [MemberData(nameof(Alike))]
    public void Rungs_are_known_by_size_codecs_and_bandwidth_and_renditions_by_type_and_name(string other, int[] order) =>
        Assert.Equal(order, Read(other).Match(Read(Two).Playlists));

    [Fact]
    public void Of_two_rungs_of_one_size_the_nearer_bandwidth_is_the_same()
    {
        const string text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=8000,RESOLUTION=2x2\na\n#EXT-X-STREAM-INF:BANDWIDTH=5000,RESOLUTION=2x2\nb\n";
        const string other = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5200,RESOLUTION=2x2\na\n#EXT-X-STREAM-INF:BANDWIDTH=7900,RESOLUTION=2x2\nb\n";

        Assert.Equal([1, 0], Read(other).Match(Read(text).Playlists));
    }

    [Fact]
    public void One_rung_does_not_stand_for_two()
    {
        const string rung = "#EXT-X-STREAM-INF:BANDWIDTH=5000,RESOLUTION=2x2\na\n";
        SourceSet two = Read($"#EXTM3U\n{rung}#EXT-X-STREAM-INF:BANDWIDTH=8000,RESOLUTION=2x2\nb\n");
        SourceSet other = Read($"#EXTM3U\n{rung}#EXT-X-STREAM-INF:BANDWIDTH=8000,RESOLUTION=4x4\nb\n");

        var refusal = Assert.Throws<FormatException>(() => other.Match(two.Playlists));
        Assert.Equal("it has nothing like the variant of 8 kb/s, 2x2", refusal.Message);
    }

    [Theory]
    [InlineData("RESOLUTION=640x360", "RESOLUTION=640x480", "the variant of 800 kb/s, 640x360, avc1.64001e,mp4a.40.2")]
    [InlineData("avc1.64001e", "hvc1.1.6.L93", "the variant of 800 kb/s, 640x360, avc1.64001e,mp4a.40.2")]
    [InlineData("NAME=\"English\"", "NAME=\"Español\"", "the rendition AUDIO English")]
    [InlineData(",URI=\"en/index.m3u8\"", "", "the variant of 5000 kb/s, 1280x720, avc1.64001f,mp4a.40.2")]
    [InlineData(",AUDIO=\"aac\"", "", "the variant of 5000 kb/s, 1280x720, avc1.64001f,mp4a.40.2")]
    public void What_is_lacking_is_named(string there, string instead, string lacking)
    {
        SourceSet other = Read(Two.Replace(there, instead, StringComparison.Ordinal));

        var refusal = Assert.Throws<FormatException>(() => other.Match(Read(Two).Playlists));
        Assert.Equal($"it has nothing like {lacking}", refusal.Message);
    }

    private static string Reordered { get; } = string.Join('\n', Two.Split('\n') is var lines
        ? [lines[0], lines[1], lines[3], lines[2], lines[4], lines[7], lines[8], lines[5], lines[6]]
        : Array.Empty<string>());

    private static SourceSet Read(string text) =>
        SourceSet.Of((MultivariantPlaylist)PlaylistReader.Parse(text), new Uri("http://origin/live/master.m3u8"));
}
