using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Hub;

/// <summary>All streams of a process, by name.</summary>
public sealed class StreamHub(HubOptions options, TimeProvider time, HubMetrics metrics, ILogger<StreamHub> log)
    : IAsyncDisposable
{
    /// <summary>The chunk size of the bytes that subscriptions give out; a player is told it before them.</summary>
    public const int ChunkSize = 65536;

    /// <summary>The streams of this moment, players waiting for a publisher included.</summary>
    public IReadOnlyCollection<LiveStream> Streams => throw new NotSupportedException();

    /// <summary>Tells of streams as they come and go; streams that are there already are told at once.</summary>
    /// <param name="started">
    /// A stream has its first publisher. Called on the publisher's thread before its first message, so that who
    /// subscribes in it misses nothing; must not block.
    /// </param>
    /// <param name="vanished">Neither publisher nor player for the grace period; its subscriptions are closed.</param>
    public void Observe(Action<LiveStream> started, Action<LiveStream>? vanished = null) =>
        throw new NotSupportedException();

    public LiveStream? Find(StreamName name) => throw new NotSupportedException();

    /// <summary>Takes a stream for a publisher; the publication is not null exactly when accepted.</summary>
    public PublishOutcome Publish(StreamName name, PublisherInfo publisher, out Publication? publication) =>
        throw new NotSupportedException();

    /// <summary>Subscribes, also before there is a publisher; survives publishers. False: the hub is full.</summary>
    public bool TrySubscribe(
        StreamName name, SubscriptionOptions subscription, [NotNullWhen(true)] out Subscription? subscribed) =>
        throw new NotSupportedException();

    /// <summary>Ends every publication and closes every subscription.</summary>
    public ValueTask DisposeAsync()
    {
        _ = (options, time, metrics, log);
        return ValueTask.CompletedTask;
    }
}
