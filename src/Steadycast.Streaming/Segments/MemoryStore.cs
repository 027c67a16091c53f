using System.Collections.Concurrent;

namespace Steadycast.Streaming.Segments;

/// <summary>Segments in memory, for a packager and an origin (or a switch) in one process.</summary>
/// <remarks>
/// Thread-safe. Bounded by the window and its retention: about three windows and 30 s of each stream.
/// </remarks>
public sealed class MemoryStore(TimeProvider clock, SegmentsMetrics? metrics = null) : ISegmentStore
{
    private const string Kind = "memory";

    private readonly ConcurrentDictionary<string, Shelf> _shelves = new(StringComparer.Ordinal);
    private readonly IndexBoard _board = new(clock);

    public IReadOnlyCollection<string> Streams => _board.Streams;

    public StreamIndex? Find(string stream) => _board.Find(stream);

    public ValueTask PutAsync(
        string stream,
        string name,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken)
    {
        ObjectName.Require(stream, name);
        var shelf = _shelves.GetOrAdd(stream, _ => new Shelf(clock));
        lock (shelf.Gate)
        {
            shelf.Objects[name] = bytes.ToArray();
            shelf.Retention.Stored(name);
            RemoveExpired(shelf);
        }

        metrics?.Put(Kind, bytes.Length);
        return ValueTask.CompletedTask;
    }

    public ValueTask PublishAsync(StreamIndex index, CancellationToken cancellationToken)
    {
        ObjectName.Require(index.Stream);
        var shelf = _shelves.GetOrAdd(index.Stream, _ => new Shelf(clock));
        lock (shelf.Gate)
        {
            _board.Set(index);
            shelf.Retention.Published(index);
            RemoveExpired(shelf);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<ReadOnlyMemory<byte>?> ReadAsync(string stream, string name, CancellationToken cancellationToken)
    {
        var found = _shelves.TryGetValue(stream, out var shelf) && shelf.Objects.TryGetValue(name, out var bytes)
            ? bytes
            : (ReadOnlyMemory<byte>?)null;
        return ValueTask.FromResult(found);
    }

    public ValueTask<StreamIndex?> WaitAsync(
        string stream,
        long edge,
        TimeSpan timeout,
        CancellationToken cancellationToken) =>
        _board.WaitAsync(stream, edge, timeout, cancellationToken);

    private void RemoveExpired(Shelf shelf)
    {
        foreach (var name in shelf.Retention.Expired())
        {
            shelf.Objects.TryRemove(name, out _);
            shelf.Retention.Removed(name);
            metrics?.Removed(Kind);
        }
    }

    private sealed class Shelf(TimeProvider clock)
    {
        public Lock Gate { get; } = new();

        public ConcurrentDictionary<string, ReadOnlyMemory<byte>> Objects { get; } = new(StringComparer.Ordinal);

        public Retention Retention { get; } = new(clock);
    }
}
