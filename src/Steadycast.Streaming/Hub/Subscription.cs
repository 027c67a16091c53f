using System.Buffers;
using System.Threading.Tasks.Sources;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;

namespace Steadycast.Streaming.Hub;

/// <summary>A subscriber: a cursor in a stream's log.</summary>
/// <remarks>
/// <para>
/// One reader at a time, which reads either bytes (<see cref="Pending"/>, <see cref="Advance"/>) or messages
/// (<see cref="TryReadMessage"/>), never both. Only <see cref="Close"/> may be called from other threads.
/// </para>
/// <para>
/// The cursor holds a reference to the one slab that it lies in, so that what it was given stays until it asks for
/// more. The rest of what it has to read is kept by the log, which looks at <see cref="KeepFrom"/>, within its bounds.
/// When the log could not wait, or the cursor is too far behind and there is a newer keyframe, it is moved there.
/// </para>
/// </remarks>
public sealed class Subscription : IValueTaskSource<bool>, IDisposable
{
    private const int Idle = 0;
    private const int Waiting = 1;

    // What a kernel takes into its send buffer without asking is not lag.
    private const int NoLagBytes = 64 * 1024;

    // What makes a server keep and pass on a publisher's data: the AMF0 string @setDataFrame.
    private static readonly byte[] Envelope = [2, 0, 13, .. "@setDataFrame"u8];

    private readonly LiveStream stream;
    private readonly StreamLog log;
    private readonly TimeProvider time;
    private readonly HubMetrics metrics;
    private readonly int maxLagBytes;
    private readonly TimeSpan maxLag;
    private readonly bool isMerged;
    private readonly RewindMark? mark;
    private readonly long createdAt;

    // Completed in the stack of who wakes: groups see to it that this is a thread for it.
    private ManualResetValueTaskSourceCore<bool> wait;
    private CancellationTokenRegistration waitCancellation;
    private int waitState;
    private bool isClosed;
    private bool isDisposed;
    private long keepFrom;

    // The cursor. Without a slab: the number of the slab to begin with, or NoJoin to join where one can.
    private Slab? slab;
    private int offset;
    private int entry;
    private long beginWith;
    private bool hasJoined;
    private long leftAt;

    // What the cursor skips to and how far it had come, until it is there.
    private long skippedFrom;
    private string? skipReason;
    private bool isAfterSkip;

    // Headers that the cursor has been given, headers that it needs first, and those as bytes or as messages.
    private TrackHeaders given = TrackHeaders.None;
    private TrackHeaders? needed;
    private ReadOnlyMemory<byte> prefix;
    private TrackHeader[] replay = [];
    private int replayed;
    private byte[] joined = [];

    internal Subscription(
        LiveStream stream, SubscriptionOptions subscription, HubOptions options, TimeProvider time, HubMetrics metrics)
    {
        (this.stream, this.time, this.metrics) = (stream, time, metrics);
        log = stream.Log;
        Kind = subscription.Kind;
        maxLagBytes = subscription.MaxLagBytes ?? options.MaxLagBytes;
        maxLag = subscription.MaxLag ?? options.MaxLag;
        isMerged = Kind == SubscriptionKind.Player && options.MergeWindow > TimeSpan.Zero;
        mark = subscription.CanRewind ? new RewindMark(log) : null;
        createdAt = time.GetTimestamp();
        // The newest slab before the idleness: see StreamLog.IsIdle.
        long newest = log.NewestSlab;
        beginWith = log.IsIdle ? newest + 1 : StreamLog.NoJoin;
        keepFrom = beginWith == StreamLog.NoJoin ? long.MaxValue : beginWith;
        // At once, not at the first read: by then the keyframe may be gone, or its publisher.
        if (beginWith == StreamLog.NoJoin)
            TryEnter();
    }

    public SubscriptionKind Kind { get; }

    public StreamName StreamName => stream.Name;

    /// <summary>How often the cursor was moved because it was too far behind.</summary>
    public int Skips { get; private set; }

    public long SkippedBytes { get; private set; }

    /// <summary>Where the cursor lies, in bytes that were ever written to the log.</summary>
    public long Position => slab is null ? leftAt : slab.StartPosition + offset;

    /// <summary>The first slab that the log has to keep for this cursor.</summary>
    internal long KeepFrom => Math.Min(Volatile.Read(ref keepFrom), mark?.Slab ?? long.MaxValue);

