using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;

namespace Steadycast.Streaming.Hub;

/// <summary>A stream as a log of ready RTMP chunks, in slabs, with an index beside the bytes.</summary>
/// <remarks>
/// <para>
/// One writer: whoever holds the stream's writer gate. Its methods are marked so; all other members are for readers,
/// on any thread, without locks. What readers see is published in this order, each with a release write: a slab in the
/// table, the number of the newest slab, the entry count of the slab, the head position, the join point. Reading any
/// of them with an acquire read shows all that was published before it.
/// </para>
/// <para>
/// Slab n is complete exactly when the newest slab's number is above n: a reader that sees this and reads the slab's
/// count again has seen all of it.
/// </para>
/// <para>
/// The log keeps the newest keyframe and what follows, and what the slowest cursor has still to read, up to a number of
/// bytes. Slabs before that are let go when the writer begins a new one; a cursor that finds its next slab gone joins
/// anew.
/// </para>
/// </remarks>
internal sealed class StreamLog
{
    /// <summary>No place to join at.</summary>
    public const long NoJoin = -1;

    public const uint MessageStreamId = 1;

    /// <summary>The message header of a type 0 chunk, without basic header and extended timestamp.</summary>
    public const int MessageHeaderBytes = 11;

    private const uint ExtendedTimestamp = 0xFFFFFF;

    // Tells the slab and the entry of a join point apart, so that both are published by one write.
    private const int EntryBits = 16;

    private readonly SlabPool pool;
    private readonly int maxBytes;
    private readonly Slab?[] table;
    private Slab? current;
    private int used;
    private bool hasMedia;
    private long oldest;
    private long keptBytes;
    private long written;
    private long newest = -1;
    private long head;
    private long joinPoint = NoJoin;
    private bool isIdle = true;

