using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Two ingests that are sent one stream: their feeds over real HTTP, in real time, waiting for events only.</summary>
public sealed class PeerFeedTests : IAsyncDisposable
{
    private const string Stream = "live/show";

    private readonly string _directory = Directory.CreateTempSubdirectory("steadycast-peers-").FullName;
    private readonly CancellationTokenSource _deadline =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private readonly int[] _ports = [FreePort(), FreePort()];
    private readonly List<Ingest> _all = [];

    public PeerFeedTests() => _deadline.CancelAfter(TimeSpan.FromSeconds(60));

    [Fact]
    public async Task A_follower_passes_the_leaders_feed_on_as_it_is()
    {
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        await UntilAsync(() => a.Leader == "self" && b.Leader == $"http://127.0.0.1:{_ports[0]}/");
        using var toB = b.Publish();
        Send(toB, 0.001, 12);
        Send(toA, 0.001, 12);

        await UntilAsync(() => a.Segments().Count >= 5 && b.Segments().Count >= 5);

        Assert.All(
            a.Segments().Zip(b.Segments()),
            pair => Assert.Equal(pair.First.End.Hash.ToArray(), pair.Second.End.Hash.ToArray()));
        Assert.Equal(a.Segments()[0].Begin.Epoch, b.Segments()[0].Begin.Epoch);
        Assert.Equal(1, b.Meters.Sum("steadycast_feed_leader_changes_total", "to=peer"));
    }

    [Fact]
    public async Task A_stream_that_a_follower_is_not_sent_is_passed_on_too()
    {
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        Send(toA, 0.001, 12);

        await UntilAsync(() => b.Segments().Count >= 5);
        Assert.Equal(a.Segments()[4].End.Hash.ToArray(), b.Segments()[4].End.Hash.ToArray());
    }

