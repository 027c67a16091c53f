using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Feed;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

public sealed class FeedEndpointTests : IDisposable
{
    private static readonly FeedClientOptions Patient = new() { SilenceTimeout = TimeSpan.FromSeconds(30) };

    private readonly TestMeters _meters = new();
    private readonly FeedMetrics _metrics;
    private readonly FeedDirectory _directory = new();
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public FeedEndpointTests() => _metrics = new FeedMetrics(_meters);

    [Fact]
    public async Task An_unknown_stream_is_a_problem_with_status_404()
    {
        await using var server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics);
        using var http = new HttpClient { BaseAddress = server.Address };
        using var answer = await http.GetAsync("feed/live/none", _cancel);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(_cancel);
        Assert.Equal(404, problem.GetProperty("status").GetInt32());
        using var wrong = await http.GetAsync("feed/live/none?from=-1", _cancel);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task Streams_are_listed_as_they_appear()
    {
        Feed("live/one");
        await using var server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics);
        using var client = Client(server.Address, Patient);
        var names = new List<string>();
        await foreach (var name in client.StreamsAsync(_cancel))
        {
            names.Add(name);
            if (names.Count < 3)
                Feed($"live/{names.Count + 1}");
            else
                break;
        }

        Assert.Equal(["live/one", "live/2", "live/3"], names);
    }

    [Fact]
    public async Task A_follower_gets_what_is_kept_and_then_what_comes()
    {
        var feed = Feed("live/show");
        feed.Append(Segment(10), State(10), leads: true);
        feed.Append(Segment(11), State(11), leads: true);
        await using var server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics);
        using var client = Client(server.Address, Patient);
        var records = new List<FeedRecord>();
        await foreach (var record in client.Follow("live/show").ReadAsync(11, _cancel))
        {
            records.Add(record);
            if (record.State is { EdgeMsn: 11 })
                feed.Append(Segment(12), State(12), leads: true);
            if (record.State is { EdgeMsn: 12 })
                break;
        }

        var expected = Segment(11).Concat(Segment(12)).ToList();
        var media = records.Where(record => record.State is null).ToList();
        Assert.Equal(expected.Count, media.Count);
        for (var i = 0; i < expected.Count; i++)
            Records.AssertSame(expected[i], media[i]);
        Assert.Equal(1, _meters.Sum("steadycast_feed_readers"));
    }

    [Fact]
    public async Task An_idle_stream_gives_a_sign_of_life_each_second()
    {
        var time = new ManualTime();
        Feed("live/show");
        await using var server = await FeedServer.StartAsync(_directory, time, _metrics);
        using var client = Client(server.Address, Patient);
        var states = 0;
        await foreach (var record in client.Follow("live/show").ReadAsync(0, _cancel))
        {
            Assert.Equal(FeedActivity.Idle, record.State!.Activity);
            if (++states == 5)
                break;
            await Eventually(() => time.PendingTimers > 0);
            time.Advance(FeedEndpoint.StateInterval);
        }
    }

    [Fact]
    public async Task A_follower_resumes_behind_its_last_whole_segment_when_the_ingest_comes_back()
    {
        var feed = Feed("live/show");
        feed.Append([.. Segment(10), .. Segment(11)[..2]], State(10), leads: true);
        var server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics);
        var address = server.Address;
        using var client = Client(address, Patient);
        var follower = client.Follow("live/show");
        var records = new List<FeedRecord>();
        await foreach (var record in follower.ReadAsync(0, _cancel))
        {
            if (record.State is null)
                records.Add(record);
            if (record.Begin is { Msn: 11 } && server is not null)
            {
                await server.DisposeAsync();
                server = null;
                feed.Append(Segment(11, epoch: 8), State(11), leads: true);
                server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics, address.Port);
            }

            if (record.End is { Msn: 11 })
                break;
        }

        Assert.Equal([10, 11, 11], records.Where(r => r.Begin is not null).Select(r => r.Begin!.Msn));
        Assert.Equal(8u, records.Last(r => r.Begin is not null).Begin!.Epoch.EpochId);
        Assert.Equal([10, 11], records.Where(r => r.End is not null).Select(r => r.End!.Msn));
        Assert.True(follower.Link is { Connected: true, Connections: 2 });
        await server!.DisposeAsync();
    }

    [Fact]
    public async Task A_feed_that_closes_is_sent_to_its_end()
    {
        var feed = Feed("live/show");
        feed.Append(Segment(10, payload: 1 << 20), State(10), leads: true);
        await using var server = await FeedServer.StartAsync(_directory, TimeProvider.System, _metrics);
        using var http = new HttpClient { BaseAddress = server.Address };
        _directory.Close();
        var bytes = await http.GetByteArrayAsync("feed/live/show", _cancel);
        Assert.Equal(FeedCodec.Preamble.Length + Records.Bytes(Segment(10, payload: 1 << 20)).Length, bytes.Length);
        Assert.Empty(await http.GetByteArrayAsync("feed", _cancel));
    }

    [Fact]
    public async Task An_ingest_that_says_nothing_is_given_up_and_asked_again()
    {
        var time = new ManualTime();
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = Client(new Uri($"http://{listener.LocalEndpoint}"), new FeedClientOptions(), time);
        var follower = client.Follow("live/show");
        var reading = Task.Run(async () =>
        {
            await foreach (var _ in follower.ReadAsync(0, _cancel))
                return;
        }, _cancel);
        using var first = await listener.AcceptTcpClientAsync(_cancel);
        var second = listener.AcceptTcpClientAsync(_cancel).AsTask();
        while (!second.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(second, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, _cancel));
        }

        Assert.Contains("silent", follower.Link.LastError);
        using var again = await second;
        var answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nSCF\u0001\r\n"u8.ToArray();
        await again.GetStream().WriteAsync(answer, _cancel);
        var state = Records.Bytes(new FeedRecord(Records.State));
        var size = System.Text.Encoding.ASCII.GetBytes($"{state.Length:x}\r\n");
        await again.GetStream().WriteAsync((byte[])[.. size, .. state, .. "\r\n"u8], _cancel);
        await reading;
    }

    [Fact]
    public async Task An_ingest_that_resets_every_connection_is_asked_again_and_again()
    {
        var eager = new FeedClientOptions { MinBackoff = TimeSpan.Zero, MaxBackoff = TimeSpan.Zero };
        foreach (var isList in new[] { false, true })
        {
            using var peer = new ResettingPeer();
            using var client = Client(peer.Address, eager);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_cancel);
            var reading = Task.Run(
                async () => _ = isList
                    ? (object)await client.StreamsAsync(stop.Token).AnyAsync(stop.Token)
                    : await client.Follow("live/show").ReadAsync(0, stop.Token).AnyAsync(stop.Token),
                _cancel);
            Assert.Same(peer.HasResetEnough, await Task.WhenAny(reading, peer.HasResetEnough));
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }
    }

    [Fact]
    public async Task A_reader_that_Kestrel_cuts_off_at_our_deadline_is_counted_as_stuck()
    {
        var time = new ManualTime();
        Feed("live/show").Append(Segment(1), State(1), leads: true);
        await using var app = WebApplication.CreateSlimBuilder().Build();
        new FeedEndpoint(_directory, Guid.NewGuid(), time, _metrics, NullLogger.Instance).Map(app);
        var endpoints = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints);
        var serve = endpoints.OfType<RouteEndpoint>().Single(e => e.RoutePattern.RawText == "/feed/{**stream}");
        using var aborted = new CancellationTokenSource();
        using var socket = new StuckSocket(time, aborted);
        var context = new DefaultHttpContext { RequestServices = app.Services, RequestAborted = aborted.Token };
        context.Request.RouteValues["stream"] = "live/show";
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(socket));

        await serve.RequestDelegate!(context);

        Assert.Equal(1, _meters.Sum("steadycast_feed_readers_dropped_total", "reason=stuck"));
        Assert.Equal(0, _meters.Sum("steadycast_feed_readers"));
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_disconnected_and_counted()
    {
        var time = new ManualTime();
        var feed = Feed("live/show");
        foreach (var msn in Enumerable.Range(1, 4))
            feed.Append(Segment(msn, payload: 8 << 20), State(msn), leads: true);
        await using var server = await FeedServer.StartAsync(_directory, time, _metrics);
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Address.Port, _cancel);
        await socket.GetStream().WriteAsync("GET /feed/live/show HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), _cancel);
        await Eventually(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return _meters.Sum("steadycast_feed_readers_dropped_total", "reason=stuck") == 1;
        });
        Assert.Equal(0, _meters.Sum("steadycast_feed_readers"));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _meters.Dispose();
    }

    private async Task Eventually(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, _cancel);
    }

    private StampedFeed Feed(string name)
    {
        var ring = new ReplayRing(TimeSpan.FromSeconds(60), new RingBudget(RingBudget.DefaultBytes), _metrics);
        var feed = new StampedFeed(name, ring, new FeedState(FeedActivity.Idle, 0, -1));
        _directory.Add(feed);
        return feed;
    }

    private static FeedClient Client(Uri address, FeedClientOptions options, TimeProvider? time = null) =>
        new(address, options, time ?? TimeProvider.System, NullLoggerFactory.Instance);

    private static FeedState State(long edge) => new(FeedActivity.Live, 7, edge);

    private static FeedRecord[] Segment(long msn, int payload = 10, uint epoch = 7) =>
    [
        new(Records.Begin(msn, msn * 180_000, epoch)),
        new(Records.Video(msn * 180_000) with { Payload = new byte[payload] }),
        new(Records.Audio(msn * 180_000, msn * 96_000)),
        new(Records.End(msn) with { Duration = 180_000 }),
    ];

    /// <summary>
    /// Takes nothing until the write's deadline, and then, as Kestrel does, says that the client is gone.
    /// </summary>
    private sealed class StuckSocket(ManualTime time, CancellationTokenSource aborted) : MemoryStream
    {
        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            time.Advance(FeedEndpoint.SendTimeout);
            Assert.True(cancellationToken.IsCancellationRequested);
            await aborted.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
