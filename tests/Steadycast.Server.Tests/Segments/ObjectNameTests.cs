using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Segments;

public sealed class ObjectNameTests
{
    [Theory]
    [InlineData("59123456.m4s", true)]
    [InlineData("init-1a2b3c4d.mp4", true)]
    [InlineData("index.m3u8", false)]
    [InlineData("master.m3u8", false)]
    [InlineData("index.json", false)]
    [InlineData("audio-1.m3u8", false)]
    [InlineData("AUDIO-1.M3U8", false)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData(".hidden", false)]
    [InlineData("a/b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a b", false)]
    [InlineData("a\nb", false)]
    [InlineData("ä.m4s", false)]
    public void An_object_is_a_plain_file_name(string name, bool isObject) =>
        Assert.Equal(isObject, ObjectName.IsObject(name));

    [Theory]
    [InlineData("index.m3u8", true)]
    [InlineData("audio-1.m3u8", true)]
    [InlineData("master.m3u8", false)]
    [InlineData(".m3u8", false)]
    [InlineData("a/b.m3u8", false)]
    [InlineData("1.m4s", false)]
    public void A_media_playlist_is_one_that_ends_like_one(string name, bool isPlaylist) =>
        Assert.Equal(isPlaylist, ObjectName.IsMediaPlaylist(name));

    [Theory]
    [InlineData("live", true)]
    [InlineData("live/show", true)]
    [InlineData("live/a/b~c_d-e.f", true)]
    [InlineData("", false)]
    [InlineData("/live", false)]
    [InlineData("live/", false)]
    [InlineData("live//show", false)]
    [InlineData("live/..", false)]
    [InlineData("live/.", false)]
    [InlineData("live/.git", false)]
    [InlineData("live/1.m4s", false)]
    [InlineData("live/index.JSON", false)]
    [InlineData("live/index.m3u8", false)]
    [InlineData("live\\show", false)]
    [InlineData("live/%2e%2e", false)]
    public void A_stream_is_such_names_joined_by_slashes(string name, bool isStream) =>
        Assert.Equal(isStream, ObjectName.IsStream(name));

    [Fact]
    public void Length_is_bounded()
    {
        Assert.True(ObjectName.IsObject(new string('a', 128)));
        Assert.False(ObjectName.IsObject(new string('a', 129)));
        Assert.False(ObjectName.IsStream(new string('a', 129)));
        Assert.False(ObjectName.IsStream(string.Join('/', Enumerable.Repeat("a", 129))));
    }
}
