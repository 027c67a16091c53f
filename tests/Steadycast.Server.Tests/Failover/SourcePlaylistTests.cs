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

    [Fact]
    public void Several_playlists_are_one_of_the_numbers_that_all_have()
    {
        SourcePlaylist main = Read(Media(7, "a", "b", "c"));
        SourcePlaylist sound = Read(Media(8, "x", "y", "z").Replace("EXTINF:2", "EXTINF:2.4", StringComparison.Ordinal));

        SourcePlaylist joined = SourcePlaylist.Join([main, sound], independent: true);

        Assert.Equal([8, 9], joined.Segments.Select(s => s.Msn));
        Assert.Equal(["/live/x", "/live/y"], joined.Segments.Select(s => s.Companions.Single().Media.Address.AbsolutePath));
        Assert.All(joined.Segments, s => Assert.Equal((180_000, 216_000, true), (s.Duration, s.Longest, s.Independent)));
    }

    [Theory]
    [InlineData("#EXT-X-GAP")]
    [InlineData("#EXT-X-DISCONTINUITY")]
    public void What_one_playlist_says_of_a_number_is_said_of_all(string tag)
    {
        SourcePlaylist other = Read(Media(7, "x") + $"{tag}\n#EXTINF:2,\ny\n");

        SourceSegment[] joined = [.. SourcePlaylist.Join([Read(Media(7, "a", "b")), other], false).Segments];

        Assert.Equal([false, true], joined.Select(s => s.Gap || s.Discontinuity));
        Assert.All(joined, s => Assert.False(s.Independent));
    }

    [Theory]
    [InlineData(1, "00:00:00.000", "its media playlists have no number in common")]
    [InlineData(7, "00:00:01.001", "not cut alike: in one segment 7 begins 1001 ms from where it does in another")]
    public void Playlists_that_do_not_belong_together_are_refused(long msn, string time, string why)
    {
        string Dated(string at) => $"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T{at}Z\n#EXTINF:2,";
        string text = Media(7, "a").Replace("#EXTINF:2,", Dated("00:00:00.000"), StringComparison.Ordinal);
        string other = Media(msn, "a").Replace("#EXTINF:2,", Dated(time), StringComparison.Ordinal);

        var refusal = Assert.Throws<FormatException>(() => SourcePlaylist.Join([Read(text), Read(other)], false));
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
    }

    private static string Media(long msn, params string[] names) =>
        $"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{msn}\n"
        + string.Concat(names.Select(name => $"#EXTINF:2,\n{name}\n"));

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

    [Fact]
    public void A_name_in_another_playlist_says_which_one_too()
    {
        string name = SourceName.OfCompanion(
            "eu west", "audio-1.m3u8", 97_327, new string('a', 64), MediaContainer.PackedAudio);

        Assert.Equal("eu_west-audio-1-97327-aaaaaaaaaaaa.aac", name);
        Assert.Equal(MediaContainer.PackedAudio, SourceName.ContainerOf(name));
    }

    [Theory]
    [InlineData("59123456.m4s")]
    [InlineData("init-aaaaaaaaaaaa.mp4")]
    [InlineData("a-b-c.ts")]
    [InlineData("")]
    public void Names_of_another_making_are_none(string name) => Assert.False(SourceName.IsOne(name));

    private static SourcePlaylist Read(string text) => SourcePlaylist.Read(Encoding.UTF8.GetBytes(text), Address, Now);
}
