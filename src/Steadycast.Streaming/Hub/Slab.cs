namespace Steadycast.Streaming.Hub;

/// <summary>
/// A piece of a log: bytes, and the index of the messages in them. Messages never lie across two slabs.
/// </summary>
/// <remarks>
/// <para>
/// Ownership. A slab belongs to the log that rented it while its reference count is above zero: one reference is the
/// log's, one is each subscriber's whose cursor lies in it. The last one to let go gives it back to the pool, from
/// whatever thread. While the count is zero nobody but the pool, or the writer that has just rented it, touches its
/// fields.
/// </para>
/// <para>
/// Publishing. Only the log's writer changes a slab. It fills bytes and an entry that no reader looks at yet, then
/// raises <see cref="Count"/> with a release write. A reader takes Count with an acquire read and looks only at
/// entries below it and at bytes of those entries; what it sees there never changes until it lets go of its reference.
/// </para>
/// <para>
/// A reference found without holding one (in the log's table) may be stale: the slab may have been given back, and
/// have been rented by another log. <see cref="TryAcquire"/> therefore first takes a reference, which only works above
/// zero, and then asks whether the slab is still the one it looked for; both fields are set before the count leaves
/// zero.
/// </para>
/// </remarks>
internal sealed class Slab(SlabPool pool, int size)
{
    /// <summary>Beyond it the slab counts as full: bounds the index of a stream of tiny messages.</summary>
    public const int MaxEntries = 256;

    private StreamLog? owner;
    private int references;
    private int count;

    /// <summary>Pinned, so that sending from it pins nothing.</summary>
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(size, pinned: true);

    public LogEntry[] Entries { get; } = new LogEntry[MaxEntries];

    /// <summary>Counts the slabs of its log.</summary>
    public long Number { get; private set; }

    /// <summary>How many bytes the log held before this slab.</summary>
    public long StartPosition { get; private set; }

    /// <summary>The sequence headers and metadata that are in force for all media in this slab.</summary>
    /// <remarks>Settled before the first media entry is published; the log begins a new slab when they
    /// change.</remarks>
    public TrackHeaders Headers { get; set; } = TrackHeaders.None;

    /// <summary>How many entries are there to be read.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>By the writer, with the log's own reference.</summary>
    public void Begin(StreamLog log, long number, long startPosition, TrackHeaders headers)
    {
        (owner, Number, StartPosition, Headers) = (log, number, startPosition, headers);
        count = 0;
        Volatile.Write(ref references, 1);
    }

    /// <summary>By the writer: everything up to here may be read.</summary>
    public void Publish(int newCount) => Volatile.Write(ref count, newCount);

    public bool TryAcquire(StreamLog log, long number)
    {
        int seen = Volatile.Read(ref references);
        while (true)
        {
            if (seen == 0)
                return false;
            int before = Interlocked.CompareExchange(ref references, seen + 1, seen);
            if (before == seen)
                break;
            seen = before;
        }

        if (owner == log && Number == number)
            return true;
        Release();
        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref references) == 0)
            pool.Return(this);
    }

    /// <summary>The last entry that begins at or before an offset; the slab must not be empty.</summary>
    public int EntryAt(int offset)
    {
        int low = 0, high = Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Entries[middle].Offset <= offset)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }
}
