using System.Collections.Concurrent;

namespace Steadycast.Streaming.Segments;

/// <summary>The newest index of every stream of a store, and the bell that wakes who waits for the next one.</summary>
/// <remarks>Thread-safe. Waiting for a stream that does not exist costs no memory beyond the waiter's own.</remarks>
internal sealed class IndexBoard(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private volatile TaskCompletionSource _appeared = NewBell();

    public IReadOnlyCollection<string> Streams => [.. _entries.Keys.Order(StringComparer.Ordinal)];

    public StreamIndex? Find(string stream) => _entries.TryGetValue(stream, out var entry) ? entry.Index : null;

    /// <summary>One writer per stream at a time.</summary>
    public void Set(StreamIndex index)
    {
        var entry = new Entry(index, NewBell());
        if (_entries.TryGetValue(index.Stream, out var before))
        {
            _entries[index.Stream] = entry;
            before.Replaced.SetResult();
            return;
        }

        _entries[index.Stream] = entry;
        Interlocked.Exchange(ref _appeared, NewBell()).SetResult();
    }

    public void Remove(string stream)
    {
        if (_entries.TryRemove(stream, out var entry))
            entry.Replaced.TrySetResult();
    }

    /// <summary>See <see cref="ISegmentStore.WaitAsync"/>.</summary>
    public async ValueTask<StreamIndex?> WaitAsync(
        string stream,
        long edge,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        while (true)
        {
            // The bell first, then the look: what is published in between rings the bell that we hold.
            var bell = _appeared.Task;
            if (_entries.TryGetValue(stream, out var entry))
            {
                if (entry.Index.Edge > edge)
                    return entry.Index;
                bell = entry.Replaced.Task;
            }

            var left = timeout - clock.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
                return null;
            try
            {
                await bell.WaitAsync(left, clock, cancellationToken);
            }
            catch (TimeoutException)
            {
                return null;
            }
        }
    }

    private static TaskCompletionSource NewBell() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Entry(StreamIndex Index, TaskCompletionSource Replaced);
}
