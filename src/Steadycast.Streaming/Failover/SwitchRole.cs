using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>The <c>switch</c> section at work: finds the origins' streams and runs a switch for each.</summary>
public sealed partial class SwitchRole : IRole
{
    /// <summary>A bound on what an origin can make us keep; far above what one switch carries.</summary>
    private const int MaxStreams = 1000;

    private static readonly TimeSpan DiscoveryPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DetectionPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxTick = TimeSpan.FromMilliseconds(250);

    private readonly SwitchOptions _options;
    private readonly SegmentStores _stores;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly ImmutableArray<OriginClient> _origins;
    private readonly ImmutableArray<OriginClient> _peers;
    private readonly ImmutableArray<string> _streams;
    private readonly SwitchLibrary _library;
    private readonly SwitchMetrics _metrics;
    private readonly SwitchParts _parts;
    private readonly KindProbe _kinds;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private Task _running = Task.CompletedTask;
    private ISegmentStore? _state;
    private PinFile? _pins;
    private bool _full;
    private volatile bool _hasOnePlaylist;

    public SwitchRole(
        SwitchOptions options,
        SegmentStores stores,
        TimeProvider time,
        ILoggerFactory loggers,
        IMeterFactory meters)
    {
        (_options, _stores, _time, _loggers) = (options, stores, time, loggers);
        _logger = loggers.CreateLogger<SwitchRole>();
        _origins = [.. options.AllOrigins().Select(o => new OriginClient(o.Name, o.Url, time))];
        _peers = [.. options.Peers.Select(o => new OriginClient(o.Name, o.Url, time))];
        _streams = [.. options.NamedStreams()];
        var cache = new SegmentCache(options.MaxCacheBytes, time);
        _metrics = new SwitchMetrics(
            meters,
            _origins.Select(o => o.Name),
            () => [.. _library!.Switches.Select(s => s.Snapshot)],
            () => _library!.Headline?.Snapshot,
            () => cache.Bytes,
            time);
        _library = new SwitchLibrary(options.DefaultStream, _metrics);
        _kinds = new KindProbe(_origins, options, _metrics);
        var fetch = new SegmentFetch([.. _origins, .. _peers], new HedgeBudget(), _metrics, time);
        _parts = new SwitchParts(cache, fetch, _metrics, time);
    }

    public string Name => "switch";

    public string? HttpAddress => _options.ListenAddr;

    public void Map(IEndpointRouteBuilder routes)
    {
        new OriginEndpoints(_library, _options.Cors, _metrics.Door).Map(routes);
        routes.MapGet("/api/switch", WriteStatusAsync);
        new PinEndpoints(_options.ApiToken, _library.FindSwitch, hls => SwitchReport.Of(hls, _time)).Map(routes);
    }

    /// <summary>Loads what was published before, then follows the origins; does not wait for them.</summary>
    /// <exception cref="IOException">The state directory cannot be opened.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_origins.IsEmpty)
            throw new InvalidOperationException("switch: no origins; set primary_base_url, or origins.");
        if (_options.StateDir is { } directory)
        {
            _state = _stores.Open(directory);
            _pins = directory == SegmentStores.Memory ? null : new PinFile(directory, _metrics, _logger);
            foreach (var stream in _state.Streams.Where(s => _streams.IsEmpty || _streams.Contains(s)))
                Follow(stream, KindOnDisk(stream)!.Value);
        }

