using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Hub;

/// <summary>All streams of a process, by name.</summary>
/// <remarks>
/// One lock orders what is rare: publishers and subscribers that come and go, streams that vanish. No message passes
/// it.
/// </remarks>
public sealed partial class StreamHub : IAsyncDisposable
{
    /// <summary>The chunk size of the bytes that subscriptions give out; a player is told it before them.</summary>
    public const int ChunkSize = 65536;

    /// <summary>The message stream of those bytes.</summary>
    public const uint MessageStreamId = StreamLog.MessageStreamId;

    // Slabs that wait for the next stream: enough for a few that end at once, little for a server that idles.
    private const int MaxPooledBytes = 16 << 20;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReleaseAudioEvery = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly Dictionary<StreamName, LiveStream> streams = [];
    private readonly List<(Action<LiveStream> Started, Action<LiveStream>? Vanished)> observers = [];
    private readonly SlabPool pool = new(MaxPooledBytes);
    private readonly HubOptions options;
    private readonly TimeProvider time;
    private readonly HubMetrics metrics;
    private readonly ILogger<StreamHub> log;
    private readonly ITimer sweep;
    private readonly ITimer releaseAudio;
    private bool isStopping;

    public StreamHub(HubOptions options, TimeProvider time, HubMetrics metrics, ILogger<StreamHub> log)
    {
        (this.options, this.time, this.metrics, this.log) = (options, time, metrics, log);
        sweep = time.CreateTimer(static h => ((StreamHub)h!).Sweep(), this, SweepEvery, SweepEvery);
        releaseAudio = time.CreateTimer(
            static h => ((StreamHub)h!).ReleaseAudio(), this, ReleaseAudioEvery, ReleaseAudioEvery);
    }

    /// <summary>The streams of this moment, players waiting for a publisher included.</summary>
    public IReadOnlyCollection<LiveStream> Streams
    {
        get
        {
            lock (gate)
                return [.. streams.Values];
        }
    }

    /// <summary>What logs and cursors hold, and what waits to be used again.</summary>
    public (long RentedBytes, long PooledBytes) Memory => (pool.RentedBytes, pool.KeptBytes);

    /// <summary>Tells of streams as they come and go; streams that are there already are told at once.</summary>
    /// <param name="started">
    /// A stream has its first publisher. Called on the publisher's thread before its first message, so that who
    /// subscribes in it misses nothing; must not block.
    /// </param>
    /// <param name="vanished">Neither publisher nor player for the grace period; its subscriptions are closed.</param>
    public void Observe(Action<LiveStream> started, Action<LiveStream>? vanished = null)
    {
        LiveStream[] already;
        lock (gate)
        {
            observers.Add((started, vanished));
            already = [.. streams.Values.Where(s => s.PublicationCount > 0)];
        }

        foreach (LiveStream stream in already)
            started(stream);
    }

    public LiveStream? Find(StreamName name)
    {
        lock (gate)
            return streams.GetValueOrDefault(name);
    }

    /// <summary>Takes a place of a stream for a publisher; the publication is not null exactly when accepted.</summary>
    public PublishOutcome Publish(StreamName name, PublisherInfo publisher, out Publication? publication)
    {
        Publication? loser;
        Action<LiveStream>[] tell = [];
        lock (gate)
        {
            PublishOutcome outcome = Judge_NeedsLock(name, publisher, out LiveStream? stream, out loser);
            metrics.Published(outcome, publisher.Role);
            publication = null;
            if (outcome != PublishOutcome.Accepted)
            {
                LogRefused(log, name, publisher.ConnectionId, outcome);
                return outcome;
            }

            publication = new Publication(this, stream!, publisher, options, time);
            stream!.Enter(publication, loser);
            if (publication.Number == 1)
                tell = [.. observers.Select(o => o.Started)];
        }

        if (loser is not null)
        {
            string reason = $"taken over by connection {publisher.ConnectionId}";
            metrics.TakenOver();
            metrics.Unpublished(loser.Publisher.Role);
            LogTakenOver(log, name, loser.Publisher.ConnectionId, publisher.ConnectionId);
            loser.SetEnded(reason);
        }

        LogStarted(
            log,
            name,
            publisher.ConnectionId,
            publisher.RemoteEndPoint,
            publisher.Role,
            publication.IsOnAir ? "on air" : "kept ready");
        foreach (Action<LiveStream> started in tell)
            started(publication.Stream);
        return PublishOutcome.Accepted;
    }

    /// <summary>Subscribes, also before there is a publisher; survives publishers. False: the hub is full.</summary>
    public bool TrySubscribe(
        StreamName name, SubscriptionOptions subscription, [NotNullWhen(true)] out Subscription? subscribed)
    {
        lock (gate)
        {
            subscribed = FindOrAdd_NeedsLock(name)?.Subscribe(subscription);
            return subscribed is not null;
        }
    }

    /// <summary>Ends every publication and closes every subscription.</summary>
    public async ValueTask DisposeAsync()
    {
        LiveStream[] all;
        lock (gate)
        {
            isStopping = true;
            all = [.. streams.Values];
        }

        await sweep.DisposeAsync();
        await releaseAudio.DisposeAsync();
        foreach (LiveStream stream in all)
        {
            // First who waits, so that it does not go on air for a moment.
            foreach (Publication publication in new[] { stream.Standby, stream.Main }.OfType<Publication>()
                .OrderBy(p => p.IsOnAir))
                End(publication, "the server is stopping");
            stream.Close();
            metrics.StreamRemoved();
        }

        lock (gate)
            streams.Clear();
    }

