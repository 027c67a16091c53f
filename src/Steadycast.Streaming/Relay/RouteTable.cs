using System.IO.Enumeration;

namespace Steadycast.Streaming.Relay;

/// <summary>Which streams go where; the first route that names a stream takes it.</summary>
public sealed class RouteTable(IReadOnlyList<Route> routes)
{
    public IReadOnlyList<Route> Routes => routes;

    public Route? Find(RelayedStream stream) =>
        routes.FirstOrDefault(
            r => FileSystemName.MatchesSimpleExpression(r.Match, stream.Stream.Value, ignoreCase: false));
}

/// <summary>Streams, the upstreams that one of them may go to, and how often they are tried.</summary>
/// <param name="Match">The stream's whole name, or a pattern with <c>*</c>: <c>live/*</c>.</param>
public sealed record Route(string Match, UpstreamPool Pool, RetryPolicy Retry);