    [Fact]
    public async Task When_the_leader_is_gone_a_follower_that_is_sent_the_same_goes_on_without_a_seam()
    {
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        await UntilAsync(() => a.Leader == "self" && b.Leader is not null);
        using var toB = b.Publish();
        Send(toB, 0.001, 13);
        Send(toA, 0.001, 13);
        await UntilAsync(() => b.IsLocked && b.HasBegun(a.Segments()[^1].Begin.Msn + 1));
        Assert.Equal(1, b.Meters.Sum("steadycast_feed_locked_streams"));
        var led = a.Segments();

        await a.DisposeAsync();
        await UntilAsync(() => b.Leader == "self");
        Send(toB, 13, 20);
        await UntilAsync(() => b.Segments().Count >= 9);

        var segments = b.Segments();
        Assert.DoesNotContain(segments, s => s.Begin.Discontinuity);
        Assert.All(segments.Zip(segments.Skip(1)), pair =>
        {
            Assert.Equal(pair.First.Begin.Msn + 1, pair.Second.Begin.Msn);
            Assert.Equal(pair.First.Begin.Time + pair.First.End.Duration, pair.Second.Begin.Time);
        });
        Assert.Equal(segments[0].Begin.Epoch.EpochId + 1, segments[led.Count].Begin.Epoch.EpochId);
        Assert.Single(segments.Select(s => s.Begin.Epoch.TimelineId).Distinct());
        Assert.Equal(
            new TestEncoder { Seconds = 18 }.Messages().Count(m => m.Payload[1] == 1),
            segments.Sum(s => s.AccessUnits.Count));
        Assert.Equal(1, b.Meters.Sum("steadycast_feed_takeovers_total", "seam=none"));
        Assert.Equal(0, b.Meters.Sum("steadycast_feed_locked_streams"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_the_leader_is_gone_the_follower_goes_on_with_one_discontinuity_and_nothing_lost(bool isKilled)
    {
        var other = new TestEncoder { Seconds = 30, FrameBytes = 13 };
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        await UntilAsync(() => a.Leader == "self" && b.Leader is not null);
        using var toB = b.Publish();
        // 9 s: four whole segments, and the fifth begun. The follower has it all before the leader says so.
        Send(toB, 0.001, 9, other);
        Send(toA, 0.001, 9);
        await UntilAsync(() => b.Segments().Count >= 4);
        await UntilAsync(() => b.HasBegun(b.Segments()[^1].Begin.Msn + 1));

        if (isKilled)
            await a.DisposeAsync();
        else
            toA.Dispose();
        await UntilAsync(() => b.Leader == "self");
        Send(toB, 9, 20, other);
        await UntilAsync(() => b.Segments().Count >= 9);

        var segments = b.Segments();
        // A publisher that leaves in order ends its segment of 1 s, and the follower has begun it again.
        Assert.Equal(1, segments.Count(s => s.Begin.Discontinuity));
        Assert.All(segments.Zip(segments.Skip(1)), pair =>
        {
            Assert.Equal(pair.First.Begin.Msn + 1, pair.Second.Begin.Msn);
            Assert.True(pair.Second.Begin.Time >= pair.First.Begin.Time + pair.First.End.Duration);
        });
        Assert.Equal(segments[0].Begin.Epoch.AnchorUtcMs, segments[^1].Begin.Epoch.AnchorUtcMs);
        var seam = segments.FindIndex(s => s.Begin.Discontinuity);
        Assert.Equal(isKilled ? 4 : 5, seam);
        Assert.Equal(segments[0].Begin.Epoch.EpochId + 1, segments[seam].Begin.Epoch.EpochId);
        Assert.NotEqual(segments[0].Begin.Epoch.IngestId, segments[seam].Begin.Epoch.IngestId);
        // The keyframe of 8 s is the first after the seam: it is the fifth that the encoder sent.
        Assert.Equal(
            other.Messages().Where(m => m.AtMs == 8000 && m.Type == RtmpMessageType.Video)
                .Select(m => m.Payload.Length - 5),
            [segments[seam].AccessUnits[0].Payload.Length]);
        Assert.Equal(1, b.Meters.Sum("steadycast_feed_leader_changes_total", "to=self"));
        Assert.Equal(1, b.Meters.Sum("steadycast_feed_takeovers_total", "seam=discontinuity"));
    }

    [Fact]
    public async Task A_leader_that_comes_back_follows()
    {
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        await UntilAsync(() => a.Leader == "self" && b.Leader is not null);
        using var toB = b.Publish();
        Send(toB, 0.001, 9);
        Send(toA, 0.001, 9);
        await UntilAsync(() => b.Segments().Count >= 4);
        await a.DisposeAsync();
        await UntilAsync(() => b.Leader == "self");

        var again = await StartAsync(0);
        using var toAgain = again.Publish();
        Send(toAgain, 9, 12);
        Send(toB, 9, 16);
        await UntilAsync(() => again.Leader is not (null or "self") && again.Segments().Count >= 7);

        Assert.Equal(
            b.Segments().Select(s => (s.Begin.Msn, Convert.ToHexString(s.End.Hash.Span))).Take(7),
            again.Segments().Select(s => (s.Begin.Msn, Convert.ToHexString(s.End.Hash.Span))).Take(7));
        Assert.Equal("self", b.Leader);
    }

    [Fact]
    public async Task An_ingest_that_is_named_as_its_own_peer_leads()
    {
        var alone = await StartAsync(0, peer: 0);
        using var publication = alone.Publish();
        await UntilAsync(() => alone.Leader == "self");
        Send(publication, 0.001, 12);

        await UntilAsync(() => alone.Segments().Count >= 5);
        Assert.Equal("self", alone.Leader);
    }

    [Fact]
    public async Task Of_two_that_begin_at_once_one_leads_in_the_end()
    {
        var (a, b) = (await StartAsync(0), await StartAsync(1));
        using var toA = a.Publish();
        using var toB = b.Publish();
        Send(toA, 0.001, 3);
        Send(toB, 0.001, 3);
        await UntilAsync(() => new[] { a.Leader, b.Leader }.Count(l => l == "self") == 1
            && new[] { a.Leader, b.Leader }.All(l => l is not null));

        Send(toA, 3, 12);
        Send(toB, 3, 12);
        await UntilAsync(() => a.Segments().Count >= 4 && b.Segments().Count >= 4);

        Assert.All(
            a.Segments().Zip(b.Segments()),
            pair => Assert.Equal(pair.First.End.Hash.ToArray(), pair.Second.End.Hash.ToArray()));
    }

    [Fact]
    public async Task A_feed_that_ends_inside_of_a_record_has_ended()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        byte[] record = Records.Bytes(new FeedRecord(Records.Begin()));
        app.MapGet("/feed/x", () => Results.Bytes([.. FeedCodec.Preamble, .. record, .. record[..20]]));
        await app.StartAsync(_deadline.Token);
        using var handler = FeedClient.NewHandler(new FeedClientOptions());
        using var http = FeedClient.NewHttp(new Uri(app.Urls.Single()), handler);
        await using var connection = await FeedConnection.OpenAsync(
            http, "feed/x", TimeSpan.FromSeconds(30), TimeProvider.System, _deadline.Token);
        var records = 0;

        while (await connection.ReceiveAsync(_deadline.Token))
        {
            while (connection.TryTake(out _))
                records++;
        }

        Assert.Equal(1, records);
    }

    [Fact]
    public async Task A_packager_goes_on_at_the_next_ingest_of_its_list()
    {
        await using var first = await FakeIngest.StartAsync();
        await using var second = await FakeIngest.StartAsync();
        var feed = RandomFeedOf(20);
        first.Append(Stream, feed.Take(10 * 3));
        second.Append(Stream, feed);
        using var client = new FeedClient(
            [new Uri(first.Url), new Uri(second.Url)], new FeedClientOptions(), TimeProvider.System,
            NullLoggerFactory.Instance);
        var ends = new List<long>();

        await foreach (var record in client.Follow(Stream).ReadAsync(0, _deadline.Token))
        {
            if (record.End is not { } end)
                continue;
            ends.Add(end.Msn);
            if (ends.Count == 10)
                await first.DisposeAsync();
            if (ends.Count == 20)
                break;
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => 100L + i), ends);
        Assert.Equal((Stream, 110L), second.Asked.First());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var ingest in _all)
            await ingest.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        _deadline.Dispose();
    }

