using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

/// <summary>From the hub to the ring, over publishers and restarts.</summary>
public sealed class FeedLoopsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("steadycast-feed-").FullName;
    private readonly ManualTime _time = new();
    private readonly TestMeters _meters = new();
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_publisher_in_the_hub_becomes_a_feed_and_its_end_is_seen_within_a_second()
    {
        await using var ingest = new Ingest(this);
        using (var publication = ingest.Publish())
            await ingest.SendAsync(publication, new TestEncoder { Seconds = 9.5 }, 4);
        var segments = await ingest.SegmentsAsync(5);
        Assert.True(segments[^1].End.IsShort);
        await ingest.Until(feed => feed.State.Activity == FeedActivity.Idle);
        Assert.Equal(segments[^1].Begin.Msn, ingest.Feed.State.EdgeMsn);
        var summary = ingest.Loops.Summaries.Single().Summary;
        Assert.Equal("avc1.64001E,mp4a.40.2", summary.Codecs, ignoreCase: true);
        Assert.InRange(summary.FramesPerSecond, 24, 26);
        Assert.Equal(2, summary.KeyframeSeconds);
        Assert.True(_meters.Sum("steadycast_feed_frames_total") > 600);
        Assert.True(_meters.Sum("steadycast_feed_keyframe_interval_seconds") >= 2);
    }

    [Fact]
    public async Task Numbers_continue_over_publishers_and_over_a_restart_of_the_ingest()
    {
        var numbers = new List<long>();
        for (var round = 0; round < 3; round++)
        {
            await using var ingest = new Ingest(this);
            for (var publisher = 0; publisher < 2; publisher++)
            {
                using (var publication = ingest.Publish())
                    await ingest.SendAsync(publication, new TestEncoder { Seconds = 8.5 }, (publisher * 4) + 4);
                await ingest.Until(feed => feed.State.Activity == FeedActivity.Idle);
                _time.Advance(TimeSpan.FromSeconds(3));
            }

            var segments = await ingest.SegmentsAsync(8);
            numbers.AddRange(segments.Select(segment => segment.Begin.Msn));
            Assert.Equal(round == 0 ? 1 : 2, segments.Count(segment => segment.Begin.Discontinuity));
        }

        Assert.Equal(24, numbers.Count);
        Assert.All(numbers.Zip(numbers.Skip(1)), pair => Assert.Equal(pair.First + 1, pair.Second));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_standby_takes_over_with_one_discontinuity_and_without_a_number_missing(bool leaves)
    {
        await using var ingest = new Ingest(this);
        using var main = ingest.Publish();
        using var standby = ingest.Publish(PublisherRole.Standby);
        var sent = new TestEncoder { Seconds = 30 }.Messages();
        long at = 0;
        foreach (var message in sent)
        {
            _time.Advance(TimeSpan.FromMilliseconds(message.AtMs - at));
            at = message.AtMs;
            if (at < 11_400)
                Assert.True(main.Append(new MediaMessage(message.Type, message.Timestamp, message.Payload)));
            else if (leaves)
                main.Dispose();
            // Another encoder: other timestamps, the same program.
            Assert.True(standby.Append(new MediaMessage(message.Type, message.Timestamp + 77_000, message.Payload)));
        }

        var segments = await ingest.SegmentsAsync(13);

        Assert.All(segments.Skip(1).Zip(segments), s => Assert.Equal(s.Second.Begin.Msn + 1, s.First.Begin.Msn));
        Assert.Equal(6, segments.FindIndex(s => s.Begin.Discontinuity));
        Assert.Single(segments, s => s.Begin.Discontinuity);
        // The segment that was cut short has 1.4 s, and the standby begins with the keyframe at 10 s: nothing is lost.
        Assert.True(segments[5].End.IsShort);
        Assert.Equal(segments[5].Begin.Time + segments[5].End.Duration, segments[6].Begin.Time);
        Assert.All(segments, s => Assert.True(s.Begin.Independent));
        Assert.All(segments.Skip(6).Take(7), s => Assert.Equal(2 * 90_000, s.End.Duration));
    }

    [Fact]
    public async Task A_damaged_state_is_counted_and_the_numbers_come_from_the_clock()
    {
        long last;
        await using (var before = new Ingest(this))
        {
            using (var publication = before.Publish())
                await before.SendAsync(publication, new TestEncoder { Seconds = 8.5 }, 4);
            last = (await before.SegmentsAsync(4))[^1].Begin.Msn;
        }

        await File.WriteAllTextAsync(Path.Combine(_directory, "live", "show.json"), "{", _cancel);
        _time.Advance(TimeSpan.FromSeconds(10));
        await using var after = new Ingest(this);
        using (var publication = after.Publish())
            await after.SendAsync(publication, new TestEncoder { Seconds = 8.5 }, 4);
        var first = (await after.SegmentsAsync(4))[0];
        Assert.True(first.Begin.Msn > last);
        Assert.True(first.Begin.Discontinuity);
        Assert.Equal(1, _meters.Sum("steadycast_feed_state_failures_total", "operation=load"));
    }

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        _meters.Dispose();
    }

    private sealed class Ingest : IAsyncDisposable
    {
        private readonly FeedLoopsTests _test;
        private readonly StreamHub _hub;

        public Ingest(FeedLoopsTests test)
        {
            _test = test;
            var metrics = new HubMetrics(test._meters);
            _hub = new StreamHub(new HubOptions(), test._time, metrics, NullLogger<StreamHub>.Instance);
            var settings = new FeedSettings(2, TimeSpan.FromSeconds(60), test._directory);
            var feedMetrics = new FeedMetrics(test._meters);
            Loops = new FeedLoops(_hub, settings, feedMetrics, test._time, NullLoggerFactory.Instance);
            Loops.Start();
        }

        public FeedLoops Loops { get; }

        public StampedFeed Feed => Loops.Directory.Find("live/show")!;

        public Publication Publish(PublisherRole role = PublisherRole.Main)
        {
            Assert.True(StreamName.TryParse("live/show", out var name, out _));
            Assert.Equal(PublishOutcome.Accepted, _hub.Publish(name, new PublisherInfo("1", Role: role), out var publication));
            return publication!;
        }

        /// <summary>Sends all of it, and waits until so many segments of this process have ended.</summary>
        public async Task SendAsync(Publication publication, TestEncoder encoder, int segments)
        {
            long at = 0;
            foreach (var message in encoder.Messages())
            {
                _test._time.Advance(TimeSpan.FromMilliseconds(message.AtMs - at));
                at = message.AtMs;
                Assert.True(publication.Append(new MediaMessage(message.Type, message.Timestamp, message.Payload)));
            }

            await SegmentsAsync(segments);
        }

        public async Task Until(Func<StampedFeed, bool> condition)
        {
            while (Loops.Directory.Find("live/show") is not { } feed || !condition(feed))
            {
                _test._time.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, _test._cancel);
            }
        }

        public async Task<List<StampedSegment>> SegmentsAsync(int count)
        {
            List<StampedSegment> segments = [];
            await Until(feed => (segments = Read(feed)).Count >= count);
            return segments;
        }

        public async ValueTask DisposeAsync()
        {
            await _hub.DisposeAsync();
            await Loops.DisposeAsync();
        }

        private static List<StampedSegment> Read(StampedFeed feed)
        {
            using var assembler = new SegmentAssembler();
            var bytes = new List<byte>();
            var place = new RingPlace(0);
            while (feed.Ring.Read(place, out var part) == RingRead.Bytes)
                bytes.AddRange(part.Span);
            var input = new System.Buffers.ReadOnlySequence<byte>(bytes.ToArray());
            var segments = new List<StampedSegment>();
            while (FeedCodec.TryRead(ref input, out var record))
            {
                if (assembler.Add(record, out var segment) == AssemblyStep.Completed)
                    segments.Add(segment!);
            }

            return segments;
        }
    }
}
