using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>One stream: its log, its publishers if it has any, and its subscribers.</summary>
/// <remarks>
/// <para>
/// The writer gate makes who holds it the log's only writer: a publisher for the length of one append, the hub when
/// publishers change or when an idle log is trimmed. It is free but for those moments, which are microseconds; so the
/// publisher takes it with one interlocked exchange and never waits for readers. Only a change of publishers holds it
/// longer: for the copy of what the new one had kept.
/// </para>
/// <para>
/// Publishers come and go under the hub's lock and the gate, who is on air changes under the gate. Whenever there is a
/// publisher, one is on air.
/// </para>
/// </remarks>
public sealed class LiveStream
{
    private const int MaxHeaderBytes = 64 * 1024;

    private readonly Lock subscribersGate = new();
    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly HubMetrics metrics;
    private readonly Action<LiveStream, PublisherSwitch> switched;
    private readonly PublisherArbiter arbiter;
    private readonly StreamLog log;
    private readonly LogWriter writer;
    private WakeGroup[] groups = [];
    private Publication? publication;
    private Publication? main;
    private Publication? standby;
    private ITimer? mergeTimer;
    private int writerGate;
    private long released;
    private long playersWokenAt;
    private bool audioIsHeld;

    /// <param name="switched">Told of each change of who is on air from one to the other, after it.</param>
    internal LiveStream(
        StreamName name,
        HubOptions options,
        SlabPool pool,
        TimeProvider time,
        HubMetrics metrics,
        Action<LiveStream, PublisherSwitch> switched)
    {
        Name = name;
        (this.options, this.time, this.metrics, this.switched) = (options, time, metrics, switched);
        arbiter = new PublisherArbiter(options.Standby, time);
        log = new StreamLog(pool, options.MaxLogBytes);
        writer = new LogWriter(this, log, time, metrics);
        IdleSince = time.GetTimestamp();
    }

    public StreamName Name { get; }

    /// <summary>The publisher that is on air.</summary>
    public Publication? Publication => Volatile.Read(ref publication);

    /// <summary>How often one publisher took over from the other.</summary>
    public int Switches { get; private set; }

    public PublisherSwitch? LastSwitch { get; private set; }

    /// <summary>How many players it has (relays, feeds and recorders not counted).</summary>
    public int PlayerCount => CountOf(SubscriptionKind.Player);

    /// <summary>Bytes of chunks ever appended.</summary>
    public long BytesIn => log.Head;

    internal StreamLog Log => log;

    /// <summary>How often somebody went on air.</summary>
    internal int PublicationCount { get; private set; }

    internal Publication? Main => Volatile.Read(ref main);

    internal Publication? Standby => Volatile.Read(ref standby);

    /// <summary>Since when it has neither publisher nor player, as a timestamp.</summary>
    internal long IdleSince { get; private set; }

    /// <summary>Up to where players are to be woken, when writes are merged.</summary>
    internal long Released => Volatile.Read(ref released);

    internal bool IsUsed => Publication is not null
        || CountOf(SubscriptionKind.Player) + CountOf(SubscriptionKind.Relay) > 0;

    /// <summary>The publishers of this moment, the main one first.</summary>
    public PublisherState[] Publishers()
    {
        long now = time.GetTimestamp();
        EnterWriter();
        try
        {
            return [.. new[] { main, standby }.OfType<Publication>().Select(p => StateOf(p, now))];
        }
        finally
        {
            ExitWriter();
        }
    }

    internal bool Append(Publication from, in MediaMessage message)
    {
        long now = time.GetTimestamp();
        PublisherSwitch? change = null;
        bool isOnAir;
        EnterWriter();
        try
        {
            if (!ReferenceEquals(main, from) && !ReferenceEquals(standby, from))
                return false;
            isOnAir = ReferenceEquals(publication, from);
            MessageKind? kind = KindOf(message);
            from.Vitals.Took(
                message.Type, kind is { IsCoded: true }, message.Timestamp, now, options.Standby.TakeoverAfter);
            if (kind is { } known && isOnAir)
                writer.Append(from, message, known, now, now);
            else if (kind is { } kept)
                change = KeepInGate(from, message, kept, now);
        }
        finally
        {
            ExitWriter();
        }

        if (isOnAir)
            SignalAll(players: MayWakePlayers(message.Type, now));
        else if (change is not null)
            Announce(change);
        return true;
    }

