using System.Net;
using Steadycast.Protocols.Hls;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>
/// A viewer that remembers every line it ever saw and every byte it fetched, and takes nothing amiss silently.
/// </summary>
internal sealed class StrictReader(HttpClient first, SyntheticStream stream)
{
    private readonly Dictionary<long, MediaSegment> lines = [];
    private readonly HashSet<string> fetched = [];
    private (long First, long Next) seen = (-1, -1);

    public HttpClient Http { get; set; } = first;

    /// <summary>EXT-X-GAP segments so far.</summary>
    public int Gaps { get; private set; }

    public long Edge => seen.Next - 1;

    public string? State { get; private set; }

    /// <summary>Loads the playlist and every segment in it that is new, and holds each against what it knows.</summary>
    public async Task LookAsync()
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        using HttpResponseMessage response = await Http.GetAsync($"/hls/{stream.Name}/index.m3u8", token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        State = response.Headers.GetValues("X-Stream-State").Single();
        MediaPlaylist playlist = PlaylistReader.ParseMedia(await response.Content.ReadAsStringAsync(token));
        Assert.True(playlist.MediaSequence >= seen.First, "the front went back");
        Assert.True(playlist.NextMediaSequence >= seen.Next, "the edge went back");
        for (int i = 0; i < playlist.Segments.Length; i++)
        {
            long msn = playlist.MediaSequence + i;
            MediaSegment segment = playlist.Segments[i];
            Assert.Equal(lines.GetValueOrDefault(msn, segment), segment);
            if (!lines.TryAdd(msn, segment))
                continue;
            Assert.True(seen.Next < 0 || msn >= seen.Next, "a segment appeared behind the edge");
            Gaps += segment.Gap ? 1 : 0;
            await FetchAsync(segment.Map!.Uri);
            if (!segment.Gap)
                await FetchAsync(segment.Uri);
        }

        seen = (playlist.MediaSequence, playlist.NextMediaSequence);
    }

    /// <summary>Follows until the edge is there; says how far it came when it takes too long.</summary>
    public async Task UntilAsync(long edge)
    {
        for (int round = 0; round < 60; round++)
        {
            CancellationToken token = TestContext.Current.CancellationToken;
            string path = $"/hls/{stream.Name}/index.json?after={edge - 1}&wait=1";
            using HttpResponseMessage poll = await Http.GetAsync(path, token);
            if (poll.StatusCode != HttpStatusCode.OK && seen.Next < 0)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, token);
                continue;
            }

            await LookAsync();
            if (Edge >= edge)
                return;
        }

        Assert.Fail($"the edge is {Edge}, not {edge}, after a long time");
    }

    private async Task FetchAsync(string name)
    {
        if (!fetched.Add(name))
            return;
        CancellationToken token = TestContext.Current.CancellationToken;
        byte[] bytes = await Http.GetByteArrayAsync($"/hls/{stream.Name}/{name}", token);
        Assert.True(bytes.AsSpan().SequenceEqual(stream.Bytes(name)), $"{name} has other bytes");
    }
}
