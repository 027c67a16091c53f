using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Origin;

/// <summary>An origin's streams: a store's indexes, rendered once per publish, and its objects, hashed once.</summary>
internal sealed partial class StoreLibrary(
    ISegmentStore store,
    string? defaultStream,
    TimeProvider time,
    OriginMetrics metrics,
    ILogger<StoreLibrary> logger) : IHlsLibrary
{
    /// <summary>The live edge of a dozen streams; what is older is read again from the store.</summary>
    private const long CacheBytes = 64 << 20;

    private static readonly TimeSpan Keep = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, RenderedStream> _rendered = new(StringComparer.Ordinal);
    private readonly SegmentCache _cache = new(CacheBytes, time);

    public string? DefaultStream => defaultStream ?? (store.Streams is { Count: 1 } only ? only.First() : null);

    public IReadOnlyCollection<string> Streams => store.Streams;

    public StreamState Find(string stream, out RenderedStream? rendered)
    {
        if (store.Find(stream) is not { } index)
        {
            _rendered.TryRemove(stream, out rendered);
            rendered = null;
            return stream == defaultStream ? StreamState.Cold : StreamState.Unknown;
        }

        if (!_rendered.TryGetValue(stream, out rendered) || !ReferenceEquals(rendered.Index, index))
        {
            // Several requests may render the same index; the bytes are equal, so which one stays does not matter.
            rendered = new RenderedStream(index, time.GetUtcNow(), time.GetTimestamp());
            _rendered[stream] = rendered;
        }

        return rendered.StateAt(time);
    }

    public ValueTask<SegmentResponse?> FindObjectAsync(
        string stream,
        string name,
        CancellationToken cancellationToken) =>
        _cache.GetOrLoadAsync(new ObjectKey(stream, name), LoadAsync, cancellationToken);

    public ValueTask CatchUpAsync(string stream, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public async ValueTask WaitAsync(string stream, long edge, TimeSpan timeout, CancellationToken cancellationToken) =>
        await store.WaitAsync(stream, edge, timeout, cancellationToken);

    private async Task<SegmentResponse?> LoadAsync(ObjectKey key)
    {
        if (store.Find(key.Stream) is not { } index)
            return null;
        try
        {
            if (await store.ReadAsync(key.Stream, key.Name, CancellationToken.None) is not { } bytes)
                return null;
            var hash = SegmentResponse.HashOf(bytes.Span);
            if (index.HashOf(key.Name) is { } promised && promised != hash)
            {
                // A bad disk, or a file that somebody replaced: a switch takes the segment from another origin.
                metrics.Corrupt();
                Log.Corrupt(logger, key.Stream, key.Name);
                return null;
            }

            var response = new SegmentResponse(key.Name, bytes, hash);
            _cache.Add(key, response, Keep);
            return response;
        }
        catch (IOException e)
        {
            metrics.Unreadable();
            Log.Unreadable(logger, key.Stream, key.Name, e.Message);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "{StreamName}: {Object} is not what its index promises; not served")]
        public static partial void Corrupt(ILogger logger, string streamName, string @object);

        [LoggerMessage(Level = LogLevel.Error, Message = "{StreamName}: {Object} cannot be read: {Reason}")]
        public static partial void Unreadable(ILogger logger, string streamName, string @object, string reason);
    }
}