    public StreamLog(SlabPool pool, int maxBytes)
    {
        (this.pool, this.maxBytes) = (pool, maxBytes);
        int slabs = (maxBytes / SlabPool.SlabBytes) + 8;
        table = new Slab?[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slabs)];
    }

    /// <summary>The headers in force. Writer only.</summary>
    public TrackHeaders Headers { get; private set; } = TrackHeaders.None;

    /// <summary>How many bytes were ever written.</summary>
    public long Head => Volatile.Read(ref head);

    /// <summary>The number of the slab that is being written, or was last; -1 before the first.</summary>
    public long NewestSlab => Volatile.Read(ref newest);

    /// <summary>Where to join, for <see cref="TryAcquireJoin"/>; <see cref="NoJoin"/> when nowhere.</summary>
    public long JoinPoint => Volatile.Read(ref joinPoint);

    /// <summary>Nothing has been written since the last publisher left: what comes next begins the next slab.</summary>
    /// <remarks>True read after <see cref="NewestSlab"/> means that number plus one is where it will begin.</remarks>
    public bool IsIdle => Volatile.Read(ref isIdle);

    /// <summary>Bytes of slabs that the log itself holds. Writer only.</summary>
    public long KeptBytes => keptBytes;

    /// <summary>A reference to a slab, to be released by the caller; null when it is gone or not there yet.</summary>
    public Slab? TryAcquire(long number)
    {
        if (number < 0)
            return null;
        Slab? slab = Volatile.Read(ref table[number & (table.Length - 1)]);
        return slab is not null && slab.TryAcquire(this, number) ? slab : null;
    }

    /// <summary>A reference to the slab of the newest join point, and the entry in it.</summary>
    public Slab? TryAcquireJoin(out int entry)
    {
        while (true)
        {
            long point = JoinPoint;
            entry = (int)(point & ((1 << EntryBits) - 1));
            if (point == NoJoin)
                return null;
            // Gone already: the writer has published a newer point, or none.
            if (TryAcquire(point >> EntryBits) is { } slab)
                return slab;
            Thread.SpinWait(1);
        }
    }

    /// <summary>
    /// Whether the join point lies in or after this slab, at or after this offset. Writer gate not needed.
    /// </summary>
    public bool HasJoinAfter(Slab slab, int offset)
    {
        long point = JoinPoint;
        if (point == NoJoin || point >> EntryBits < slab.Number)
            return false;
        return point >> EntryBits > slab.Number || slab.Entries[point & ((1 << EntryBits) - 1)].Offset > offset;
    }

    /// <summary>Writer: another publisher, or none, from here on; nobody joins what was before.</summary>
    public void EndPublication()
    {
        Volatile.Write(ref joinPoint, NoJoin);
        Headers = TrackHeaders.None;
        current = null;
        Volatile.Write(ref isIdle, true);
    }

    /// <summary>Writer: appends one message.</summary>
    /// <param name="entry">All but offset and length.</param>
    /// <param name="headers">In force from this message on.</param>
    /// <param name="stream">Asked, when a slab is full, for the slab of the slowest cursor.</param>
    /// <returns>False when the join point was given up because the log would have grown too long.</returns>
    public bool Append(
        LogEntry entry, ReadOnlySpan<byte> payload, TrackHeaders headers, LiveStream stream)
    {
        int chunkStreamId = ChunkStreamOf(entry.Type);
        uint timestamp = (uint)entry.TimeMs;
        int length = ChunkWriter.Measure(chunkStreamId, timestamp, payload.Length, StreamHub.ChunkSize);
        bool replayable = true;
        if (!Fits(length, headers))
            replayable = BeginSlab(length, headers, stream);
        Slab slab = current!;
        int index = slab.Count;
        slab.Headers = Headers = headers;
        hasMedia |= !entry.Flags.Has(LogMessageFlags.SequenceHeader)
            && !entry.Flags.Has(LogMessageFlags.Metadata);

        Span<byte> free = slab.Bytes.AsSpan(used);
        ChunkWriter.Write(free, chunkStreamId, entry.Type, MessageStreamId, timestamp, payload, StreamHub.ChunkSize);
        entry.Offset = used;
        entry.Length = length;
        entry.PayloadLength = payload.Length;
        slab.Entries[index] = entry;
        used += length;
        written += length;

        slab.Publish(index + 1);
        Volatile.Write(ref head, written);
        if (entry.IsJoinPoint)
            Volatile.Write(ref joinPoint, slab.Number << EntryBits | (uint)index);
        return replayable;
    }

    /// <summary>Writer: lets go of what lies before a slab; everything for a number above the newest.</summary>
    public void Trim(long before)
    {
        while (oldest < before && oldest <= newest)
            ReleaseOldest();
    }

    /// <summary>Writer: lets go of everything, for good.</summary>
    public void Close()
    {
        EndPublication();
        Trim(long.MaxValue);
    }

    /// <summary>Makes the join point void. Writer only.</summary>
    public void ForgetJoin() => Volatile.Write(ref joinPoint, NoJoin);

    /// <summary>
    /// How many bytes lie before a message's payload: basic header, message header, extended timestamp.
    /// </summary>
    public static int FirstHeaderBytes(uint timestamp) =>
        1 + MessageHeaderBytes + (timestamp >= ExtendedTimestamp ? 4 : 0);

    public static int ChunkStreamOf(RtmpMessageType type) => type switch
    {
        RtmpMessageType.Audio => 4,
        RtmpMessageType.Video => 6,
        _ => 5,
    };

    private bool Fits(int length, TrackHeaders headers) =>
        current is { } slab
        && slab.Bytes.Length - used >= length
        && slab.Count < Slab.MaxEntries
        && (!hasMedia || ReferenceEquals(headers, Headers));

    private bool BeginSlab(int length, TrackHeaders headers, LiveStream stream)
    {
        Volatile.Write(ref isIdle, false);
        long number = newest + 1;
        bool replayable = MakeRoom(SlabPool.SizeFor(length), number, stream);
        Slab slab = pool.Rent(length);
        slab.Begin(this, number, written, headers);
        keptBytes += slab.Bytes.Length;
        (current, used, hasMedia) = (slab, 0, false);
        Volatile.Write(ref table[number & (table.Length - 1)], slab);
        Volatile.Write(ref newest, number);
        return replayable;
    }

    private bool MakeRoom(int bytes, long number, LiveStream stream)
    {
        bool couldJoin = joinPoint != NoJoin;
        Trim(Math.Min(couldJoin ? joinPoint >> EntryBits : number, stream.SlowestSlab()));
        while (oldest <= newest && (keptBytes + bytes > maxBytes || number - oldest >= table.Length))
            ReleaseOldest();
        return !couldJoin || joinPoint != NoJoin;
    }

    private void ReleaseOldest()
    {
        // The join point is void before its slab is: who looks for one finds the other, or none.
        if (joinPoint != NoJoin && joinPoint >> EntryBits == oldest)
            ForgetJoin();
        ref Slab? place = ref table[oldest & (table.Length - 1)];
        Slab slab = place!;
        Volatile.Write(ref place, null);
        keptBytes -= slab.Bytes.Length;
        oldest++;
        slab.Release();
    }
}
