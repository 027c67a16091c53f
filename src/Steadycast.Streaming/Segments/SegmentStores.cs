using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Segments;

/// <summary>Opens each store of the configuration once per process, so that the roles in it share it.</summary>
/// <remarks>Thread-safe. Disposing it disposes the stores, after every role has stopped.</remarks>
public sealed class SegmentStores(TimeProvider clock, ILoggerFactory loggers, IMeterFactory meters) : IAsyncDisposable
{
    /// <summary>The value of <c>store</c> that is not a folder.</summary>
    public const string Memory = "memory";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ISegmentStore> _stores = new(StringComparer.Ordinal);
    private readonly SegmentsMetrics _metrics = new(meters);

    /// <summary>The store that <c>store: memory|DIR</c> names.</summary>
    /// <exception cref="IOException">The folder is not there and cannot be made.</exception>
    public ISegmentStore Open(string store)
    {
        var key = store == Memory ? Memory : Path.TrimEndingDirectorySeparator(Path.GetFullPath(store));
        lock (_gate)
        {
            if (_stores.TryGetValue(key, out var open))
                return open;
            return _stores[key] = store == Memory
                ? new MemoryStore(clock, _metrics)
                : new DirectoryStore(key, clock, loggers.CreateLogger<DirectoryStore>(), _metrics);
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<ISegmentStore> stores;
        lock (_gate)
        {
            stores = [.. _stores.Values];
            _stores.Clear();
        }

        foreach (var store in stores.OfType<IAsyncDisposable>())
            await store.DisposeAsync();
    }
}
