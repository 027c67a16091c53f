using System.Collections.Concurrent;

namespace Steadycast.Streaming.Feed;

/// <summary>The feeds of this process by stream name, in the order in which they appeared.</summary>
internal sealed class FeedDirectory : IDisposable
{
    private readonly ConcurrentDictionary<string, StampedFeed> _feeds = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private List<string> _names = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when another stream appears; take it before <see cref="Names"/>.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Grows at its end only.</summary>
    public IReadOnlyList<string> Names => Volatile.Read(ref _names);

    /// <summary>No stream will appear any more, and none will say anything more.</summary>
    public bool IsClosed { get; private set; }

    public StampedFeed? Find(string stream) => _feeds.GetValueOrDefault(stream);

    public void Add(StampedFeed feed)
    {
        lock (_gate)
        {
            _feeds[feed.Stream] = feed;
            Volatile.Write(ref _names, [.. _names, feed.Stream]);
        }

        Signal();
    }

    public void Close()
    {
        IsClosed = true;
        Signal();
        foreach (var feed in _feeds.Values)
            feed.Close();
    }

    public void Dispose()
    {
        foreach (var feed in _feeds.Values)
            feed.Dispose();
    }

    private void Signal() => Interlocked.Exchange(
        ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
