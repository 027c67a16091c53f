using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>The <c>packager</c> section at work: one loop per stream of the ingest.</summary>
public sealed partial class PackagerRole : IRole
{
    /// <summary>Far above what one machine can package; a broken list of streams ends here.</summary>
    private const int MaxStreams = 4096;

    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    private readonly PackagerOptions _options;
    private readonly SegmentStores _stores;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly PackagingMetrics _metrics;
    private readonly FeedClient _feed;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, PackagingLoop> _loops = new(StringComparer.Ordinal);
    private readonly List<Task> _running = [];
    private Task _listing = Task.CompletedTask;
    private ISegmentStore? _store;

    /// <param name="way">What requests to the ingest pass on their way; null: nothing.</param>
    public PackagerRole(
        PackagerOptions options,
        SegmentStores stores,
        TimeProvider time,
        ILoggerFactory loggers,
        IMeterFactory meters,
        DelegatingHandler? way = null)
    {
        (_options, _stores, _time, _loggers) = (options, stores, time, loggers);
        _logger = loggers.CreateLogger<PackagerRole>();
        _metrics = new PackagingMetrics(meters);
        Uri[] ingests = [.. options.Feed.Select(feed => new Uri(feed))];
        _feed = new FeedClient(ingests, new FeedClientOptions(), time, loggers, way);
    }

    public string Name => "packager";

    public string? HttpAddress => _options.HttpAddr;

    /// <summary>Nothing of its own: health and metrics are the server's.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
    }

    /// <exception cref="IOException">The store's directory cannot be opened.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _store = _stores.Open(_options.Store);
        _listing = _options.Streams.Count > 0 ? FollowConfigured() : FollowListedAsync();
        return Task.CompletedTask;
    }

    /// <summary>A segment that is being stored is finished or not there at all: stores write whole or not.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _listing.WaitAsync(cancellationToken);
        await Task.WhenAll(_running).WaitAsync(cancellationToken);
    }

    public RoleHealth Health()
    {
        var reasons = new List<string>();
        var streams = new Dictionary<string, object?>();
        if (_store is null) reasons.Add("The packager has not started.");
        if (_options.Streams.Count == 0 && _store is not null && !_feed.List.Connected)
        {
            var ingests = string.Join(" or ", _options.Feed);
            reasons.Add($"The ingest {ingests} does not list its streams: {_feed.List.LastError}");
        }

        foreach (var loop in _loops.Values.OrderBy(loop => loop.Stream, StringComparer.Ordinal))
        {
            var (state, link) = (loop.State, loop.Link);
            if (!link.Connected) reasons.Add($"The feed of {loop.Stream} is out of reach: {link.LastError}");
            if (state.StoreError is not null)
                reasons.Add($"The store takes nothing of {loop.Stream}: {state.StoreError}");
            streams[loop.Stream] = new Dictionary<string, object?>
            {
                ["first"] = state.First,
                ["edge"] = state.Edge,
                ["feed_connected"] = link.Connected,
                ["store_error"] = state.StoreError,
                ["last_fault"] = state.LastFault,
            };
        }

        return new RoleHealth(reasons, new Dictionary<string, object?> { ["packager_streams"] = streams });
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _feed.Dispose();
        _stopping.Dispose();
    }

    private Task FollowConfigured()
    {
        foreach (var stream in _options.Streams.Distinct(StringComparer.Ordinal)) Follow(stream);
        return Task.CompletedTask;
    }

    private async Task FollowListedAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await foreach (var stream in _feed.StreamsAsync(_stopping.Token)) Follow(stream);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                Log.ListingEnded(_logger);
            }
            catch (Exception e)
            {
                Log.ListingFailed(_logger, e);
                await Task.Delay(RestartPause, _time, _stopping.Token)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Follow(string stream)
    {
        if (!ObjectName.IsStream(stream) || _loops.Count >= MaxStreams)
        {
            Log.StreamRefused(_logger, stream);
            return;
        }

        var loop = new PackagingLoop(
            _feed.Follow(stream),
            _options.Container,
            TimeSpan.FromSeconds(_options.WindowSeconds),
            _store!,
            _metrics,
            _time,
            _loggers.CreateLogger<PackagingLoop>());
        if (_loops.TryAdd(stream, loop)) _running.Add(loop.RunAsync(_stopping.Token));
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "No more streams are taken up")]
        public static partial void ListingEnded(ILogger logger);

        [LoggerMessage(Level = LogLevel.Error, Message = "Listing the ingest's streams failed and starts again")]
        public static partial void ListingFailed(ILogger logger, Exception exception);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName} is not packaged: no name for a folder, or more streams than a packager takes")]
        public static partial void StreamRefused(ILogger logger, string streamName);
    }
}
