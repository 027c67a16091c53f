using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

/// <summary>
/// Ingests that are each other's peers, in virtual time and without sockets: the real loops, hubs and rings, and in the
/// place of HTTP links that can break. A packager at each follows the feed, and goes to the next as it does in truth.
/// </summary>
internal sealed class IngestWorld : IDisposable
{
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private static readonly TestEncoder Encoder = new()
    {
        Seconds = 300,
        FramesPerSecond = 10,
        Gops = [1],
        SampleRate = 0,
    };

    private static readonly IReadOnlyList<TestMessage> Programme = Encoder.Messages();
    private static readonly IReadOnlyList<TestMessage> OtherProgramme = (Encoder with { FrameBytes = 13 }).Messages();

    private readonly string _directory = Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"steadycast-{Guid.NewGuid():N}");

    private readonly Random _random;
    private readonly TestMeters _meters = new();
    private readonly Node[] _nodes;
    private readonly HashSet<(int, int)> _cut = [];

    /// <param name="seed">Of the order in which things happen within a step.</param>
    /// <param name="count">How many ingests.</param>
    /// <param name="isOneEncoder">Whether all are sent the same.</param>
    public IngestWorld(int seed, int count, bool isOneEncoder)
    {
        _random = new Random(seed);
        _nodes = [.. Enumerable.Range(0, count).Select(i => new Node(this, i, isOneEncoder || i == 0))];
        Packagers = [.. Enumerable.Range(0, count).Select(i => new Packager(this, i))];
        foreach (var node in _nodes)
            node.Start();
    }

    public ManualTime Time { get; } = new();

    public IReadOnlyList<Packager> Packagers { get; }

    public int Count => _nodes.Length;

    public long NowMs => (Time.GetTimestamp() - StartedAt) / TimeSpan.TicksPerMillisecond;

    public IEnumerable<string> Leaders => _nodes.Select(n => n.Leader);

    /// <summary>Whether one leads and all others follow it.</summary>
    public bool IsSettled => Array.FindIndex(_nodes, n => n.Leader == "self") is var leader and >= 0
        && _nodes.All(n => n == _nodes[leader] || n.Leader == $"http://ingest-{leader}/");

    /// <summary>The newest number of the one that leads.</summary>
    public long Edge => _nodes.First(n => n.Leader == "self").Loop!.Feed.State.EdgeMsn;

    public double Seamless => _meters.Sum("steadycast_feed_takeovers_total", "seam=none");

    public double Takeovers => _meters.Sum("steadycast_feed_takeovers_total");

    private long StartedAt { get; } = new ManualTime().GetTimestamp();

    public void Publish(int node) => _nodes[node].Publish();

    public void Unpublish(int node) => _nodes[node].Unpublish();

    public void Kill(int node) => _nodes[node].Kill();

    public void Start(int node) => _nodes[node].Start();

    public void Freeze(int node, bool isFrozen) => _nodes[node].IsFrozen = isFrozen;

    public void Cut(int a, int b) => _cut.UnionWith([(a, b), (b, a)]);

    /// <summary>All are there, can talk to each other, and are sent the stream.</summary>
    public void Heal()
    {
        _cut.Clear();
        foreach (var node in _nodes)
        {
            node.IsFrozen = false;
            node.Start();
            node.Publish();
        }
    }

    public void Run(double seconds)
    {
        for (var end = NowMs + (long)(seconds * 1000); NowMs < end;)
        {
            Time.Advance(Step);
            Action[] parts =
            [
                .. _nodes.Select(n => (Action)n.Turn),
                .. _nodes.SelectMany(n => n.Links).Select(l => (Action)l.Turn),
                .. Packagers.Select(p => (Action)p.Turn),
            ];
            _random.Shuffle(parts);
            foreach (var part in parts)
                part();
        }
    }

    public void Dispose()
    {
        foreach (var node in _nodes)
            node.Dispose();
        foreach (var packager in Packagers)
            packager.Dispose();
        _meters.Dispose();
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Where one stands in the feed of another, with what has come.</summary>
    private sealed class Reading(StampedFeed feed, long from)
    {
        private readonly RingPlace _place = new(from);
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public RingRead Read(List<FeedRecord> records)
        {
            RingRead read;
            while ((read = feed.Ring.Read(_place, out var part)) == RingRead.Bytes)
                _bytes.Write(part.Span);
            var input = new ReadOnlySequence<byte>(_bytes.WrittenMemory.ToArray());
            while (FeedCodec.TryRead(ref input, out var record))
                records.Add(record);
            _bytes.ResetWrittenCount();
            _bytes.Write(input.FirstSpan);
            return read;
        }
    }

    private sealed class Node(IngestWorld world, int index, bool isFirstEncoder) : IDisposable
    {
        private static readonly StreamName Stream =
            StreamName.TryParse("live/show", out var name, out _) ? name : throw new InvalidOperationException();

        private StreamHub? _hub;
        private Subscription? _subscription;
        private Publication? _publication;
        private int _sent;

        public FeedLoop? Loop { get; private set; }

        public Link[] Links { get; private set; } = [];

        public bool IsFrozen { get; set; }

        public Guid Id { get; private set; }

        public string Leader => Loop is null ? "gone" : Loop.Feed.Leads ? "self" : Loop.Summary.Leader ?? "nobody";

        public void Start()
        {
            if (Loop is not null)
                return;
            Id = new Guid(world._random.Next(), 0, 0, new byte[8]);
            _hub = new StreamHub(
                new HubOptions(), world.Time, new HubMetrics(world._meters), NullLogger<StreamHub>.Instance);
            Assert.True(_hub.TrySubscribe(Stream, new SubscriptionOptions(SubscriptionKind.Feed), out _subscription));
            var metrics = new FeedMetrics(world._meters);
            var ring = new ReplayRing(TimeSpan.FromSeconds(60), new RingBudget(RingBudget.DefaultBytes), metrics);
            var states = new EpochState(
                Path.Combine(world._directory, $"{index}"), world.Time, metrics, NullLogger.Instance);
            Loop = new FeedLoop(
                new StampedFeed(Stream.Value, ring, new FeedState(FeedActivity.Idle, 0, -1)), Id, 2, states, metrics,
                world.Time, NullLogger.Instance);
            Links =
            [
                .. Enumerable.Range(0, world.Count).Where(i => i != index).Select(i => new Link(world, index, i, Loop)),
            ];
            Loop.Await(Links.Select(l => l.Peer));
        }

        public void Publish()
        {
            if (Loop is null || IsFrozen || _publication is not null)
                return;
            Assert.Equal(PublishOutcome.Accepted, _hub!.Publish(Stream, new PublisherInfo("p"), out _publication));
            var messages = isFirstEncoder ? Programme : OtherProgramme;
            foreach (var header in messages.Where(m => m.Payload[1] == 0))
                _publication!.Append(new MediaMessage(header.Type, header.Timestamp, header.Payload));
            _sent = messages.Count(m => m.AtMs < world.NowMs);
        }

        public void Unpublish()
        {
            if (IsFrozen)
                return;
            _publication?.Dispose();
            _publication = null;
        }

        public void Kill()
        {
            if (Loop is null)
                return;
            (_publication, IsFrozen) = (null, false);
            _subscription!.Dispose();
            _hub!.DisposeAsync().AsTask().GetAwaiter().GetResult();
            Loop.Dispose();
            (Loop, Links) = (null, []);
        }

        public void Dispose() => Kill();

        public void Turn()
        {
            if (Loop is null || IsFrozen)
                return;
            var messages = isFirstEncoder ? Programme : OtherProgramme;
            for (; _publication is not null && messages[_sent].AtMs < world.NowMs; _sent++)
            {
                var message = messages[_sent];
                Assert.True(_publication.Append(new MediaMessage(message.Type, message.Timestamp, message.Payload)));
            }

            Loop.Read(_hub!.Find(Stream)!, _subscription!, isOpen: true);
        }
    }

    /// <summary>What <see cref="PeerFeed"/> does with one peer, and how long it takes.</summary>
    private sealed class Link(IngestWorld world, int from, int to, FeedLoop loop)
    {
        private readonly List<FeedRecord> _records = [];
        private FeedLoop? _asked;
        private Reading? _reading;
        private long _nextMs;
        private long? _sinceMs;
        private bool _again;

        public PeerFeed Peer { get; } = new(
            new Uri($"http://ingest-{to}/"), null!, loop, PeerPatience.Default, world.Time, NullLogger.Instance);

        private Node Other => world._nodes[to];

        public void Turn()
        {
            if (world._nodes[from] is not { IsFrozen: false, Loop: { } now } || now != loop || world.NowMs < _nextMs)
                return;
            if (_reading is null)
                Ask();
            else
                Follow();
        }

        private void Ask()
        {
            _sinceMs ??= world.NowMs;
            var silence = _again ? PeerPatience.Default.AnswerAgain : PeerPatience.Default.Silence;
            if (Other.IsFrozen || world._cut.Contains((from, to)))
            {
                if (world.NowMs - _sinceMs >= silence.TotalMilliseconds)
                    End(false);
                return;
            }

            _sinceMs = null;
            Other.Loop?.Feed.Tell(loop.Known.EpochId, loop.Known.EdgeMsn);
            if (Other.Loop is not { Feed.Leads: true } other)
            {
                End(false);
                return;
            }

            var msn = loop.NextMsn;
            if (!loop.TryFollow(Peer, Other.Id, other.Feed.State.EpochId))
                End(false);
            else if (msn == FeedLoop.NoSegments)
                End(true);
            else
                (_asked, _reading) = (other, new Reading(other.Feed, msn));
        }

        private void Follow()
        {
            if (Other.IsFrozen || world._cut.Contains((from, to)))
            {
                _sinceMs ??= world.NowMs;
                if (world.NowMs - _sinceMs >= PeerPatience.Default.Silence.TotalMilliseconds)
                    End(true);
                return;
            }

            _sinceMs = null;
            if (Other.Loop != _asked)
            {
                End(true);
                return;
            }

            _records.Clear();
            var read = _reading!.Read(_records);
            foreach (var record in _records)
                loop.Take(Peer, record);
            if (read == RingRead.Behind || !_asked!.Feed.Leads)
                End(true);
        }

        private void End(bool led)
        {
            (_reading, _sinceMs, _again) = (null, null, led);
            if (led)
                return;
            loop.Lost(Peer, "gone");
            _nextMs = world.NowMs + (long)PeerPatience.Default.Ask.TotalMilliseconds;
        }
    }

    /// <summary>Follows the ingest at its side, and the others in turn while that one is silent.</summary>
    internal sealed class Packager(IngestWorld world, int index) : IDisposable
    {
        private const long SilenceMs = 3000;

        private readonly SegmentAssembler _assembler = new();
        private readonly List<FeedRecord> _records = [];
        private int _at = index;
        private FeedLoop? _asked;
        private Reading? _reading;
        private long? _silentSince;
        private uint _epoch;

        public long Edge => Segments.Count == 0 ? -1 : Segments[^1].Begin.Msn;

        /// <summary>What it would publish.</summary>
        public List<StampedSegment> Segments { get; } = [];

        public void Turn()
        {
            var node = world._nodes[_at];
            if (node.IsFrozen)
            {
                _silentSince ??= world.NowMs;
                if (world.NowMs - _silentSince >= SilenceMs)
                    Next();
                return;
            }

            _silentSince = null;
            if (node.Loop is null || (_reading is not null && node.Loop != _asked))
            {
                Next();
                return;
            }

            if (_reading is null)
            {
                _asked = node.Loop;
                _asked.Feed.Tell(_epoch, Edge);
                _reading = new Reading(_asked.Feed, Edge + 1);
            }

            _records.Clear();
            var read = _reading.Read(_records);
            foreach (var record in _records)
            {
                _epoch = Math.Max(_epoch, record.Begin?.Epoch.EpochId ?? 0);
                var step = _assembler.Add(record, out var segment);
                Assert.NotEqual(AssemblyStep.Damaged, step);
                if (segment is not null && segment.Begin.Msn > Edge)
                    Segments.Add(segment);
            }

            if (read == RingRead.Behind)
                Next();
        }

        public void Dispose() => _assembler.Dispose();

        private void Next() => (_reading, _silentSince, _at) = (null, null, (_at + 1) % world.Count);
    }
}
