using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Origin;

/// <summary>
/// The <c>origin</c> section at work: serves what a packager stored. Holds no loop and no state of its own.
/// </summary>
public sealed class OriginRole : IRole
{
    private readonly OriginOptions _options;
    private readonly SegmentStores _stores;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly OriginMetrics _metrics;
    private StoreLibrary? _library;

    public OriginRole(
        OriginOptions options,
        SegmentStores stores,
        TimeProvider time,
        ILoggerFactory loggers,
        IMeterFactory meters)
    {
        _options = options;
        _stores = stores;
        _time = time;
        _loggers = loggers;
        _metrics = new OriginMetrics(meters);
    }

    public string Name => "origin";

    public string? HttpAddress => _options.ListenAddr;

    /// <exception cref="IOException">The store's directory cannot be opened.</exception>
    public void Map(IEndpointRouteBuilder routes) =>
        new OriginEndpoints(Library, _options.Cors, _metrics.Door).Map(routes);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = Library;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public RoleHealth Health()
    {
        var streams = new Dictionary<string, object?>();
        if (_library is { } library)
        {
            foreach (var stream in library.Streams)
            {
                var state = library.Find(stream, out var rendered);
                if (rendered is null)
                    continue;
                streams[stream] = new Dictionary<string, object?>
                {
                    ["state"] = state == StreamState.Stalled ? "stalled" : "live",
                    ["first"] = rendered.Index.First,
                    ["edge"] = rendered.Index.Edge,
                };
            }
        }

        return new RoleHealth(
            streams.Count > 0 ? [] : [$"No stream has been published to the store {_options.Store} yet."],
            new Dictionary<string, object?> { ["origin_streams"] = streams });
    }

    /// <summary>
    /// Roles are mapped before they are started, or after: the store is opened by whichever comes first.
    /// </summary>
    private StoreLibrary Library => _library ??= new StoreLibrary(
        _stores.Open(_options.Store), _options.DefaultStream, _time, _metrics, _loggers.CreateLogger<StoreLibrary>());
}