    internal void End(Publication publication, string reason)
    {
        bool wasThere;
        lock (gate)
            wasThere = publication.Stream.Leave(publication);
        publication.SetEnded(reason);
        if (!wasThere)
            return;
        metrics.Unpublished(publication.Publisher.Role);
        LogEnded(log, publication.Stream.Name, publication.Publisher.ConnectionId, reason);
    }

    /// <summary>
    /// A publisher meets the one that has its place. Main and standby are different places; one that fills in makes
    /// room for both, and comes where neither is.
    /// </summary>
    private PublishOutcome Judge_NeedsLock(
        StreamName name, PublisherInfo publisher, out LiveStream? stream, out Publication? loser)
    {
        loser = null;
        stream = FindOrAdd_NeedsLock(name);
        if (stream is null)
            return PublishOutcome.Full;
        bool isStandby = publisher is { Role: PublisherRole.Standby, Yields: false };
        loser = stream.Main is { Publisher.Yields: true } filler ? filler
            : publisher.Yields ? stream.Publication
            : isStandby ? stream.Standby
            : stream.Main;
        bool mayHave = (loser?.Publisher.Yields, publisher.Yields, options.PublishConflict) switch
        {
            (null, _, _) => true,
            (_, true, _) => false,
            (true, _, _) => true,
            (_, _, PublishConflict.Takeover) => true,
            (_, _, PublishConflict.TakeoverWhenSilent) => loser!.SilentFor >= options.SilentAfter,
            _ => false,
        };
        return mayHave ? PublishOutcome.Accepted : PublishOutcome.Busy;
    }

    private LiveStream? FindOrAdd_NeedsLock(StreamName name)
    {
        if (streams.TryGetValue(name, out LiveStream? stream))
            return stream;
        if (isStopping || streams.Count >= options.MaxStreams)
            return null;
        stream = new LiveStream(name, options, pool, time, metrics, LogSwitch);
        streams.Add(name, stream);
        metrics.StreamAdded();
        return stream;
    }

    private void ReleaseAudio()
    {
        lock (gate)
            foreach (LiveStream stream in streams.Values)
                stream.ReleaseAudio();
    }

    private void Sweep()
    {
        List<LiveStream> vanished = [];
        Action<LiveStream>[] tell;
        lock (gate)
        {
            foreach (LiveStream stream in streams.Values)
            {
                stream.TrimIdle();
                if (!stream.IsUsed && time.GetElapsedTime(stream.IdleSince) >= options.StreamGrace)
                    vanished.Add(stream);
            }

            foreach (LiveStream stream in vanished)
                streams.Remove(stream.Name);
            tell = [.. observers.Select(o => o.Vanished).OfType<Action<LiveStream>>()];
        }

        foreach (LiveStream stream in vanished)
        {
            stream.Close();
            metrics.StreamRemoved();
            LogVanished(log, stream.Name);
            if (stream.PublicationCount > 0)
                foreach (Action<LiveStream> gone in tell)
                    gone(stream);
        }
    }

    private void LogSwitch(LiveStream stream, PublisherSwitch change)
    {
        string reason = change.Reason switch
        {
            SwitchReason.Left => "the other one left",
            SwitchReason.Silent => "the other one is silent",
            SwitchReason.Frozen => "the other one sends nothing new",
            _ => "it has been well for long enough",
        };
        LogSwitched(
            log,
            change.Reason == SwitchReason.Returned ? LogLevel.Information : LogLevel.Warning,
            stream.Name,
            change.To.Role,
            change.To.ConnectionId,
            reason);
    }

    [LoggerMessage(LogLevel.Information,
        "Publishing {StreamName} started on connection {ConnectionId} from {RemoteEndPoint}: {Role}, {State}")]
    private static partial void LogStarted(
        ILogger log,
        StreamName streamName,
        string connectionId,
        string? remoteEndPoint,
        PublisherRole role,
        string state);

    [LoggerMessage(Message =
        "The {Role} publisher of {StreamName}, connection {ConnectionId}, went on air: {Reason}")]
    private static partial void LogSwitched(
        ILogger log, LogLevel level, StreamName streamName, PublisherRole role, string connectionId, string reason);

    [LoggerMessage(LogLevel.Information, "Publishing {StreamName} ended on connection {ConnectionId}: {Reason}")]
    private static partial void LogEnded(ILogger log, StreamName streamName, string connectionId, string reason);

    [LoggerMessage(LogLevel.Warning,
        "Stream {StreamName} was taken from connection {ConnectionId} by {NewConnectionId}")]
    private static partial void LogTakenOver(
        ILogger log, StreamName streamName, string connectionId, string newConnectionId);

    [LoggerMessage(LogLevel.Information,
        "Publishing {StreamName} was refused to connection {ConnectionId}: {Outcome}")]
    private static partial void LogRefused(
        ILogger log, StreamName streamName, string connectionId, PublishOutcome outcome);

    [LoggerMessage(LogLevel.Debug, "Stream {StreamName} is gone: nobody has used it")]
    private static partial void LogVanished(ILogger log, StreamName streamName);
}
