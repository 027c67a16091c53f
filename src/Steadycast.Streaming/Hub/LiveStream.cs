using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>One stream: its log, its publisher if it has one, and its subscribers.</summary>
/// <remarks>
/// The writer gate makes who holds it the log's only writer: the publisher for the length of one append, the hub when
/// publishers change or when an idle log is trimmed. It is free but for those moments, which are microseconds; so the
/// publisher takes it with one interlocked exchange and never waits for readers.
/// </remarks>
public sealed class LiveStream
{
    private const int MaxHeaderBytes = 64 * 1024;

    // A camera whose video failed goes on as audio: after this long one may join it without a keyframe.
    private static readonly TimeSpan VideoGone = TimeSpan.FromSeconds(10);

    private readonly Lock subscribersGate = new();
    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly HubMetrics metrics;
    private readonly Timeline timeline = new();
    private readonly StreamLog log;
    private WakeGroup[] groups = [];
    private Publication? publication;
    private ITimer? mergeTimer;
    private TrackHeaders headersBefore = TrackHeaders.None;
    private int writerGate;
    private long released;
    private long lastVideoAt;
    private long playersWokenAt;
    private bool audioIsHeld;
    private bool hasVideo;
    private bool videoStarted;

    internal LiveStream(StreamName name, HubOptions options, SlabPool pool, TimeProvider time, HubMetrics metrics)
    {
        Name = name;
        (this.options, this.time, this.metrics) = (options, time, metrics);
        log = new StreamLog(pool, options.MaxLogBytes);
        IdleSince = time.GetTimestamp();
    }

    public StreamName Name { get; }

    /// <summary>The publisher of this moment.</summary>
    public Publication? Publication => Volatile.Read(ref publication);

    /// <summary>How many players it has (relays, feeds and recorders not counted).</summary>
    public int PlayerCount => CountOf(SubscriptionKind.Player);

    /// <summary>Bytes of chunks ever appended.</summary>
    public long BytesIn => log.Head;

    internal StreamLog Log => log;

    internal int PublicationCount { get; set; }

    /// <summary>Since when it has neither publisher nor player, as a timestamp.</summary>
    internal long IdleSince { get; private set; }

    /// <summary>Up to where players are to be woken, when writes are merged.</summary>
    internal long Released => Volatile.Read(ref released);

    internal bool IsUsed => Publication is not null
        || CountOf(SubscriptionKind.Player) + CountOf(SubscriptionKind.Relay) > 0;

    internal bool Append(Publication from, in MediaMessage message)
    {
        long now = time.GetTimestamp();
        EnterWriter();
        try
        {
            if (!ReferenceEquals(publication, from))
                return false;
            from.Touch(now);
            AppendInGate(from, message, now);
        }
        finally
        {
            ExitWriter();
        }

        SignalAll(players: MayWakePlayers(message.Type, now));
        return true;
    }

    /// <summary>Wakes players for audio that no picture has followed, ten times a second.</summary>
    internal void ReleaseAudio()
    {
        if (Volatile.Read(ref audioIsHeld))
            WakePlayers();
    }

    /// <summary>Changes the publisher, to none with null.</summary>
    internal void SetPublication(Publication? next)
    {
        EnterWriter();
        if (log.Headers != TrackHeaders.None)
            headersBefore = log.Headers;
        log.EndPublication();
        timeline.Begin();
        (hasVideo, videoStarted) = (false, false);
        Volatile.Write(ref publication, next);
        ExitWriter();
        IdleSince = time.GetTimestamp();
        Release();
        mergeTimer?.Dispose();
        mergeTimer = next is null || options.MergeWindow <= TimeSpan.Zero
            ? null
            : time.CreateTimer(static s => ((LiveStream)s!).Release(), this, options.MergeWindow, options.MergeWindow);
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
        SetPublication(null);
        EnterWriter();
        log.Close();
        ExitWriter();
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

    private void AppendInGate(Publication from, in MediaMessage message, long now)
    {
        if (message.Payload.IsEmpty
            || message.Type is not (RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.DataAmf0))
        {
            metrics.Dropped("not_media");
            return;
        }

        MessageKind kind = MessageKind.Of(message);
        LogMessageFlags flags = kind.Flags;
        TrackHeaders headers = log.Headers;
        if (kind.HeaderKey != 0)
        {
            if (message.Payload.Length > MaxHeaderBytes)
            {
                metrics.Dropped("header_too_large");
                return;
            }

            headers = HeadersWith(from, message, kind, ref flags);
        }

        bool isKeyframe = flags.Has(LogMessageFlags.Keyframe);
        if (message.Type == RtmpMessageType.Video && !CanTakeVideo(kind, isKeyframe, now))
        {
            metrics.Dropped("before_keyframe");
            return;
        }

        if (hasVideo && message.Type == RtmpMessageType.Audio && time.GetElapsedTime(lastVideoAt, now) > VideoGone)
            hasVideo = false;
        var entry = new LogEntry
        {
            Type = message.Type,
            Flags = flags,
            PublicationNumber = from.Number,
            ArrivedAt = now,
            WireTimestamp = message.Timestamp,
            TimeMs = kind.IsCoded ? timeline.OfMedia(message.Timestamp) : timeline.OfOther(message.Timestamp),
        };
        bool isJoinPoint = isKeyframe || (!hasVideo && kind.IsCoded && message.Type == RtmpMessageType.Audio);
        if (!log.Append(entry, message.Payload.Span, headers, isJoinPoint, this))
            metrics.NotReplayable();
        metrics.Appended(message.Payload.Length);
    }

    private bool CanTakeVideo(in MessageKind kind, bool isKeyframe, long now)
    {
        lastVideoAt = now;
        if (!hasVideo)
        {
            // Who joined the audio alone a moment ago just reads on; who joins from now on waits for the picture.
            hasVideo = true;
            log.ForgetJoin();
        }

        videoStarted |= isKeyframe;
        return videoStarted || kind.HeaderKey != 0;
    }

    private TrackHeaders HeadersWith(
        Publication from, in MediaMessage message, in MessageKind kind, ref LogMessageFlags flags)
    {
        TrackHeaders headers = log.Headers;
        ReadOnlySpan<byte> payload = message.Payload.Span;
        if (headers.Find(kind.HeaderKey) is { } same && payload.SequenceEqual(same.Payload))
        {
            flags |= LogMessageFlags.Repeated;
            return headers;
        }

        // The publisher before had the same: who has got it then needs it not again.
        TrackHeader? known = headersBefore.Find(kind.HeaderKey);
        TrackHeader header = known is not null && payload.SequenceEqual(known.Payload)
            ? known
            : new TrackHeader(
                kind.HeaderKey, message.Type, kind.Flags, message.Timestamp, from.Number, payload.ToArray());
        if (headers.With(header) is { } changed)
            return changed;
        metrics.Dropped("too_many_tracks");
        return headers;
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
