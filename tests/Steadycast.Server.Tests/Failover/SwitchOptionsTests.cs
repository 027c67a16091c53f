using Steadycast.Streaming.Failover;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Which origins are preferred, and where their playlists are looked for.</summary>
public sealed class SwitchOptionsTests
{
    private static SwitchOrigin Origin(string name, string? zone = null, int weight = 1) =>
        new() { Name = name, Url = $"http://{name}/hls", Zone = zone, Weight = weight };

    [Theory]
    [InlineData(null, "heavy near far")]
    [InlineData("eu", "near heavy far")]
    [InlineData("mars", "heavy near far")]
    public void The_zone_comes_before_the_weight_and_the_weight_before_the_list(string? zone, string expected)
    {
        var options = new SwitchOptions
        {
            Zone = zone,
            Origins = [Origin("near", "eu"), Origin("heavy", "us", weight: 5), Origin("far", "us")],
        };

        Assert.Equal(expected, string.Join(' ', options.AllOrigins().Select(o => o.Name)));
    }

    [Fact]
    public void Without_either_the_two_named_ones_come_first()
    {
        var options = new SwitchOptions
        {
            PrimaryBaseUrl = "http://p/hls",
            BackupBaseUrl = "http://b/hls",
            Origins = [Origin("c")],
        };

        Assert.Equal(["primary", "backup", "c"], options.AllOrigins().Select(o => o.Name));
    }

    [Theory]
    [InlineData("http://p/hls", "index.m3u8", null, "http://p/hls/index.m3u8", "")]
    [InlineData("http://p/hls/", "mystream/index.m3u8", null, "http://p/hls/mystream/index.m3u8", "mystream")]
    [InlineData("http://p/hls", "chunks.m3u8", "live/show", "http://p/hls/live/show/chunks.m3u8", "live/show")]
    [InlineData("http://p/x/any.m3u8?token=1", "index.m3u8", null, "http://p/x/any.m3u8?token=1", "live")]
    public void A_playlist_is_looked_for_where_streaming_lab_looked(
        string url, string path, string? stream, string expected, string named)
    {
        var options = new SwitchOptions
        {
            Origins = [new SwitchOrigin { Name = "p", Url = url }],
            PlaylistPath = path,
            Streams = stream is null ? [] : [stream],
        };

        Assert.Equal(named, string.Join(' ', options.NamedStreams()));
        string name = options.NamedStreams().FirstOrDefault(options.NameOfTheOne);
        Assert.Equal(expected, options.PlaylistOf(options.Origins[0], name).AbsoluteUri);
    }
}
