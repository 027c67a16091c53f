namespace Steadycast.Streaming.Segments;

/// <summary>The objects read last, up to a number of bytes; readers of one object at one time share one read.</summary>
/// <remarks>
/// Thread-safe. Without it a thousand viewers that ask for a new segment at once would hold it a thousand times. Only
/// for objects that never change under their name; what is written again in this process is forgotten first.
/// </remarks>
internal sealed class ObjectCache(long maxBytes, SegmentsMetrics? metrics)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _recent = [];
    private long _bytes;

    public long Bytes
    {
        get
        {
            lock (_gate)
                return _bytes;
        }
    }

    /// <summary>
    /// The object at <paramref name="path"/>, from here or through <paramref name="read"/>; null when absent.
    /// </summary>
    public Task<ReadOnlyMemory<byte>?> GetAsync(string path, Func<string, Task<ReadOnlyMemory<byte>?>> read)
    {
        LinkedListNode<Entry>? node;
        bool hit;
        lock (_gate)
        {
            hit = _entries.TryGetValue(path, out node);
            if (node is not null)
            {
                _recent.Remove(node);
            }
            else
            {
                var made = node = new LinkedListNode<Entry>(new Entry(path));
                made.Value.Reading = new Lazy<Task<ReadOnlyMemory<byte>?>>(() => ReadAsync(made, read));
                _entries[path] = made;
            }

            _recent.AddFirst(node);
        }

        metrics?.CacheRead(hit);
        return node.Value.Reading.Value;
    }

    public void Forget(string path)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(path, out var node))
                Drop(node);
        }
    }

    private async Task<ReadOnlyMemory<byte>?> ReadAsync(
        LinkedListNode<Entry> node,
        Func<string, Task<ReadOnlyMemory<byte>?>> read)
    {
        ReadOnlyMemory<byte>? bytes = null;
        try
        {
            bytes = await read(node.Value.Path);
            return bytes;
        }
        finally
        {
            lock (_gate)
                Account(node, bytes);
        }
    }

    /// <summary>Absent objects and failed reads are not remembered: the next reader looks again.</summary>
    private void Account(LinkedListNode<Entry> node, ReadOnlyMemory<byte>? bytes)
    {
        if (node.List is null)
            return;
        if (bytes is not { } found || found.Length > maxBytes)
        {
            Drop(node);
            return;
        }

        node.Value.Bytes = found.Length;
        _bytes += found.Length;
        while (_bytes > maxBytes && _recent.Last is { } oldest)
            Drop(oldest);
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _recent.Remove(node);
        _entries.Remove(node.Value.Path);
        _bytes -= node.Value.Bytes;
    }

    private sealed class Entry(string path)
    {
        public string Path { get; } = path;

        public Lazy<Task<ReadOnlyMemory<byte>?>> Reading { get; set; } = null!;

        public int Bytes { get; set; }
    }
}
