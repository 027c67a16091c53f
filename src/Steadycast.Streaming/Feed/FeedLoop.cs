using Microsoft.Extensions.Logging;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Feed;

/// <summary>Drives one stream's cutter from the hub, and hands on what it says once its numbers are stored.</summary>
/// <remarks>
/// <para>One <see cref="RunAsync"/> at a time; the feed and its numbers outlive each of them.</para>
/// <para>
/// With peers (other ingests that are sent the same stream) one of them leads: it numbers and cuts. The others pass
/// its records on as they are, and keep the newest of what they are sent themselves; when the leader is gone, or has no
/// publisher, the first that notices goes on with its numbers in the next epoch, from the keyframe with which the
/// unfinished segment began; without a seam where its own publisher sends the same (<see cref="HashLock"/>). If two
/// lead, the newer epoch stays, of equal ones the lower id. Peers call in on tasks of their own, so all work is done in
/// turns.
/// </para>
/// </remarks>
internal sealed partial class FeedLoop(
    StampedFeed feed,
    Guid ingestId,
    int segmentSeconds,
    EpochState states,
    FeedMetrics metrics,
    TimeProvider time,
    ILogger logger) : IDisposable
{
    /// <summary>How soon after its publisher a segment ends; also how often health is brought up to date.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WarningInterval = TimeSpan.FromMinutes(1);

    private const int MaxBatch = 256;

    /// <summary>What a follower keeps: the longest segment, and the time that it takes to miss a leader.</summary>
    private static readonly TimeSpan Keep = TimeSpan.FromSeconds(20);

    private const int MaxKeptBytes = 16 << 20;

    /// <summary>How much later our publisher may be than the leader that is gone, for there to be no seam.</summary>
    private static readonly TimeSpan MaxBehind = TimeSpan.FromSeconds(1);

    private readonly Lock _turn = new();
    private readonly StandbyBuffer _kept = new(Keep, MaxKeptBytes, time);
    private readonly HashSet<PeerFeed> _unasked = [];
    private PeerFeed? _leader;
    private Mirror? _mirror;
    private HashLock? _lock;
    private bool _isLocked;
    private long _lostAt;
    private FeedActivity _leaderActivity;
    private long _begunAt;
    private int _keptPublication;
    private PeerFeed[] _peers = [];
    private long? _readAt;
    private bool _isKeeping;
    private bool _mayDiffer;
    private Publication? _publication;

    private readonly List<FeedRecord> _records = [];
    private CutterCounters _counted = new();
    private Cutter? _cutter;
    private StreamNumbers? _stored;
    private bool _isLoaded;
    private bool _wasLost;
    private long _edge = -1;
    private uint _epoch;
    private long? _warnedAt;
    private volatile FeedSummary _summary = FeedSummary.Of(FeedActivity.Idle, null, null, -1);

    public StampedFeed Feed => feed;

    /// <summary>After which peers take a leader for frozen.</summary>
    public TimeSpan Silence { get; init; } = PeerPatience.Default.Silence;

    public FeedSummary Summary => _summary;

    /// <summary>Of no segment: a leader asks its peers only whether they lead as well.</summary>
    public const long NoSegments = long.MaxValue;

    /// <summary>Of this process.</summary>
    public Guid IngestId => ingestId;

    /// <summary>From where on to ask a peer that leads; from the start, where we may have gone another way.</summary>
    public long NextMsn => feed.Leads ? NoSegments : _mayDiffer ? 0 : Math.Max(0, _edge + 1);

    /// <summary>The newest epoch and segment that we know of, from our own past too: peers are told.</summary>
    public (uint EpochId, long EdgeMsn) Known
    {
        get
        {
            lock (_turn)
                return (Math.Max(_epoch, _stored?.EpochId ?? 0), Math.Max(_edge, (_stored?.NextMsn ?? 0) - 1));
        }
    }

    /// <summary>We lead only after each of them has been asked.</summary>
    public void Await(IEnumerable<PeerFeed> peers)
    {
        lock (_turn)
        {
            _peers = [.. peers];
            _unasked.UnionWith(_peers);
            Load();
        }
    }

    /// <summary>A peer leads: true when we follow it from here on, or did already.</summary>
    public bool TryFollow(PeerFeed peer, Guid peerId, uint peerEpoch)
    {
        lock (_turn)
        {
            _unasked.Remove(peer);
            if (_leader is not null)
                return _leader == peer;
            var outranks = peerEpoch > _epoch || (peerEpoch == _epoch && peerId.CompareTo(ingestId) < 0);
            if (feed.Leads && !outranks)
                return false;
            LogFollows(feed.Stream, peer.Address, peerEpoch);
            metrics.LeaderChanged("peer");
            _stored = _cutter?.State ?? Load();
            DropCutter();
            (_leader, _mirror, _begunAt) = (peer, new Mirror(_stored, _epoch, _edge), time.GetTimestamp());
            _isKeeping = _keptPublication > 0;
            NewLock();
            _mayDiffer |= feed.Leads;
            _leaderActivity = FeedActivity.Starting;
            Tell(FeedActivity.Starting);
            return true;
        }
    }

    /// <summary>A record of the peer that we follow; false when we do not any more.</summary>
    public bool Take(PeerFeed peer, in FeedRecord record)
    {
        lock (_turn)
        {
            if (_leader != peer)
                return false;
            _leaderActivity = record.State?.Activity ?? _leaderActivity;
            if (!_mirror!.Takes(record))
            {
                Tell(_leaderActivity);
                return true;
            }

            if (_mirror.Numbers is { } numbers && numbers != _stored)
                states.Save(feed.Stream, _stored = numbers);
            if (record.Begin is { } begin)
                (_epoch, _begunAt) = (begin.Epoch.EpochId, time.GetTimestamp());
            (_edge, _mayDiffer) = record.End is { } end ? (end.Msn, false) : (_edge, _mayDiffer);
            _records.Add(record);
            Tell(_leaderActivity);
            var told = record;
            Guarded(() => _lock?.Take(told));
            return true;
        }
    }

    /// <summary>A peer does not lead, or cannot be asked.</summary>
    public void Lost(PeerFeed peer, string reason)
    {
        lock (_turn)
        {
            _unasked.Remove(peer);
            if (_leader == peer)
            {
                LogLeaderLost(feed.Stream, peer.Address, reason);
                (_leader, _lostAt) = (null, time.GetTimestamp());
                Tell(FeedActivity.Idle);
            }

            if (MayLead && _isKeeping)
                Guarded(GoOn);
        }
    }

    /// <summary>Reads the subscription until the hub closes it.</summary>
    public async Task RunAsync(LiveStream stream, Subscription subscription)
    {
        var tick = new CancellationTokenSource(Tick, time);
        try
        {
            var isOpen = true;
            while (isOpen)
            {
                isOpen = await WaitAsync(subscription, tick);
                if (tick.IsCancellationRequested)
                {
                    tick.Dispose();
                    tick = new CancellationTokenSource(Tick, time);
                }

                Read(stream, subscription, isOpen);
            }
        }
        finally
        {
            tick.Dispose();
            subscription.Dispose();
        }
    }

    /// <summary>What there is to read, in one turn.</summary>
    internal void Read(LiveStream stream, Subscription subscription, bool isOpen)
    {
        lock (_turn)
            Guarded(() => ReadAll(stream, subscription, isOpen));
    }

    public void Dispose()
    {
        _lock?.Dispose();
        _cutter?.Dispose();
        feed.Dispose();
    }

    private static async ValueTask<bool> WaitAsync(Subscription subscription, CancellationTokenSource tick)
    {
        try
        {
            return await subscription.WaitAsync(tick.Token);
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private void ReadAll(LiveStream stream, Subscription subscription, bool isOpen)
    {
        // Asked first: what a publisher sent before it left is then already in the log.
        var publication = _publication = isOpen ? stream.Publication : null;
        if (_readAt is { } readAt && time.GetElapsedTime(readAt) > Silence && feed.Leads && _peers.Length > 0)
            AskAgain();
        _readAt = time.GetTimestamp();
        if (!MayLead)
        {
            while (subscription.TryReadMessage(out var message))
                KeepMessage(message);
            if (publication is null)
                Forget();
            return;
        }

        if (_isKeeping)
            GoOn();
        if (_peers.Length > 0 && Cutter().State is { } state && feed.Known.EpochId > state.EpochId)
            GoBeyond(state, feed.Known);
        var cutter = Cutter();
        var batch = 0;
        while (subscription.TryReadMessage(out var message))
        {
            if (_peers.Length > 0)
                KeepMessage(message);
            cutter.Push(InputOf(message), UtcMsOf(message.ArrivedAt), _records);
            if (++batch % MaxBatch == 0)
                HandOn(cutter, publication);
        }

        if (publication is null)
            Forget();
        if (publication is null && cutter.Activity != FeedActivity.Idle)
            cutter.Finish(_records);
        HandOn(cutter, publication);
    }

    /// <summary>
    /// We were frozen for so long that a peer may lead: nothing more is said before all have been asked, and what was
    /// begun is taken back.
    /// </summary>
    private void AskAgain()
    {
        _stored = _cutter?.State ?? _stored;
        DropCutter();
        _unasked.UnionWith(_peers);
        (_mayDiffer, _begunAt) = (true, time.GetTimestamp());
        Tell(FeedActivity.Starting);
    }

    private bool MayLead => _leader is null && _unasked.Count == 0 && !AwaitsOwn;

    /// <summary>
    /// The leader was ahead of our publisher: what it ended is compared first, so that there is no seam after it.
    /// </summary>
    private bool AwaitsOwn => _lock is { IsBehind: true } && time.GetElapsedTime(_lostAt) < MaxBehind;

    /// <summary>All of it as long as a peer leads; of what goes to our cutter, the headers.</summary>
    private void KeepMessage(in LogMessage message)
    {
        if (_keptPublication != message.PublicationNumber)
            _kept.Clear();
        _keptPublication = message.PublicationNumber;
        _isKeeping = !MayLead;
        var media = new MediaMessage(message.Type, message.WireTimestamp, message.Payload);
        var kind = MessageKind.Of(media);
        if (_isKeeping || kind.HeaderKey != 0)
            _kept.Add(media, kind, message.ArrivedAt);
        if (_isKeeping)
            _lock?.Push(InputOf(message), UtcMsOf(message.ArrivedAt));
    }

    private static CutterInput InputOf(in LogMessage message) => new(
        message.Type,
        message.WireTimestamp,
        message.PublicationNumber,
        message.Flags.HasFlag(LogMessageFlags.AfterSkip),
        message.Payload);

    /// <summary>When it came, not when it is read: what a standby takes over with has waited.</summary>
    private long UtcMsOf(long arrivedAt) =>
        (time.GetUtcNow() - time.GetElapsedTime(arrivedAt)).ToUnixTimeMilliseconds();

    /// <summary>With what our publisher has said of its tracks so far.</summary>
    private void NewLock()
    {
        DropLock();
        _lock = new HashLock(ingestId, segmentSeconds);
        foreach (var header in _kept.Headers.Items)
        {
            var input = new CutterInput(header.Type, header.WireTimestamp, _keptPublication, false, header.Payload);
            _lock.Push(input, 0);
        }
    }

    private void DropLock()
    {
        _lock?.Dispose();
        _lock = null;
        ShowLock();
    }

    private void ShowLock()
    {
        var isLocked = _lock is { IsLocked: true };
        if (isLocked == _isLocked)
            return;
        _isLocked = isLocked;
        metrics.Locked(isLocked);
        if (isLocked)
            LogLocked(feed.Stream);
        else if (_leader is not null)
            LogUnlocked(feed.Stream);
    }

    /// <summary>We lead: with what was kept since the segment began that nobody will end any more.</summary>
    private void GoOn()
    {
        var first = _mirror?.Numbers?.NextMsn ?? 0;
        _isKeeping = false;
        var same = _lock?.TakeOver(_mirror?.Numbers, _records);
        var isSeamless = same is not null;
        var cutter = same is null ? PushKept(Cutter()) : Adopt(same);
        DropLock();
        _kept.Begin(_kept.Headers);
        if (_mirror is not null)
        {
            _mirror = null;
            metrics.LeaderChanged("self");
            metrics.TookOver(isSeamless);
            LogLeads(feed.Stream, first, isSeamless ? "without a seam" : "after a discontinuity");
        }

        HandOn(cutter, _publication);
    }

    /// <summary>
    /// Another led while we could not see it, and is gone: who heard it does not take our epoch, and its numbers are
    /// used up.
    /// </summary>
    private void GoBeyond(StreamNumbers state, FeedState known)
    {
        LogReplaced(feed.Stream, known.EpochId, known.EdgeMsn);
        DropCutter();
        _stored = state with
        {
            EpochId = known.EpochId,
            NextMsn = Math.Max(state.NextMsn, known.EdgeMsn + 1),
            HasSegments = true,
        };
        states.Save(feed.Stream, _stored);
        PushKept(Cutter());
    }

    private Cutter Adopt(Cutter cutter)
    {
        _cutter?.Dispose();
        _counted = cutter.Counters.Copy();
        return _cutter = cutter;
    }

    private Cutter PushKept(Cutter cutter)
    {
        var now = time.GetTimestamp();
        foreach (var (message, arrivedAt) in _kept.From(_kept.GroupAt(_begunAt), now))
        {
            var input = new CutterInput(message.Type, message.Timestamp, _keptPublication, false, message.Payload);
            cutter.Push(input, UtcMsOf(arrivedAt), _records);
        }

        return cutter;
    }

    private void Forget()
    {
        _lock?.Forget();
        ShowLock();
        _kept.Clear();
        (_keptPublication, _isKeeping) = (0, false);
    }

    /// <summary>What a follower hands on.</summary>
    private void Tell(FeedActivity activity)
    {
        feed.Append(_records, new FeedState(activity, _epoch, _edge), leads: false);
        _records.Clear();
        var (publisher, leader) = (_publication?.Publisher.RemoteEndPoint, _leader?.Address.ToString());
        ShowLock();
        if (_summary.EdgeMsn == _edge && _summary.Activity == activity && _summary.Leader == leader
            && _summary.IsLocked == _isLocked)
            return;
        _summary = FeedSummary.Of(activity, null, publisher, _edge) with { Leader = leader, IsLocked = _isLocked };
    }

    /// <summary>A fault of ours ends the epoch, not the stream: the next keyframe starts with a new cutter.</summary>
    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            LogFault(e, feed.Stream);
            _stored = _cutter?.State ?? _stored;
            DropCutter();
            DropLock();
        }
    }

    private void DropCutter()
    {
        _records.Clear();
        _cutter?.Dispose();
        _cutter = null;
        _counted = new CutterCounters();
    }

    private Cutter Cutter()
    {
        if (_cutter is not null)
            return _cutter;
        return _cutter = new Cutter(feed.Stream, ingestId, segmentSeconds, Load(), _wasLost);
    }

    private StreamNumbers? Load()
    {
        if (!_isLoaded)
            _stored = states.Load(feed.Stream, out _wasLost);
        _isLoaded = true;
        return _stored;
    }

    private void HandOn(Cutter cutter, Publication? publication)
    {
        if (_records.Count > 0 && cutter.State is { } state && state != _stored)
        {
            states.Save(feed.Stream, state);
            _stored = state;
        }

        var before = (_edge, _epoch);
        var first = 0L;
        foreach (var record in _records)
        {
            _edge = record.End?.Msn ?? _edge;
            if (record.Begin is not { } begin || begin.Epoch.EpochId == _epoch)
                continue;
            (_epoch, first) = (begin.Epoch.EpochId, begin.Msn);
        }

        var leads = cutter.Activity != FeedActivity.Idle;
        feed.Append(_records, new FeedState(cutter.Activity, _epoch, _edge), leads);
        _records.Clear();
        Count(cutter);
        var publisher = publication?.Publisher.RemoteEndPoint;
        if (before == (_edge, _epoch) && cutter.Activity == _summary.Activity && publisher == _summary.Publisher)
            return;
        _summary = FeedSummary.Of(cutter.Activity, cutter.Facts, publisher, _edge) with
        {
            Leader = leads ? "self" : null,
        };
        if (_epoch != before._epoch)
            LogOnAir(feed.Stream, _epoch, first, _summary.Codecs);
    }

    private void Count(Cutter cutter)
    {
        var hasCut = cutter.Counters.Cuts > _counted.Cuts;
        var refusedClock = cutter.Counters.WallClocksRefused > _counted.WallClocksRefused;
        var wasForced = cutter.Counters.ForcedCuts > _counted.ForcedCuts;
        metrics.Add(cutter.Counters, _counted);
        if (refusedClock)
            LogWallClock(feed.Stream, cutter.Counters.WallClockErrorMs / 1000.0);
        if (hasCut && cutter.Facts is { KeyframeSeconds: > 0 } facts)
            metrics.KeyframeInterval(facts.KeyframeSeconds);
        if (!wasForced || (_warnedAt is { } at && time.GetElapsedTime(at) < WarningInterval))
            return;
        _warnedAt = time.GetTimestamp();
        LogForced(feed.Stream, cutter.Facts!.KeyframeSeconds, cutter.State!.TargetDurationSeconds, segmentSeconds);
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{StreamName} brought no keyframe for {Seconds:F1} s, longer than its target duration of {Target} s: "
            + "segments are cut between keyframes, where viewers cannot join. Set the encoder's keyframe interval to "
            + "{SegmentSeconds} s")]
    private partial void LogForced(string streamName, double seconds, int target, int segmentSeconds);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The time of day in the pictures of {StreamName} is {Seconds:F1} s off this machine's and is not "
            + "used: set the clocks of the encoder and of this machine")]
    private partial void LogWallClock(string streamName, double seconds);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{StreamName} is on air: epoch {EpochId} from segment {Msn}, {Codecs}")]
    private partial void LogOnAir(string streamName, uint epochId, long msn, string codecs);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{StreamName} is led by the ingest {Peer}, epoch {EpochId}: its segments are passed on as they are")]
    private partial void LogFollows(string streamName, Uri peer, uint epochId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{StreamName} is led by the ingest {Peer} no more: {Reason}")]
    private partial void LogLeaderLost(string streamName, Uri peer, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{StreamName} goes on from this ingest's own publisher with segment {Msn}, {Seam}")]
    private partial void LogLeads(string streamName, long msn, string seam);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{StreamName} was led by another ingest meanwhile, up to segment {Msn} of epoch {EpochId}; this one "
            + "goes on behind it from the next keyframe")]
    private partial void LogReplaced(string streamName, uint epochId, long msn);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{StreamName} is locked: this ingest's publisher sends the same, and would go on without a seam")]
    private partial void LogLocked(string streamName);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{StreamName} is locked no more: this ingest's publisher would go on after a discontinuity")]
    private partial void LogUnlocked(string streamName);

    [LoggerMessage(Level = LogLevel.Error, Message = "The feed of {StreamName} failed and starts anew")]
    private partial void LogFault(Exception exception, string streamName);
}
