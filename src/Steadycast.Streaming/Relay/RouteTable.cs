using System.IO.Enumeration;

namespace Steadycast.Streaming.Relay;

/// <summary>Which streams go where; the first route that names a stream takes it.</summary>
public sealed class RouteTable(IReadOnlyList<Route> routes)
{
    public IReadOnlyList<Route> Routes => routes;

    /// <summary>The routes of a configuration, and behind them the upstreams for all other streams.</summary>
    public static RouteTable Of(RelayOptions options, TimeProvider time)
    {
        var retry = new RetryPolicy(options.Retry);
        IReadOnlyList<UpstreamOptions> rest =
            options.Upstreams is { Count: 0 } && options.Upstream is { } one
                ? [new UpstreamOptions { Url = one }]
                : options.Upstreams;
        var routes = options.Routes
            .Select(r => new Route(r.Match, Pool(r.Upstreams, r.Strategy, options, time), retry)).ToList();
        if (rest.Count > 0)
            routes.Add(new Route("*", Pool(rest, options.UpstreamStrategy, options, time), retry));
        return new RouteTable(routes);
    }

    public Route? Find(RelayedStream stream) =>
        routes.FirstOrDefault(
            r => FileSystemName.MatchesSimpleExpression(r.Match, stream.Stream.Value, ignoreCase: false));

    private static UpstreamPool Pool(
        IEnumerable<UpstreamOptions> upstreams, UpstreamStrategy strategy, RelayOptions options, TimeProvider time) =>
        new(
            upstreams.Select(u => new Upstream(
                UpstreamAddress.TryParse(u.Url, out UpstreamAddress? address)
                    ? address
                    : throw new FormatException($"{u.Url} was checked and is no address"),
                Math.Max(1, u.Weight),
                new CircuitBreaker(options.CircuitBreaker, time))),
            strategy,
            Random.Shared);
}

/// <summary>Streams, the upstreams that one of them may go to, and how often they are tried.</summary>
/// <param name="Match">The stream's whole name, or a pattern with <c>*</c>: <c>live/*</c>.</param>
public sealed record Route(string Match, UpstreamPool Pool, RetryPolicy Retry);
