using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Server.Tests.Segments;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Origin;

public sealed class OriginEndpointsTests : IAsyncLifetime
{
    private const string Show = "/hls/live/show";
    private static readonly string Segment = $"{Show}/{TestSegments.BaseMsn}.m4s";

    private readonly TestMeters meters = new();
    private SegmentStores stores = null!;
    private ISegmentStore store = null!;
    private RoleDoor door = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        stores = new SegmentStores(TimeProvider.System, NullLoggerFactory.Instance, meters);
        store = stores.Open("memory");
        var role = new OriginRole(new OriginOptions(), stores, TimeProvider.System, NullLoggerFactory.Instance, meters);
        door = await RoleDoor.OpenAsync(role);
    }

    public async ValueTask DisposeAsync()
    {
        await door.DisposeAsync();
        await stores.DisposeAsync();
        meters.Dispose();
    }

    [Fact]
    public async Task Before_anything_is_published_the_default_stream_says_come_back()
    {
        using HttpResponseMessage answer = await SendAsync("/hls/index.m3u8");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("1", answer.Headers.RetryAfter!.ToString());
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
    }

    [Fact]
    public async Task Playlists_are_served_by_name_and_as_the_default()
    {
        StreamIndex index = await PublishAsync();

        using HttpResponseMessage media = await SendAsync($"{Show}/index.m3u8");

        Assert.Equal(PlaylistBuilder.Media(index), await media.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("application/vnd.apple.mpegurl", media.Content.Headers.ContentType!.ToString());
        Assert.Equal("max-age=1", media.Headers.CacheControl!.ToString());
        Assert.Equal(index.Edge.ToString(), media.Headers.GetValues("X-Manifest-Last-Sequence").Single());
        Assert.Equal("live", media.Headers.GetValues("X-Stream-State").Single());
        Assert.Equal(PlaylistBuilder.Media(index), await door.Http.GetByteArrayAsync("/hls/index.m3u8", Token));
        Assert.Equal(PlaylistBuilder.Multivariant(index), await door.Http.GetByteArrayAsync("/hls/master.m3u8", Token));
        Assert.Equal(
            """{"default":"live/show","streams":["live/show"]}""",
            await door.Http.GetStringAsync("/hls/streams.json", Token));
    }

    [Fact]
    public async Task Every_playlist_of_the_index_is_served_and_no_other()
    {
        var index = RenditionTests.Changing();
        await store.PublishAsync(index, Token);

        foreach (var name in (string[])["index.m3u8", "video.m3u8", "audio-0.m3u8", "audio-1.m3u8", "audio-2.m3u8"])
        {
            using HttpResponseMessage answer = await SendAsync($"{Show}/{name}");
            Assert.Equal(PlaylistBuilder.Media(index, name), await answer.Content.ReadAsByteArrayAsync(Token));
            Assert.Equal("max-age=1", answer.Headers.CacheControl!.ToString());
            Assert.Equal(index.Edge.ToString(), answer.Headers.GetValues("X-Manifest-Last-Sequence").Single());
        }

        using HttpResponseMessage none = await SendAsync($"{Show}/audio-3.m3u8");
        Assert.Equal((HttpStatusCode.NotFound, "no-store"), (none.StatusCode, none.Headers.CacheControl!.ToString()));
    }

    [Fact]
    public async Task A_playlist_is_compressed_for_who_accepts_it_under_a_tag_of_its_own()
    {
        StreamIndex index = await PublishAsync();

        using HttpResponseMessage plain = await SendAsync(
            $"{Show}/index.m3u8", h => h.Add("Accept-Encoding", "br, gzip;q=0"));
        using HttpResponseMessage zipped = await SendAsync(
            $"{Show}/index.m3u8", h => h.Add("Accept-Encoding", "br, gzip"));

        await using Stream compressed = await zipped.Content.ReadAsStreamAsync(Token);
        await using var unzip = new GZipStream(compressed, CompressionMode.Decompress);
        using var body = new MemoryStream();
        await unzip.CopyToAsync(body, Token);
        Assert.Equal(PlaylistBuilder.Media(index), body.ToArray());
        Assert.Equal(["gzip"], zipped.Content.Headers.ContentEncoding);
        Assert.Empty(plain.Content.Headers.ContentEncoding);
        Assert.Equal("Accept-Encoding", plain.Headers.Vary.Single());
        Assert.Equal(plain.Headers.ETag!.Tag.TrimEnd('"') + "-gz\"", zipped.Headers.ETag!.Tag);
        Assert.False(zipped.Headers.ETag.IsWeak);
    }

    [Theory]
    [InlineData("index.m3u8")]
    [InlineData("54321000.m4s")]
    [InlineData("init-1a2b3c4d.mp4")]
    public async Task What_the_client_has_already_is_not_sent_again(string name)
    {
        await PublishAsync();
        using HttpResponseMessage first = await SendAsync($"{Show}/{name}");

        using HttpResponseMessage again = await SendAsync(
            $"{Show}/{name}", h => h.Add("If-None-Match", $"\"x\", W/{first.Headers.ETag!.Tag}"));

        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal(first.Headers.ETag!.Tag, again.Headers.ETag!.Tag);
        Assert.Empty(await again.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task A_segment_may_be_cached_for_ever_under_the_hash_of_its_bytes()
    {
        await PublishAsync();

        using HttpResponseMessage answer = await SendAsync(Segment);

        byte[] bytes = await answer.Content.ReadAsByteArrayAsync(Token);
        Assert.Equal(TestSegments.BytesOf(TestSegments.BaseMsn), bytes);
        Assert.Equal($"\"{TestSegments.Sha256(bytes)}\"", answer.Headers.ETag!.Tag);
        Assert.Equal("public, max-age=31536000, immutable", answer.Headers.GetValues("Cache-Control").Single());
        Assert.Equal("video/mp4", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal("bytes", answer.Headers.AcceptRanges.Single());
    }

    [Theory]
    [InlineData("bytes=0-0", 206, 0, 1)]
    [InlineData("bytes=10-19", 206, 10, 10)]
    [InlineData("bytes=990-", 206, 990, 10)]
    [InlineData("bytes=-3", 206, 997, 3)]
    [InlineData("bytes=-2000", 206, 0, 1000)]
    [InlineData("bytes=900-5000", 206, 900, 100)]
    [InlineData("bytes=1000-", 416, 0, 0)]
    [InlineData("bytes=-0", 416, 0, 0)]
    [InlineData("bytes=5-3", 200, 0, 1000)]
    [InlineData("bytes=0-1,4-5", 200, 0, 1000)]
    [InlineData("bytes=", 200, 0, 1000)]
    [InlineData("bytes=a-b", 200, 0, 1000)]
    [InlineData("bytes=99999999999999999999-", 200, 0, 1000)]
    [InlineData("items=0-1", 200, 0, 1000)]
    public async Task One_range_is_answered_with_its_length(string range, int status, int offset, int length)
    {
        await PublishAsync();

        using HttpResponseMessage answer = await SendAsync(Segment, h => h.TryAddWithoutValidation("Range", range));

        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 416)
        {
            Assert.Equal("bytes */1000", answer.Content.Headers.GetValues("Content-Range").Single());
            return;
        }

        Assert.Equal(length, answer.Content.Headers.ContentLength);
        Assert.Equal(
            TestSegments.BytesOf(TestSegments.BaseMsn)[offset..(offset + length)],
            await answer.Content.ReadAsByteArrayAsync(Token));
        if (status == 206)
            Assert.Equal($"bytes {offset}-{offset + length - 1}/1000", answer.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task A_range_of_another_version_gets_the_whole()
    {
        await PublishAsync();
        string tag = $"\"{TestSegments.Sha256(TestSegments.BytesOf(TestSegments.BaseMsn))}\"";
        void Range(HttpRequestHeaders headers, string ifRange)
        {
            headers.Range = new RangeHeaderValue(10, null);
            headers.TryAddWithoutValidation("If-Range", ifRange);
        }

        using HttpResponseMessage same = await SendAsync(Segment, h => Range(h, tag));
        using HttpResponseMessage other = await SendAsync(Segment, h => Range(h, "\"other\""));
        using HttpResponseMessage weak = await SendAsync(Segment, h => Range(h, "W/" + tag));

        Assert.Equal(HttpStatusCode.PartialContent, same.StatusCode);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal(HttpStatusCode.OK, weak.StatusCode);
    }

    [Theory]
    [InlineData("/hls/live/show/index.m3u8")]
    [InlineData("/hls/live/show/54321000.m4s")]
    [InlineData("/hls/streams.json")]
    public async Task HEAD_says_what_GET_would_without_the_body(string path)
    {
        await PublishAsync();
        using HttpResponseMessage get = await SendAsync(path);

        using HttpResponseMessage head = await SendAsync(path, method: HttpMethod.Head);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(get.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        Assert.Equal(get.Headers.ETag, head.Headers.ETag);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task A_player_on_another_site_may_ask_read_headers_and_measure()
    {
        await PublishAsync();

        using HttpResponseMessage preflight = await SendAsync(Segment, method: HttpMethod.Options);
        using HttpResponseMessage missing = await SendAsync($"{Show}/1.m4s");

        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.Equal("Range, If-Range, If-None-Match", Header(preflight, "Access-Control-Allow-Headers"));
        Assert.Equal("86400", Header(preflight, "Access-Control-Max-Age"));
        Assert.Equal("*", Header(missing, "Access-Control-Allow-Origin"));
        Assert.Equal("*", Header(missing, "Timing-Allow-Origin"));
        Assert.Contains("X-Stream-State", Header(missing, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/hls/")]
    [InlineData("/hls/live/show/")]
    [InlineData("/hls/live/show/1.m4s")]
    [InlineData("/hls/live/other/index.m3u8")]
    [InlineData("/hls/live/show/..%2Findex.json")]
    [InlineData("/hls/live/show/%2e%2e%2f%2e%2e%2fetc%2fpasswd")]
    [InlineData("/hls/live/show/.hidden")]
    public async Task What_is_not_there_is_a_problem_that_no_cache_keeps(string path)
    {
        await PublishAsync();

        using HttpResponseMessage answer = await SendAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.ToString());
        Assert.Contains("\"status\":404", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_can_be_written()
    {
        using HttpResponseMessage answer = await SendAsync(Segment, method: HttpMethod.Put);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Contains("GET", answer.Content.Headers.Allow);
    }

    [Fact]
    public async Task An_index_is_held_until_the_edge_moves()
    {
        StreamIndex before = await PublishAsync();
        Task<byte[]> waiting = door.Http.GetByteArrayAsync($"{Show}/index.json?after={before.Edge}", Token);
        while (meters.Sum("steadycast_origin_waiting_requests") < 1)
            await Task.Yield();

        await TestSegments.PublishAsync(store, before.Edge + 1, before.Edge + 1, before);

        Assert.Equal(before.Edge + 1, StreamIndexJson.Read(await waiting).Edge);
    }

    [Fact]
    public async Task An_index_whose_edge_is_above_already_comes_at_once_and_an_unchanged_one_after_the_wait()
    {
        StreamIndex index = await PublishAsync();

        using HttpResponseMessage now = await SendAsync($"{Show}/index.json?after={index.Edge - 1}");
        using HttpResponseMessage later = await SendAsync(
            $"{Show}/index.json?after={index.Edge}&wait=0.1", h => h.Add("If-None-Match", now.Headers.ETag!.Tag));
        using HttpResponseMessage wrong = await SendAsync($"{Show}/index.json?after=-1");

        Assert.Equal(HttpStatusCode.OK, now.StatusCode);
        Assert.Equal(HttpStatusCode.NotModified, later.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task Bytes_that_are_not_what_the_index_promises_are_not_served()
    {
        StreamIndex index = await PublishAsync();
        await store.PutAsync("live/show", $"{index.Edge}.m4s", Encoding.ASCII.GetBytes("not the segment"), Token);

        using HttpResponseMessage answer = await SendAsync($"{Show}/{index.Edge}.m4s");

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(1, meters.Sum("steadycast_origin_store_faults_total", "reason=corrupt"));
    }

    private static string Header(HttpResponseMessage answer, string name) => answer.Headers.GetValues(name).Single();

    private Task<StreamIndex> PublishAsync() =>
        TestSegments.PublishAsync(store, TestSegments.BaseMsn, TestSegments.BaseMsn + 3);

    private async Task<HttpResponseMessage> SendAsync(
        string path,
        Action<HttpRequestHeaders>? headers = null,
        HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        headers?.Invoke(request.Headers);
        return await door.Http.SendAsync(request, Token);
    }
}
