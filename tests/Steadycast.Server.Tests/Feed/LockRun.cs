using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>A leader and a follower that are each sent messages, up to the leader's death after some record.</summary>
internal sealed class LockRun : IDisposable
{
    private static readonly Guid LeaderId = new(1, 2, 3, new byte[8]);
    private static readonly Guid FollowerId = new(4, 5, 6, new byte[8]);

    private readonly Cutter _leader;
    private readonly HashLock _lock = new(FollowerId, 2);
    private readonly Mirror _mirror = new(null, 0, -1);
    private readonly List<FeedRecord> _output = [];
    private Cutter? _follower;

    /// <param name="leaderMsn">The leader's numbers are not from the clock.</param>
    public LockRun(StreamNumbers? leaderMsn = null) => _leader = new Cutter("live/show", LeaderId, 2, leaderMsn);

    /// <summary>What the follower hands on.</summary>
    public List<FeedRecord> Records { get; } = [];

    /// <summary>How many of them are the leader's.</summary>
    public int FromLeader { get; private set; }

    public bool IsLocked => _lock.IsLocked;

    /// <summary>How many of the leader's records had come when it was first locked; null: never.</summary>
    public int? LockedAt { get; private set; }

    /// <summary>Whether the follower went on without a seam; false: it has not, or there was no lock.</summary>
    public bool WentOn => _follower is not null;

    /// <summary>One history: what each is sent, in the order of <see cref="TestMessage.AtMs"/>.</summary>
    /// <param name="toLeader">With when it comes.</param>
    /// <param name="toFollower">The same of the follower's own publisher; 1 more, another publisher.</param>
    /// <param name="die">After how many of its records the leader is gone.</param>
    public LockRun Run(
        IEnumerable<TestMessage> toLeader,
        IEnumerable<(TestMessage Message, int Publication)> toFollower,
        int die = int.MaxValue)
    {
        var all = toLeader.Select(m => (m.AtMs, IsOwn: false, Message: m, Publication: 1))
            .Concat(toFollower.Select(m => (m.Message.AtMs, IsOwn: true, m.Message, m.Publication)))
            .OrderBy(e => e.AtMs);
        foreach (var (at, isOwn, message, publication) in all)
        {
            var input = new CutterInput(message.Type, message.Timestamp, publication, false, message.Payload);
            var utcMs = CutterRun.StartUtcMs + at;
            if (isOwn)
                ToFollower(input, utcMs);
            else if (FromLeader < die)
                ToLeader(input, utcMs, die);
            if (FromLeader >= die && _follower is null)
                _follower = _lock.TakeOver(_mirror.Numbers, Records);
            if (FromLeader >= die && _follower is null && !_lock.IsBehind)
                return this;
        }

        return this;
    }

    public List<StampedSegment> Segments() => SegmentsOf(Records);

    public static List<StampedSegment> SegmentsOf(IEnumerable<FeedRecord> records)
    {
        using var assembler = new SegmentAssembler();
        var segments = new List<StampedSegment>();
        foreach (var record in records)
        {
            var step = assembler.Add(record, out var segment);
            Assert.False(step is AssemblyStep.Damaged or AssemblyStep.Fenced, step.ToString());
            if (segment is not null)
                segments.Add(segment);
        }

        return segments;
    }

    public void Dispose()
    {
        _leader.Dispose();
        _lock.Dispose();
        _follower?.Dispose();
    }

    private void ToFollower(in CutterInput input, long utcMs)
    {
        if (_follower is null)
        {
            _lock.Push(input, utcMs);
            NoteLock();
            return;
        }

        _output.Clear();
        _follower.Push(input, utcMs, _output);
        Records.AddRange(_output);
    }

    private void ToLeader(in CutterInput input, long utcMs, int die)
    {
        _output.Clear();
        _leader.Push(input, utcMs, _output);
        foreach (var record in _output.Take(die - FromLeader))
        {
            Assert.True(_mirror.Takes(record));
            Records.Add(record);
            FromLeader++;
            _lock.Take(record);
            NoteLock();
        }
    }

    private void NoteLock()
    {
        if (_lock.IsLocked)
            LockedAt ??= FromLeader;
    }
}