    /// <summary>A publisher comes, and another may have to leave for it. Under the hub's lock.</summary>
    internal void Enter(Publication entering, Publication? leaving)
    {
        EnterWriter();
        bool isFree = publication is null || ReferenceEquals(publication, leaving);
        ClearPlace(leaving);
        if (entering.Publisher.Role == PublisherRole.Standby)
            Volatile.Write(ref standby, entering);
        else
            Volatile.Write(ref main, entering);
        if (isFree)
            PutOnAir(entering);
        ExitWriter();
        AirChanged();
    }

    /// <summary>A publisher goes; the other one, if there is one, takes over. Under the hub's lock.</summary>
    /// <returns>False when it had gone before.</returns>
    internal bool Leave(Publication leaving)
    {
        PublisherSwitch? change = null;
        EnterWriter();
        bool wasThere = ReferenceEquals(main, leaving) || ReferenceEquals(standby, leaving);
        ClearPlace(leaving);
        if (ReferenceEquals(publication, leaving))
        {
            if ((main ?? standby) is { } other)
                change = SwitchInGate(other, SwitchReason.Left, leaving.Vitals, time.GetTimestamp());
            else
                PutOnAir(null);
        }

        ExitWriter();
        AirChanged();
        if (change is not null)
            Announce(change);
        return wasThere;
    }

    /// <summary>Wakes players for audio that no picture has followed, ten times a second.</summary>
    internal void ReleaseAudio()
    {
        if (Volatile.Read(ref audioIsHeld))
            WakePlayers();
    }


    internal Subscription Subscribe(SubscriptionOptions subscription)
    {
        var added = new Subscription(this, subscription, options, time, metrics);
        lock (subscribersGate)
        {
            if (!groups.Any(g => g.TryAdd_NeedsLock(added)))
            {
                var group = new WakeGroup(subscription.Kind);
                group.TryAdd_NeedsLock(added);
                Volatile.Write(ref groups, [.. groups, group]);
            }
        }

        metrics.Subscribed(subscription.Kind);
        return added;
    }

    internal void Remove(Subscription subscription)
    {
        lock (subscribersGate)
        {
            foreach (WakeGroup group in groups)
                group.Remove_NeedsLock(subscription);
            if (groups.Any(g => g.Count == 0))
                Volatile.Write(ref groups, [.. groups.Where(g => g.Count > 0)]);
        }

        IdleSince = time.GetTimestamp();
        metrics.Unsubscribed(subscription.Kind);
    }

    /// <summary>Once a second: an idle log keeps nothing but what cursors have still to read.</summary>
    internal void TrimIdle()
    {
        if (!log.IsIdle)
            return;
        EnterWriter();
        if (log.IsIdle)
            log.Trim(SlowestSlab());
        ExitWriter();
    }

    /// <summary>Closes every subscription and lets go of the log.</summary>
    internal void Close()
    {
        EnterWriter();
        ClearPlace(main);
        ClearPlace(standby);
        PutOnAir(null);
        log.Close();
        ExitWriter();
        AirChanged();
        foreach (WakeGroup group in Volatile.Read(ref groups))
            group.CloseAll();
    }

    internal long SlowestSlab()
    {
        long slowest = long.MaxValue;
        foreach (WakeGroup group in Volatile.Read(ref groups))
            slowest = Math.Min(slowest, group.SlowestSlab());
        return slowest;
    }

    private PublisherState StateOf(Publication of, long now)
    {
        bool isOnAir = ReferenceEquals(of, publication);
        TimeSpan still = of.Vitals.StillFor(now);
        bool isReady = isOnAir || (of.Buffer.CanBegin && still < options.Standby.TakeoverAfter);
        return new PublisherState(of.Publisher, isOnAir, isReady, still);
    }

    private void ClearPlace(Publication? of)
    {
        if (of is null)
            return;
        if (ReferenceEquals(main, of))
            Volatile.Write(ref main, null);
        if (ReferenceEquals(standby, of))
            Volatile.Write(ref standby, null);
        of.Buffer.Clear();
    }

    /// <summary>Another publisher's messages, or nobody's, are the stream from here on.</summary>
    private void PutOnAir(Publication? next)
    {
        writer.Begin();
        metrics.OnAir(publication?.Publisher.Role, next?.Publisher.Role);
        if (next is not null)
            next.Number = ++PublicationCount;
        Volatile.Write(ref publication, next);
    }

    /// <summary>What follows a change of publishers outside of the gate. Under the hub's lock.</summary>
    private void AirChanged()
    {
        IdleSince = time.GetTimestamp();
        Release();
        bool isMerging = Publication is not null && options.MergeWindow > TimeSpan.Zero;
        if (isMerging == mergeTimer is not null)
            return;
        mergeTimer?.Dispose();
        mergeTimer = isMerging
            ? time.CreateTimer(static s => ((LiveStream)s!).Release(), this, options.MergeWindow, options.MergeWindow)
            : null;
    }

