using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Feed;

/// <summary>How feeds are made.</summary>
/// <param name="SegmentSeconds">The shortest segment to aim for.</param>
/// <param name="Replay">How much of each feed is kept.</param>
/// <param name="StateDirectory">Where numbers are kept over restarts; null: nowhere.</param>
/// <param name="MaxReplayBytes">The memory of all rings together.</param>
internal sealed record FeedSettings(
    int SegmentSeconds, TimeSpan Replay, string? StateDirectory, long MaxReplayBytes = RingBudget.DefaultBytes)
{
    /// <summary>Other ingests that the same streams are sent to.</summary>
    public IReadOnlyList<Uri> Peers { get; init; } = [];

    public PeerPatience Patience { get; init; } = PeerPatience.Default;
}

/// <summary>One feed loop for each stream that the hub has or will have; owns them until disposed.</summary>
/// <remarks>
/// A feed stays when its stream leaves the hub: packagers that start meanwhile still get what the ring holds, and the
/// stream may come back.
/// </remarks>
internal sealed partial class FeedLoops : IAsyncDisposable
{
    /// <summary>As many as a packager takes.</summary>
    private const int MaxFollowed = 4096;

    private readonly StreamHub _hub;
    private readonly FeedSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FeedMetrics _metrics;
    private readonly EpochState _states;
    private readonly RingBudget _budget;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _following = [];
    private readonly HttpMessageHandler _handler;
    private readonly List<(Uri Address, HttpClient Http, FeedClient Client)> _peers = [];
    private readonly ConcurrentDictionary<string, FeedLoop> _loops = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task> _running = new(StringComparer.Ordinal);

    public FeedLoops(
        StreamHub hub, FeedSettings settings, FeedMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        (_hub, _settings, _metrics, _time) = (hub, settings, metrics, time);
        _logger = loggers.CreateLogger<FeedLoops>();
        _states = new EpochState(settings.StateDirectory, time, metrics, _logger);
        _budget = new RingBudget(settings.MaxReplayBytes);
        var patience = new FeedClientOptions { ConnectTimeout = settings.Patience.AnswerAgain };
        _handler = FeedClient.NewHandler(patience);
        foreach (var peer in settings.Peers)
            _peers.Add((peer, FeedClient.NewHttp(peer, _handler), new FeedClient(peer, patience, time, loggers)));
    }

    public FeedDirectory Directory { get; } = new();

    /// <summary>Of this process.</summary>
    public Guid IngestId { get; } = Guid.NewGuid();

    /// <summary>Why numbers cannot be stored; null when they can.</summary>
    public string? Fault => _states.Fault;

    public IEnumerable<(string Stream, FeedSummary Summary)> Summaries =>
        _loops.Select(loop => (loop.Key, loop.Value.Summary));

    public void Start()
    {
        _hub.Observe(Follow);
        lock (_gate)
            foreach (var (_, _, client) in _peers)
                _following.Add(Task.Run(() => FollowStreamsAsync(client)));
    }

    /// <summary>
    /// Waits for every loop to end, as it does once the hub is disposed; then nothing more comes, and readers end when
    /// they have what there is.
    /// </summary>
    public async Task StopAsync()
    {
        Task[] running;
        lock (_gate)
            running = [.. _running.Values];
        await Task.WhenAll(running);
        await _stopping.CancelAsync();
        lock (_gate)
            running = [.. _following];
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Directory.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Dispose();
        foreach (var loop in _loops.Values)
            loop.Dispose();
        foreach (var (_, http, client) in _peers)
        {
            http.Dispose();
            client.Dispose();
        }

        _handler.Dispose();
        _stopping.Dispose();
    }

    /// <summary>On the publisher's thread, before its first message: subscribes; the rest is done elsewhere.</summary>
    private void Follow(LiveStream stream)
    {
        if (!_hub.TrySubscribe(stream.Name, new SubscriptionOptions(SubscriptionKind.Feed), out var subscription))
        {
            LogNoRoom(stream.Name.Value);
            return;
        }

        lock (_gate)
        {
            // The stream of this name that vanished a moment ago may still be read to its end.
            var before = _running.GetValueOrDefault(stream.Name.Value, Task.CompletedTask);
            _running[stream.Name.Value] = Task.Run(() => RunAsync(before, stream, subscription));
        }
    }

    private async Task RunAsync(Task before, LiveStream stream, Subscription subscription)
    {
        await before;
        var loop = LoopOf(stream.Name.Value);
        await loop.RunAsync(stream, subscription);
    }

    /// <summary>Streams that a peer has are passed on here too, whether they are published here or not.</summary>
    private async Task FollowStreamsAsync(FeedClient peer)
    {
        await foreach (var name in peer.StreamsAsync(_stopping.Token))
        {
            if (_loops.Count < MaxFollowed && StreamName.TryParse(name, out var stream, out _) && stream.Value == name)
                LoopOf(name);
            else
                LogNotFollowed(StreamName.Escape(name));
        }
    }

    private FeedLoop LoopOf(string name)
    {
        lock (_gate)
        {
            if (_loops.TryGetValue(name, out var known))
                return known;
            var loop = _loops[name] = NewLoop(name);
            PeerFeed[] peers = [.. _peers.Select(peer => NewPeer(peer.Address, peer.Http, loop))];
            loop.Await(peers);
            _following.AddRange(peers.Select(peer => Task.Run(() => peer.RunAsync(_stopping.Token))));
            return loop;
        }
    }

    private PeerFeed NewPeer(Uri address, HttpClient http, FeedLoop loop) =>
        new(address, http, loop, _settings.Patience, _time, _logger);

    private FeedLoop NewLoop(string name)
    {
        var ring = new ReplayRing(_settings.Replay, _budget, _metrics);
        var feed = new StampedFeed(name, ring, new FeedState(FeedActivity.Idle, 0, -1));
        Directory.Add(feed);
        return new FeedLoop(feed, IngestId, _settings.SegmentSeconds, _states, _metrics, _time, _logger)
        {
            Silence = _settings.Patience.Silence,
        };
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The stream {StreamName} of a peer is not passed on: it has no name for one, or there are too many")]
    private partial void LogNotFollowed(string streamName);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "{StreamName} gets no feed: the hub has no room for a subscription")]
    private partial void LogNoRoom(string streamName);
}