    /// <summary>
    /// RTMP chunks that are ready to be sent, as much as lies in one piece; empty when there are none yet. Message
    /// stream id <see cref="StreamHub.MessageStreamId"/>, chunk size <see cref="StreamHub.ChunkSize"/>, whole messages.
    /// A player gets what a server sends it, a relay what a server wants of a publisher. Valid until Advance or
    /// Dispose.
    /// </summary>
    public ReadOnlyMemory<byte> Pending()
    {
        if (!prefix.IsEmpty)
            return prefix;
        if (!TryReach())
            return default;
        if (needed is not null)
        {
            prefix = WriteHeaders(TakeNeeded(), slab!.Entries[slab.EntryAt(offset)].TimeMs);
            if (!prefix.IsEmpty)
                return prefix;
        }

        if (Kind != SubscriptionKind.Relay)
            return slab!.Bytes.AsMemory(offset, EndOf(slab) - offset);
        return UpToData(slab!);
    }

    /// <summary>So many bytes of <see cref="Pending"/> have been sent (at most its length).</summary>
    public void Advance(int count)
    {
        if (!prefix.IsEmpty)
            prefix = prefix[count..];
        else
            offset += count;
    }

    /// <summary>The next message; false when there is none yet.</summary>
    public bool TryReadMessage(out LogMessage message)
    {
        if (replayed == replay.Length)
        {
            if (!TryReach())
            {
                message = default;
                return false;
            }

            if (needed is not null)
                (replay, replayed) = (TakeNeeded(), 0);
        }

        message = replayed < replay.Length ? ReplayNext() : ReadNext();
        isAfterSkip = false;
        return true;
    }

    /// <summary>
    /// The receiver has got everything up to a <see cref="Position"/>: nobody needs what lies before the keyframe under
    /// it. With <see cref="SubscriptionOptions.CanRewind"/>.
    /// </summary>
    public void Confirm(long position) => mark!.Confirm(position);

    /// <summary>
    /// Begins again for a receiver that knows nothing: with the headers, and the keyframe under what was confirmed, or
    /// the first one after it that the log still has. With <see cref="SubscriptionOptions.CanRewind"/>.
    /// </summary>
    public void Rewind()
    {
        (given, needed, prefix, replay, replayed) = (TrackHeaders.None, null, default, [], 0);
        if (!hasJoined)
            return;
        Slab? found = mark!.TryAcquire(out int at, out bool hasLost);
        if (hasLost)
            (skipReason, skippedFrom) = ("log_full", mark.Position);
        LeaveSlab(long.MaxValue);
        if (found is null)
            return;
        Enter(found, at);
        mark.Set(found, at);
        needed = found.Headers;
    }