        var loops = new List<Task> { TickAsync(_stopping.Token) };
        if (_streams.IsEmpty)
            loops.AddRange(_origins.Select((_, origin) => DiscoverAsync(origin, _stopping.Token)));
        else
            loops.Add(FollowNamedAsync(_stopping.Token));
        _running = Task.WhenAll(loops);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running;
        await Task.WhenAll(_library.Switches.Select(s => s.DisposeAsync().AsTask())).WaitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var client in _origins.Concat(_peers))
            client.Dispose();
        _stopping.Dispose();
        return ValueTask.CompletedTask;
    }

    public RoleHealth Health() => new(
        SwitchReport.Reasons(_library.Switches),
        new Dictionary<string, object?>
        {
            ["active_origin"] = _library.Headline?.Snapshot.Active?.Name,
            ["streams"] = Streams(),
        });

    private Dictionary<string, object?> Streams() =>
        _library.Switches.ToDictionary(s => s.Snapshot.Stream, object? (s) => SwitchReport.Of(s, _time));

    private Task WriteStatusAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        var json = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object?>
        {
            ["default_stream"] = _library.DefaultStream,
            ["streams"] = Streams(),
        });
        return context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    /// <summary>How a stream was followed that is on disk; null when it is not there.</summary>
    private FollowMode? KindOnDisk(string stream)
    {
        if (_state?.Find(stream) is not { } index)
            return null;
        if (_options.Follow != FollowMode.Auto)
            return _options.Follow;
        return index.Segments.Any(s => SourceName.IsOne(s.Uri)) ? FollowMode.Playlist : FollowMode.Index;
    }

    /// <summary>The configured streams: each as soon as it is known how.</summary>
    private async Task FollowNamedAsync(CancellationToken cancellationToken)
    {
        var byAddress = _options.AllOrigins().Any(o => o.IsPlaylist());
        await Task.WhenAll(_streams.Select(async stream =>
        {
            var mode = _options.Follow == FollowMode.Auto && byAddress ? FollowMode.Playlist : _options.Follow;
            if (_library.Has(stream))
                return;
            if (mode == FollowMode.Auto)
                mode = await FindKindAsync(stream, cancellationToken);
            if (mode != FollowMode.Auto)
                Follow(stream, mode);
        }));
        _library.IsComplete = true;
    }

    private async Task<FollowMode> FindKindAsync(string stream, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (await _kinds.AskAsync(stream, cancellationToken) is { } mode)
                    return mode;
                await Task.Delay(DetectionPeriod, _time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            return FollowMode.Auto;
        }
    }

    private void Follow(string stream, FollowMode mode)
    {
        lock (_gate)
        {
            if (_library.Has(stream))
                return;
            if (_library.Switches.Count >= MaxStreams)
            {
                if (!_full)
                    Log.TooManyStreams(_logger, MaxStreams, stream);
                _full = true;
                return;
            }

            var logger = _loggers.CreateLogger<HlsSwitch>();
            var journal = _state is null ? null : new SwitchJournal(stream, _state, _metrics, _time, logger);
            var parts = new StreamParts(stream, _parts, journal, _pins);
            var policy = SwitchPolicy.Of(_options);
            if (mode == FollowMode.Playlist && _peers.Length > 0)
                Log.NoPeers(_logger, stream);
            Log.Following(_logger, stream, mode == FollowMode.Playlist ? "playlists" : "indexes");
            IFollower follower = mode == FollowMode.Playlist
                ? new PlaylistFollower(
                    parts, _origins, [.. _options.AllOrigins().Select(o => _options.PlaylistOf(o, stream))], policy)
                : new IndexFollower(parts, _origins, _peers, policy);
            var hls = new HlsSwitch(parts, follower, logger);
            _library.Add(stream, hls);
            hls.Start();
        }
    }

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromSeconds(_options.CheckIntervalSeconds);
        using var timer = new PeriodicTimer(period < MaxTick ? period : MaxTick, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                foreach (var hls in _library.Switches)
                    hls.Tick();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>
    /// Asks one origin for its streams, about every second; what it lists is followed on every origin.
    /// </summary>
    private async Task DiscoverAsync(int number, CancellationToken cancellationToken)
    {
        var origin = _origins[number];
        try
        {
            while (true)
            {
                var answer = await origin.GetStreamsAsync(DiscoveryPeriod * 2, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                _metrics.Fetched(origin.Name, "streams", answer.Fault, answer.Status, answer.Elapsed);
                foreach (var stream in answer.Value ?? [])
                    Follow(stream, FollowMode.Index);
                _library.IsComplete |= answer.Fault == OriginFault.None;
                // A plain web server lists nothing; it has one stream, where streaming-lab's switcher looked for it.
                if (_options.Follow == FollowMode.Auto && KindProbe.IsDenial(answer.Fault) && !_library.IsComplete
                    && await _kinds.HasPlaylistAsync(number, _options.NameOfTheOne, cancellationToken))
                {
                    Follow(_options.NameOfTheOne, FollowMode.Playlist);
                    (_library.IsComplete, _hasOnePlaylist) = (true, true);
                }

                if (_hasOnePlaylist)
                    return;

                await Task.Delay(DiscoveryPeriod, _time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "{StreamName}: follows the origins by their {What}")]
        public static partial void Following(ILogger logger, string streamName, string what);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName}: the other switches are not heeded; each counts segments of playlists by itself")]
        public static partial void NoPeers(ILogger logger, string streamName);

        [LoggerMessage(
            Level = LogLevel.Error,
            Message = "The origins list more than {Limit} streams; {StreamName} is not followed")]
        public static partial void TooManyStreams(ILogger logger, int limit, string streamName);
    }
}
