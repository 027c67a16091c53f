using System.Collections.Concurrent;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Rtmp;

namespace Steadycast.Streaming.Relay;

/// <summary>Sends each stream that comes in at a door on to an upstream of its route.</summary>
internal sealed partial class StreamRelay(
    StreamHub hub, RouteTable routes, RelayParts parts) : IPublishRoute, IAsyncDisposable
{
    private readonly ConcurrentDictionary<StreamName, Running> _running = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The streams that are on their way, at this moment.</summary>
    public IEnumerable<RelaySession> Sessions => _running.Values.Select(r => r.Session);

    public async ValueTask<RouteRefusal?> OpenAsync(PublishOpening opening, CancellationToken cancellationToken)
    {
        RelayedStream stream = RelayedStream.Of(opening.Name, opening.Connect, opening.Request);
        if (routes.Find(stream) is not { } route)
            return new RouteRefusal(StatusCode.PublishBadName, "No such stream.", "no_route");
        // The publisher before it has left, or was put out: its session ends, and this one begins with this publisher.
        if (_running.TryRemove(opening.Name, out Running? before))
            await before.StopAsync();
        if (!hub.TrySubscribe(opening.Name, Replaying, out Subscription? subscription))
            return new RouteRefusal(StatusCode.PublishRejected, "The server takes no more streams.", "full");

        var session = new RelaySession(stream, subscription, route.Pool, route.Retry, parts);
        if (await TryOpenAsync(session, cancellationToken))
        {
            _running[opening.Name] = new Running(session, subscription, opening.Publication, _stopping.Token);
            return null;
        }

        await session.DisposeAsync();
        subscription.Dispose();
        return new RouteRefusal(StatusCode.PublishRejected, "The stream cannot be taken now.", "no_upstream");
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        foreach (Running running in _running.Values)
            await running.StopAsync();
    }

    private static SubscriptionOptions Replaying { get; } = new(SubscriptionKind.Relay)
    {
        CanRewind = true,
        MaxLagBytes = int.MaxValue,
        MaxLag = TimeSpan.MaxValue,
    };

    private async ValueTask<bool> TryOpenAsync(RelaySession session, CancellationToken cancellationToken)
    {
        using var within = new CancellationTokenSource(parts.Times.Open, parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(within.Token, cancellationToken);
        try
        {
            return await session.OpenAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>One session at work, until its publisher leaves.</summary>
    private sealed class Running
    {
        private readonly CancellationTokenSource _stop;
        private readonly Task _running;

        public Running(
            RelaySession session, Subscription subscription, Publication publication, CancellationToken stopping)
        {
            Session = session;
            _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, publication.Ended);
            _running = RunAsync(subscription, publication);
        }

        public RelaySession Session { get; }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }

        private async Task RunAsync(Subscription subscription, Publication publication)
        {
            await Task.Yield();
            try
            {
                if (!await Session.RunAsync(_stop.Token))
                    publication.End("the stream could not be sent on any more");
            }
            finally
            {
                await Session.DisposeAsync();
                subscription.Dispose();
            }
        }
    }
}