    /// <summary>True when there may be something to read, false when the stream is closed.</summary>
    /// <remarks>
    /// Await it before calling it again. The continuation of a player runs on a thread that wakes many players in turn:
    /// send, and come back here; never block.
    /// </remarks>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref isClosed))
            return new ValueTask<bool>(false);
        if (IsReady())
            return new ValueTask<bool>(true);
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(cancellationToken);
        wait.Reset();
        Interlocked.Exchange(ref waitState, Waiting);
        // Once more, after the fence: what was published before it woke nobody.
        if (IsReady() || Volatile.Read(ref isClosed))
            Wake();
        else if (cancellationToken.CanBeCanceled)
            waitCancellation = cancellationToken.UnsafeRegister(
                static (s, token) => ((Subscription)s!).CancelWait(token), this);
        return new ValueTask<bool>(this, wait.Version);
    }

    /// <summary>From any thread: ends the wait with false, now and from now on.</summary>
    public void Close()
    {
        Volatile.Write(ref isClosed, true);
        Interlocked.MemoryBarrier();
        Wake();
    }

    /// <summary>By the reader, when it waits no more.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        Volatile.Write(ref isClosed, true);
        stream.Remove(this);
        LeaveSlab(long.MaxValue);
        if (joined.Length > 0)
            ArrayPool<byte>.Shared.Return(joined);
        joined = [];
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        waitCancellation.Dispose();
        waitCancellation = default;
        return wait.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        wait.OnCompleted(continuation, state, token, flags);

    /// <summary>Completes the wait, if there is one; from any thread, once per wait.</summary>
    internal void Wake()
    {
        if (Volatile.Read(ref waitState) == Waiting
            && Interlocked.CompareExchange(ref waitState, Idle, Waiting) == Waiting)
            wait.SetResult(!Volatile.Read(ref isClosed));
    }

    private void CancelWait(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref waitState, Idle, Waiting) == Waiting)
            wait.SetException(new OperationCanceledException(token));
    }

    private bool IsReady()
    {
        // A join does not wait for the merge window.
        if (!prefix.IsEmpty || replayed < replay.Length || needed is not null)
            return true;
        if (slab is null)
            return beginWith == StreamLog.NoJoin ? log.JoinPoint != StreamLog.NoJoin : log.NewestSlab >= beginWith;
        if (isMerged && stream.Released <= slab.StartPosition + offset)
            return false;
        return EndOf(slab) > offset || log.NewestSlab > slab.Number;
    }

    /// <summary>Brings the cursor to something that can be read; false when there is nothing yet.</summary>
    private bool TryReach()
    {
        while (true)
        {
            if (slab is null && !TryEnter())
                return false;
            if (EndOf(slab!) > offset)
            {
                SkipIfTooFarBehind(slab!);
                return true;
            }

            // The order matters: only when a newer slab is there, this one's end is final.
            if (log.NewestSlab == slab!.Number)
                return false;
            if (EndOf(slab) == offset)
                GoToNextSlab(slab);
        }
    }

    private bool TryEnter()
    {
        if (beginWith != StreamLog.NoJoin)
        {
            if (log.NewestSlab < beginWith)
                return false;
            if (log.TryAcquire(beginWith) is { } first)
            {
                Enter(first, 0);
                mark?.Set(first, 0);
                return true;
            }

            beginWith = StreamLog.NoJoin;
        }

        if (log.TryAcquireJoin(out int at) is not { } found)
            return false;
        Enter(found, at);
        mark?.Set(found, at);
        needed = found.Headers;
        return true;
    }

    private void Enter(Slab found, int at)
    {
        slab = found;
        entry = at;
        offset = at == 0 ? 0 : found.Entries[at].Offset;
        beginWith = StreamLog.NoJoin;
        Volatile.Write(ref keepFrom, found.Number);
        if (!hasJoined)
            metrics.Joined(Kind, time.GetElapsedTime(createdAt));
        hasJoined = true;
        if (skipReason is null)
            return;
        long skipped = found.StartPosition + offset - skippedFrom;
        (Skips, SkippedBytes) = (Skips + 1, SkippedBytes + skipped);
        metrics.Skipped(Kind, skipReason, skipped);
        (skipReason, isAfterSkip) = (null, true);
    }

    private void GoToNextSlab(Slab read)
    {
        given = read.Headers;
        long position = read.StartPosition + offset;
        Slab? next = log.TryAcquire(read.Number + 1);
        LeaveSlab(long.MaxValue);
        if (next is not null)
            Enter(next, 0);
        else
            (skipReason, skippedFrom) = ("log_full", position);
    }

    private void SkipIfTooFarBehind(Slab from)
    {
        long position = from.StartPosition + offset;
        long lag = log.Head - position;
        if (lag <= NoLagBytes)
            return;
        LogEntry next = from.Entries[from.EntryAt(offset)];
        string? reason = lag > maxLagBytes ? "bytes" : time.GetElapsedTime(next.AppendedAt) > maxLag ? "time" : null;
        // In the middle of a message the rest of it must go first; it lies in this slab.
        if (reason is null || next.Offset != offset || !log.HasJoinAfter(from, offset))
            return;
        if (log.TryAcquireJoin(out int at) is not { } found)
            return;
        (skipReason, skippedFrom) = (reason, position);
        LeaveSlab(found.Number);
        Enter(found, at);
        mark?.Set(found, at);
        needed = found.Headers;
    }

    private void LeaveSlab(long keep)
    {
        leftAt = Position;
        Volatile.Write(ref keepFrom, keep);
        slab?.Release();
        slab = null;
    }

    private TrackHeader[] TakeNeeded()
    {
        TrackHeader[] missing = [.. needed!.Items.Where(i => !given.Items.Contains(i))];
        (given, needed) = (needed, null);
        return missing;
    }

    /// <summary>
    /// What a server is sent: a data message gets the envelope that it has from a publisher, and so goes by itself.
    /// </summary>
    private ReadOnlyMemory<byte> UpToData(Slab from)
    {
        int end = EndOf(from);
        for (int at = from.EntryAt(offset); offset < end; at++)
        {
            LogEntry next = from.Entries[at];
            if (next.Type == RtmpMessageType.DataAmf0 && next.Offset == offset)
            {
                var writer = new ArrayBufferWriter<byte>(1024);
                WriteMessage(writer, next.Type, (uint)next.TimeMs, [.. Envelope, .. PayloadOf(from, next).Span]);
                offset = next.End;
                return prefix = writer.WrittenMemory;
            }

            if (next.Type == RtmpMessageType.DataAmf0)
                end = next.Offset;
            if (next.End >= end)
                break;
        }

        return from.Bytes.AsMemory(offset, end - offset);
    }

    private byte[] WriteHeaders(TrackHeader[] headers, long timeMs)
    {
        var writer = new ArrayBufferWriter<byte>(1024);
        foreach (TrackHeader header in headers)
        {
            bool isData = header.Type == RtmpMessageType.DataAmf0;
            // Metadata that is not at time 0 is a stream of subtitles to FFmpeg's demuxer (5.1, flvdec.c).
            uint timestamp = isData ? 0 : (uint)timeMs;
            byte[] envelope = isData && Kind == SubscriptionKind.Relay ? Envelope : [];
            byte[] payload = [.. envelope, .. header.Payload];
            WriteMessage(writer, header.Type, timestamp, payload);
        }

        return writer.WrittenSpan.ToArray();
    }

    private static void WriteMessage(
        ArrayBufferWriter<byte> writer, RtmpMessageType type, uint timestamp, ReadOnlySpan<byte> payload) =>
        ChunkWriter.Write(
            writer,
            StreamLog.ChunkStreamOf(type),
            type,
            StreamLog.MessageStreamId,
            timestamp,
            payload,
            StreamHub.ChunkSize);

    private LogMessage ReplayNext()
    {
        TrackHeader header = replay[replayed++];
        LogEntry at = slab!.Entries[entry];
        LogMessageFlags flags = header.Flags | LogMessageFlags.Replayed
            | (isAfterSkip ? LogMessageFlags.AfterSkip : LogMessageFlags.None);
        return new LogMessage(
            header.Type, at.TimeMs, header.WireTimestamp, at.PublicationNumber, flags, at.ArrivedAt, header.Payload);
    }

    private LogMessage ReadNext()
    {
        LogEntry read = slab!.Entries[entry++];
        offset = read.End;
        ReadOnlyMemory<byte> payload = PayloadOf(slab, read);
        LogMessageFlags flags = read.Flags | (isAfterSkip ? LogMessageFlags.AfterSkip : LogMessageFlags.None);
        return new LogMessage(
            read.Type, read.TimeMs, read.WireTimestamp, read.PublicationNumber, flags, read.ArrivedAt, payload);
    }

    private ReadOnlyMemory<byte> PayloadOf(Slab of, in LogEntry message)
    {
        int headerBytes = StreamLog.FirstHeaderBytes((uint)message.TimeMs);
        return message.PayloadLength <= StreamHub.ChunkSize
            ? of.Bytes.AsMemory(message.Offset + headerBytes, message.PayloadLength)
            : Join(of.Bytes.AsSpan(message.Offset + headerBytes), message.PayloadLength, headerBytes);
    }

    /// <summary>Copies a payload of several chunks together, without the type 3 headers between them.</summary>
    private ReadOnlyMemory<byte> Join(ReadOnlySpan<byte> chunks, int length, int firstHeaderBytes)
    {
        if (joined.Length < length)
        {
            if (joined.Length > 0)
                ArrayPool<byte>.Shared.Return(joined);
            joined = ArrayPool<byte>.Shared.Rent(length);
        }

        int type3Bytes = firstHeaderBytes - StreamLog.MessageHeaderBytes;
        for (int at = 0; at < length;)
        {
            int part = Math.Min(StreamHub.ChunkSize, length - at);
            chunks[..part].CopyTo(joined.AsSpan(at));
            at += part;
            chunks = at < length ? chunks[(part + type3Bytes)..] : [];
        }

        return joined.AsMemory(0, length);
    }

    private static int EndOf(Slab of)
    {
        int count = of.Count;
        return count == 0 ? 0 : of.Entries[count - 1].End;
    }
}