    private static List<FeedRecord> RandomFeedOf(int segments) =>
    [
        .. Enumerable.Range(0, segments).SelectMany(i => new FeedRecord[]
        {
            new(Records.Begin(100 + i, i * 180_090)), new(Records.Video(i * 180_090)), new(Records.End(100 + i)),
        }),
    ];

    /// <summary>A part of the same programme, at once.</summary>
    private static void Send(
        Publication publication, double fromSeconds, double toSeconds, TestEncoder? encoder = null)
    {
        foreach (var message in (encoder ?? new TestEncoder { Seconds = 30 }).Messages())
        {
            if (message.AtMs >= fromSeconds * 1000 && message.AtMs < toSeconds * 1000)
                Assert.True(publication.Append(new MediaMessage(message.Type, message.Timestamp, message.Payload)));
        }
    }

    private async Task<Ingest> StartAsync(int which, int? peer = null)
    {
        var address = new Uri($"http://127.0.0.1:{_ports[peer ?? 1 - which]}");
        var ingest = await Ingest.StartAsync(Path.Combine(_directory, $"{which}"), _ports[which], address);
        _all.Add(ingest);
        return ingest;
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, _deadline.Token);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Ingest : IAsyncDisposable
    {
        private readonly StreamHub _hub;
        private readonly FeedLoops _loops;
        private FeedServer? _server;

        private Ingest(string directory, Uri peer)
        {
            _hub = new StreamHub(
                new HubOptions(), TimeProvider.System, new HubMetrics(Meters), NullLogger<StreamHub>.Instance);
            // Nobody is silent here, however busy the machine is.
            var patience = PeerPatience.Default with
            {
                Silence = TimeSpan.FromSeconds(60),
                AnswerAgain = TimeSpan.FromSeconds(60),
            };
            var settings = new FeedSettings(2, TimeSpan.FromSeconds(60), directory)
            {
                Peers = [peer],
                Patience = patience,
            };
            FeedMetrics = new FeedMetrics(Meters);
            _loops = new FeedLoops(_hub, settings, FeedMetrics, TimeProvider.System, NullLoggerFactory.Instance);
        }

        public TestMeters Meters { get; } = new();

        public string? Leader => _loops.Summaries.FirstOrDefault(s => s.Stream == Stream).Summary?.Leader;

        public bool IsLocked => _loops.Summaries.Any(s => s.Stream == Stream && s.Summary.IsLocked);

        private FeedMetrics FeedMetrics { get; }

        public static async Task<Ingest> StartAsync(string directory, int port, Uri peer)
        {
            var ingest = new Ingest(directory, peer);
            ingest._server = await FeedServer.StartAsync(
                ingest._loops.Directory, TimeProvider.System, ingest.FeedMetrics, port, ingest._loops.IngestId);
            ingest._loops.Start();
            return ingest;
        }

        public Publication Publish()
        {
            Assert.True(StreamName.TryParse(Stream, out var name, out _));
            Assert.Equal(PublishOutcome.Accepted, _hub.Publish(name, new PublisherInfo("p"), out var publication));
            // What makes it lead, or follow: something came.
            Send(publication!, 0, 0.001);
            return publication!;
        }

        public List<StampedSegment> Segments()
        {
            using var assembler = new SegmentAssembler();
            var segments = new List<StampedSegment>();
            foreach (var record in Read())
            {
                if (assembler.Add(record, out var segment) == AssemblyStep.Completed)
                    segments.Add(segment!);
            }

            return segments;
        }

        public bool HasBegun(long msn) => Read().Any(r => r.Begin?.Msn == msn);

        /// <summary>Its connections first, as a process that is killed.</summary>
        public async ValueTask DisposeAsync()
        {
            if (_server is null)
                return;
            await _server.DisposeAsync();
            _server = null;
            await _hub.DisposeAsync();
            await _loops.DisposeAsync();
            Meters.Dispose();
        }

        private List<FeedRecord> Read()
        {
            if (_loops.Directory.Find(Stream) is not { } feed)
                return [];
            var bytes = new List<byte>();
            var place = new RingPlace(0);
            while (feed.Ring.Read(place, out var part) == RingRead.Bytes)
                bytes.AddRange(part.Span);
            var input = new System.Buffers.ReadOnlySequence<byte>(bytes.ToArray());
            var records = new List<FeedRecord>();
            while (FeedCodec.TryRead(ref input, out var record))
                records.Add(record);
            return records;
        }
    }
}
