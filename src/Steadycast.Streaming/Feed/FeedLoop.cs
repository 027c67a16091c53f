using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Feed;

/// <summary>Drives one stream's cutter from the hub, and hands on what it says once its numbers are stored.</summary>
/// <remarks>One <see cref="RunAsync"/> at a time; the feed and its numbers outlive each of them.</remarks>
internal sealed partial class FeedLoop(
    StampedFeed feed,
    Guid ingestId,
    int segmentSeconds,
    EpochState states,
    FeedMetrics metrics,
    TimeProvider time,
    ILogger logger) : IDisposable
{
    /// <summary>How soon after its publisher a segment ends; also how often health is brought up to date.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WarningInterval = TimeSpan.FromMinutes(1);

    private const int MaxBatch = 256;

    private readonly List<FeedRecord> _records = [];
    private CutterCounters _counted = new();
    private Cutter? _cutter;
    private StreamNumbers? _stored;
    private long _edge = -1;
    private uint _epoch;
    private long? _warnedAt;
    private volatile FeedSummary _summary = FeedSummary.Of(FeedActivity.Idle, null, null, -1);

    public StampedFeed Feed => feed;

    public FeedSummary Summary => _summary;

    /// <summary>Reads the subscription until the hub closes it.</summary>
    public async Task RunAsync(LiveStream stream, Subscription subscription)
    {
        var tick = new CancellationTokenSource(Tick, time);
        try
        {
            var isOpen = true;
            while (isOpen)
            {
                isOpen = await WaitAsync(subscription, tick);
                if (tick.IsCancellationRequested)
                {
                    tick.Dispose();
                    tick = new CancellationTokenSource(Tick, time);
                }

                Guarded(() => ReadAll(stream, subscription, isOpen));
            }
        }
        finally
        {
            tick.Dispose();
            subscription.Dispose();
        }
    }

    public void Dispose()
    {
        _cutter?.Dispose();
        feed.Dispose();
    }

    private static async ValueTask<bool> WaitAsync(Subscription subscription, CancellationTokenSource tick)
    {
        try
        {
            return await subscription.WaitAsync(tick.Token);
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private void ReadAll(LiveStream stream, Subscription subscription, bool isOpen)
    {
        // Asked first: what a publisher sent before it left is then already in the log.
        var publication = isOpen ? stream.Publication : null;
        var cutter = Cutter();
        var batch = 0;
        while (subscription.TryReadMessage(out var message))
        {
            var afterLoss = message.Flags.HasFlag(LogMessageFlags.AfterSkip);
            var input = new CutterInput(
                message.Type, message.WireTimestamp, message.PublicationNumber, afterLoss, message.Payload);
            // When it came, not when it is read: what a standby takes over with has waited.
            var arrived = time.GetUtcNow() - time.GetElapsedTime(message.ArrivedAt);
            cutter.Push(input, arrived.ToUnixTimeMilliseconds(), _records);
            if (++batch % MaxBatch == 0)
                HandOn(cutter, publication);
        }

        if (publication is null && cutter.Activity != FeedActivity.Idle)
            cutter.Finish(_records);
        HandOn(cutter, publication);
    }

    /// <summary>A fault of ours ends the epoch, not the stream: the next keyframe starts with a new cutter.</summary>
    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            LogFault(e, feed.Stream);
            _records.Clear();
            _stored = _cutter?.State ?? _stored;
            _cutter?.Dispose();
            _cutter = null;
            _counted = new CutterCounters();
        }
    }

    private Cutter Cutter()
    {
        if (_cutter is not null)
            return _cutter;
        var wasLost = false;
        _stored ??= states.Load(feed.Stream, out wasLost);
        return _cutter = new Cutter(feed.Stream, ingestId, segmentSeconds, _stored, wasLost);
    }

    private void HandOn(Cutter cutter, Publication? publication)
    {
        if (_records.Count > 0 && cutter.State is { } state && state != _stored)
        {
            states.Save(feed.Stream, state);
            _stored = state;
        }

        var before = (_edge, _epoch);
        var first = 0L;
        foreach (var record in _records)
        {
            _edge = record.End?.Msn ?? _edge;
            if (record.Begin is not { } begin || begin.Epoch.EpochId == _epoch)
                continue;
            (_epoch, first) = (begin.Epoch.EpochId, begin.Msn);
        }

        feed.Append(_records, new FeedState(cutter.Activity, _epoch, _edge));
        _records.Clear();
        Count(cutter);
        var publisher = publication?.Publisher.RemoteEndPoint;
        if (before == (_edge, _epoch) && cutter.Activity == _summary.Activity && publisher == _summary.Publisher)
            return;
        _summary = FeedSummary.Of(cutter.Activity, cutter.Facts, publisher, _edge);
        if (_epoch != before._epoch)
            LogOnAir(feed.Stream, _epoch, first, _summary.Codecs);
    }

    private void Count(Cutter cutter)
    {
        var hasCut = cutter.Counters.Cuts > _counted.Cuts;
        var refusedClock = cutter.Counters.WallClocksRefused > _counted.WallClocksRefused;
        var wasForced = cutter.Counters.ForcedCuts > _counted.ForcedCuts;
        metrics.Add(cutter.Counters, _counted);
        if (refusedClock)
            LogWallClock(feed.Stream, cutter.Counters.WallClockErrorMs / 1000.0);
        if (hasCut && cutter.Facts is { KeyframeSeconds: > 0 } facts)
            metrics.KeyframeInterval(facts.KeyframeSeconds);
        if (!wasForced || (_warnedAt is { } at && time.GetElapsedTime(at) < WarningInterval))
            return;
        _warnedAt = time.GetTimestamp();
        LogForced(feed.Stream, cutter.Facts!.KeyframeSeconds, cutter.State!.TargetDurationSeconds, segmentSeconds);
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{StreamName} brought no keyframe for {Seconds:F1} s, longer than its target duration of {Target} s: "
            + "segments are cut between keyframes, where viewers cannot join. Set the encoder's keyframe interval to "
            + "{SegmentSeconds} s")]
    private partial void LogForced(string streamName, double seconds, int target, int segmentSeconds);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The time of day in the pictures of {StreamName} is {Seconds:F1} s off this machine's and is not "
            + "used: set the clocks of the encoder and of this machine")]
    private partial void LogWallClock(string streamName, double seconds);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{StreamName} is on air: epoch {EpochId} from segment {Msn}, {Codecs}")]
    private partial void LogOnAir(string streamName, uint epochId, long msn, string codecs);

    [LoggerMessage(Level = LogLevel.Error, Message = "The feed of {StreamName} failed and starts anew")]
    private partial void LogFault(Exception exception, string streamName);
}