    /// <summary>Keeps a message of the one who is not on air, and sees whether it is its turn.</summary>
    private PublisherSwitch? KeepInGate(Publication from, in MediaMessage message, in MessageKind kind, long now)
    {
        StandbyBuffer buffer = from.Buffer;
        StandbyStep step = buffer.Add(message, kind, now);
        if (step == StandbyStep.GivenUp)
            metrics.NotReplayable();
        else if (step is StandbyStep.TooEarly or StandbyStep.TooManyTracks)
            metrics.Dropped(step == StandbyStep.TooEarly ? "before_keyframe" : "too_many_tracks");
        bool isAtKeyframe = step == StandbyStep.Begun;
        PublisherVitals onAir = publication!.Vitals;
        return arbiter.Judge(
            onAir, from.Vitals, from.Publisher.Role, buffer.CanBegin, isAtKeyframe, now) is { } reason
            ? SwitchInGate(from, reason, onAir, now)
            : null;
    }

    /// <summary>
    /// Puts the other one on air: (1) what it needs to know of the one before, should it come back, (2) with the last
    /// keyframe that leaves no hole, or with the newest when the one before is well, (3) what it has kept since then.
    /// </summary>
    private PublisherSwitch SwitchInGate(Publication to, SwitchReason reason, PublisherVitals before, long now)
    {
        if (ReferenceEquals(main, publication) || ReferenceEquals(standby, publication))
            publication!.Buffer.Begin(log.Headers);
        StandbyBuffer buffer = to.Buffer;
        PutOnAir(to);
        int first = reason == SwitchReason.Returned ? buffer.Newest : buffer.GroupAt(before.LastProgressAt);
        foreach ((MediaMessage message, long arrivedAt) in buffer.From(first, now))
            writer.Append(to, message, MessageKind.Of(message), now, arrivedAt);
        buffer.Clear();
        arbiter.Switched(to.Publisher.Role, reason, now);
        metrics.Switched(to.Publisher.Role, reason, before.StillFor(now));
        (Switches, LastSwitch) = (Switches + 1, new PublisherSwitch(to.Publisher, reason, time.GetUtcNow()));
        return LastSwitch;
    }

    private void Announce(PublisherSwitch change)
    {
        SignalAll(players: true);
        switched(this, change);
    }

    /// <summary>Null, and counted: nothing that a stream is made of.</summary>
    private MessageKind? KindOf(in MediaMessage message)
    {
        string? fault = null;
        MessageKind kind = default;
        if (message.Payload.IsEmpty
            || message.Type is not (RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.DataAmf0))
            fault = "not_media";
        else if ((kind = MessageKind.Of(message)).HeaderKey != 0 && message.Payload.Length > MaxHeaderBytes)
            fault = "header_too_large";
        if (fault is null)
            return kind;
        metrics.Dropped(fault);
        return null;
    }

    /// <summary>The end of a merge window: all that has been written may wake players.</summary>
    private void Release()
    {
        long head = log.Head;
        if (head == Released)
            return;
        Volatile.Write(ref released, head);
        WakePlayers();
    }

    private bool MayWakePlayers(RtmpMessageType type, long now)
    {
        if (options.MergeWindow > TimeSpan.Zero)
            return false;
        bool isHeld = type == RtmpMessageType.Audio && time.GetElapsedTime(playersWokenAt, now) < options.AudioWait;
        Volatile.Write(ref audioIsHeld, isHeld);
        if (!isHeld)
            playersWokenAt = now;
        return !isHeld;
    }

    private void WakePlayers()
    {
        Volatile.Write(ref audioIsHeld, false);
        SignalAll(players: true);
    }

    private void SignalAll(bool players)
    {
        Interlocked.MemoryBarrier();
        foreach (WakeGroup group in Volatile.Read(ref groups))
            if (players || !group.IsPlayers)
                group.Signal();
    }

    private int CountOf(SubscriptionKind kind) =>
        Volatile.Read(ref groups).Where(g => g.Kind == kind).Sum(g => g.Count);

    private void EnterWriter()
    {
        var spin = default(SpinWait);
        while (Interlocked.Exchange(ref writerGate, 1) != 0)
            spin.SpinOnce(sleep1Threshold: -1);
    }

    private void ExitWriter() => Volatile.Write(ref writerGate, 0);
}
