using System.Text;
using Steadycast.Streaming.Failover;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Playlists of other makes: what is read out of them, and what is refused.</summary>
public sealed class SourcePlaylistTests
{
    private static readonly Uri Address = new("http://origin/live/index.m3u8?token=1");
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(100);

    [Fact]
    public void Addresses_are_made_whole_and_dates_go_on_from_the_one_that_there_is()
    {
        SourcePlaylist playlist = Read(
            """
            #EXTM3U
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:7
            #EXT-X-MAP:URI="init.mp4",BYTERANGE="700@0"
            #EXTINF:2.000,
            a.m4s
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
            #EXTINF:1.500,
            /other/b.m4s?x=1
            #EXT-X-DISCONTINUITY
            #EXTINF:2.000,
            #EXT-X-BYTERANGE:100@50
            c.m4s
            """);

        SourceSegment[] segments = [.. playlist.Segments];
        Assert.Equal([7, 8, 9], segments.Select(s => s.Msn));
        Assert.Equal("http://origin/live/a.m4s", segments[0].Media.Address.AbsoluteUri);
        Assert.Equal("http://origin/other/b.m4s?x=1", segments[1].Media.Address.AbsoluteUri);
        Assert.Equal(new(100, 50), segments[2].Media.Range);
        Assert.Equal(new(700, 0), segments[0].Map!.Range);
        long begin = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
        Assert.Equal([begin, begin + 2000, begin + 3500], segments.Select(s => s.DateMs!.Value));
        Assert.Equal([96.5, 98, 100], segments.Select(s => s.SeenAt.TotalSeconds));
        Assert.True(segments[2].Discontinuity);
    }

    [Theory]
    [InlineData("#EXTM3U\n#EXT-X-TARGETDURATION:2\n", "lists no segments")]
    [InlineData("#EXTM3U\n#EXTINF:2,\nhttp://elsewhere/a.ts\n", "on another server")]
    [InlineData("#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n", "on another server")]
    [InlineData("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na.ts\n", "encrypted")]
    [InlineData("#EXTM3U\n#EXT-X-I-FRAMES-ONLY\n#EXTINF:2,\na.ts\n", "I-frames")]
    [InlineData("#EXTM3U\n#EXTINF:5000,\na.ts\n", "out of range")]
    [InlineData("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/index.m3u8\n", "a multivariant playlist where a media playlist was expected")]
    [InlineData("<html>", "#EXTM3U")]
    public void What_cannot_be_followed_says_why(string text, string why) =>
        Assert.Contains(why, Assert.ThrowsAny<FormatException>(() => Read(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(180_000, 2)]
    [InlineData(224_999, 2)]
    [InlineData(225_000, 3)]
    [InlineData(10, 1)]
    public void Durations_round_as_players_round_them(long ticks, int seconds) =>
        Assert.Equal(seconds, SourcePlaylist.Rounded(ticks));

    [Theory]
    [InlineData("primary", "primary-97327-aaaaaaaaaaaa.ts")]
    [InlineData("eu west/1", "eu_west_1-97327-aaaaaaaaaaaa.ts")]
    [InlineData("-x", "o-x-97327-aaaaaaaaaaaa.ts")]
    [InlineData("a-12", "a-12-97327-aaaaaaaaaaaa.ts")]
    public void A_name_says_whose_segment_it_was(string origin, string expected)
    {
        string name = SourceName.Of(origin, 97_327, new string('a', 64), MediaContainer.Ts);

        Assert.Equal(expected, name);
        Assert.True(SourceName.IsOf(origin, name, out long msn));
        Assert.Equal(97_327, msn);
        Assert.False(SourceName.IsOf("other", name, out _));
    }

    [Theory]
    [InlineData("59123456.m4s")]
    [InlineData("init-aaaaaaaaaaaa.mp4")]
    [InlineData("a-b-c.ts")]
    [InlineData("")]
    public void Names_of_another_making_are_none(string name) => Assert.False(SourceName.IsOne(name));

    private static SourcePlaylist Read(string text) => SourcePlaylist.Read(Encoding.UTF8.GetBytes(text), Address, Now);
}
