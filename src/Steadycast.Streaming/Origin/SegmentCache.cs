using System.Collections.Concurrent;

namespace Steadycast.Streaming.Origin;

/// <summary>
/// Segments in memory, bounded in bytes; each is loaded once, however many ask for it at the same time.
/// </summary>
/// <remarks>
/// Reading takes no lock. Above the bound the oldest entry goes first, listed or not: it can be loaded again. An entry
/// without an end stays until <see cref="Expire"/> gives it one, so a stalled stream keeps what its playlist names.
/// </remarks>
internal sealed class SegmentCache(long maxBytes, TimeProvider time)
{
    private readonly ConcurrentDictionary<ObjectKey, Entry> _entries = new();
    private readonly ConcurrentDictionary<ObjectKey, Lazy<Task<SegmentResponse?>>> _loads = new();
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _oldestFirst = [];
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public SegmentResponse? Find(ObjectKey key) => _entries.TryGetValue(key, out var entry) ? entry.Response : null;

    /// <summary>Keeps <paramref name="response"/>; a key that is there already keeps its bytes.</summary>
    /// <param name="keep">How long from now; null is until <see cref="Expire"/>.</param>
    public void Add(ObjectKey key, SegmentResponse response, TimeSpan? keep)
    {
        var entry = new Entry(key, response) { ExpiresAt = Deadline(keep) };
        lock (_gate)
        {
            Sweep_NeedsLock();
            if (!_entries.TryAdd(key, entry))
                return;
            entry.Node = _oldestFirst.AddLast(entry);
            _bytes += response.Bytes.Length;
            while (_bytes > maxBytes && _oldestFirst.First!.Value != entry)
                Remove_NeedsLock(_oldestFirst.First.Value);
        }
    }

    /// <summary>Forgets what nobody was promised.</summary>
    public void Remove(ObjectKey key)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var entry))
                Remove_NeedsLock(entry);
        }
    }

    /// <summary>Lets the entry go <paramref name="after"/> from now; null is never.</summary>
    public void Expire(ObjectKey key, TimeSpan? after)
    {
        if (_entries.TryGetValue(key, out var entry))
            entry.ExpiresAt = Deadline(after);
    }

    /// <summary>The cached object, or what <paramref name="load"/> finds, asked once for all who wait for it.</summary>
    /// <param name="load">Gets no caller's token: nobody's impatience may fail the others. Bounds itself in
    /// time.</param>
    public ValueTask<SegmentResponse?> GetOrLoadAsync(
        ObjectKey key,
        Func<ObjectKey, Task<SegmentResponse?>> load,
        CancellationToken cancellationToken)
    {
        if (Find(key) is { } hit)
            return ValueTask.FromResult<SegmentResponse?>(hit);
        var flight = _loads.GetOrAdd(key, k => new Lazy<Task<SegmentResponse?>>(() => LoadAsync(k, load)));
        return new ValueTask<SegmentResponse?>(flight.Value.WaitAsync(cancellationToken));
    }

    private async Task<SegmentResponse?> LoadAsync(ObjectKey key, Func<ObjectKey, Task<SegmentResponse?>> load)
    {
        // Off the caller's stack: the flight must be in the table before it can take itself out.
        await Task.Yield();
        try
        {
            return Find(key) ?? await load(key);
        }
        finally
        {
            _loads.TryRemove(key, out _);
        }
    }

    private long Deadline(TimeSpan? span) =>
        span is { } s ? time.GetTimestamp() + (long)(s.TotalSeconds * time.TimestampFrequency) : long.MaxValue;

    private void Sweep_NeedsLock()
    {
        var now = time.GetTimestamp();
        for (var node = _oldestFirst.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.ExpiresAt <= now)
                Remove_NeedsLock(node.Value);
            node = next;
        }
    }

    private void Remove_NeedsLock(Entry entry)
    {
        _entries.TryRemove(entry.Key, out _);
        _oldestFirst.Remove(entry.Node!);
        _bytes -= entry.Response.Bytes.Length;
    }

    private sealed class Entry(ObjectKey key, SegmentResponse response)
    {
        private long _expiresAt;

        public ObjectKey Key => key;

        public SegmentResponse Response => response;

        public LinkedListNode<Entry>? Node { get; set; }

        public long ExpiresAt
        {
            get => Interlocked.Read(ref _expiresAt);
            set => Interlocked.Exchange(ref _expiresAt, value);
        }
    }
}
