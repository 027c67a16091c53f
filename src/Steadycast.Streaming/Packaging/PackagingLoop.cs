using Microsoft.Extensions.Logging;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>How a stream's loop stands; immutable, swapped whole.</summary>
/// <param name="StoreError">What the store last said, while it is being tried again; null when all is well.</param>
/// <param name="LastFault">Why a segment was last dropped or became a gap.</param>
internal sealed record PackagingState(long? First, long? Edge, string? StoreError, string? LastFault);

/// <summary>One stream: follows its feed, packages, stores, publishes; for as long as the role runs.</summary>
/// <remarks>
/// While the store fails the loop stands still with its segment: the ingest's replay ring is the queue, and the loop
/// goes on from there. What is longer away than the ring becomes a hole, never a wrong segment.
/// </remarks>
internal sealed partial class PackagingLoop(
    FeedFollower feed,
    Container container,
    TimeSpan window,
    ISegmentStore store,
    PackagingMetrics metrics,
    TimeProvider time,
    ILogger logger)
{
    /// <summary>Damage on the way is gone the next time; damage at the source is not.</summary>
    private const int MaxAttempts = 3;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    /// <summary>A disk that is full stays so for a while: one line in half a minute is enough.</summary>
    private static readonly TimeSpan ComplaintInterval = TimeSpan.FromSeconds(30);

    private volatile PackagingState _state = new(null, null, null, null);
    private string? _lastUnsupported;
    private bool _hasWarnedOfMp3;
    private IReadOnlyList<TrackConfig> _leftOut = [];
    private long? _lastComplaint;
    private long _silencedComplaints;

    public string Stream => feed.Stream;

    public FeedLink Link => feed.Link;

    public PackagingState State => _state;

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        metrics.StreamStarted();
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                try
                {
                    await FollowAsync(cancellationToken);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    // Our bug, by the house's rules: said loudly, and the stream goes on from what the store has.
                    Log.LoopFailed(logger, e, Stream);
                    metrics.LoopRestarted();
                    await Task.Delay(RestartPause, time, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.Stopped(logger, Stream, _state.Edge);
        }
        finally
        {
            metrics.StreamStopped();
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        var index = Published();
        using var packager = new HlsPackager(container, index);
        // What was published in another container cannot stand in one playlist with this one's segments.
        index = index is not null && IsOfContainer(index) ? index : null;
        var (from, epochId) = (packager.LastMsn + 1, index?.Segments[^1].EpochId ?? 0);
        Log.Started(logger, Stream, from);
        for (var attempt = 1; ; attempt++)
        {
            var damaged = false;
            await foreach (var record in feed.ReadAsync(from, epochId, cancellationToken))
            {
                var step = packager.Add(record, out var segment);
                if (segment is not null)
                {
                    index = await StoreAsync(index, segment, cancellationToken);
                    WarnOfLeftOut(packager.LeftOut);
                    attempt = 1;
                }

                if (step is PackagingStep.Accepted or PackagingStep.Packaged) continue;
                Report(step, packager.LastFault);
                from = packager.LastMsn + 1;
                damaged = step == PackagingStep.Damaged && attempt < MaxAttempts;
                if (damaged) break;
            }

            if (!damaged) return;
        }
    }

    private StreamIndex? Published()
    {
        var index = store.Find(Stream);
        if (index is not null) _state = _state with { First = index.First, Edge = index.Edge };
        return index;
    }

    private bool IsOfContainer(StreamIndex index) => index.Segments[^1].MapUri is null == (container == Container.Ts);

    /// <summary>Put, then publish; again and again until the store takes it.</summary>
    private async Task<StreamIndex> StoreAsync(
        StreamIndex? before, PackagedSegment segment, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var after = segment.AppendTo(before, window);
        var pause = FirstRetry;
        while (true)
        {
            try
            {
                foreach (var map in segment.Maps.Where(map => before is null || !before.Maps.Contains(map.Record)))
                    await store.PutAsync(Stream, map.Record.Uri, map.Bytes, cancellationToken);
                if (!segment.Record.Gap)
                    await store.PutAsync(Stream, segment.Record.Uri, segment.Bytes, cancellationToken);
                await store.PublishAsync(after, cancellationToken);
                break;
            }
            catch (IOException e)
            {
                metrics.StoreFailed();
                _state = _state with { StoreError = e.Message };
                Complain(e.Message);
                await Task.Delay(pause, time, cancellationToken);
                pause = pause * 2 < LastRetry ? pause * 2 : LastRetry;
            }
        }

        if (_state.StoreError is not null) Log.StoreRecovered(logger, Stream, segment.Record.Msn);
        _state = _state with { First = after.First, Edge = after.Edge, StoreError = null };
        metrics.Published(segment.Record.Gap, segment.Bytes.Length, time.GetElapsedTime(started));
        WarnOfMp3(segment);
        return after;
    }

    private void WarnOfMp3(PackagedSegment segment)
    {
        if (_hasWarnedOfMp3 || segment.Map is null || !segment.Variant.Codecs.Contains("mp4a.40.34")) return;
        _hasWarnedOfMp3 = true;
        Log.Mp3InFmp4(logger, Stream);
    }

    /// <summary>The stream goes on without them: said when they come.</summary>
    private void WarnOfLeftOut(IReadOnlyList<TrackConfig> tracks)
    {
        metrics.LeftOut(tracks.Count);
        if (tracks.SequenceEqual(_leftOut)) return;
        _leftOut = tracks;
        foreach (var track in tracks)
            Log.TrackLeftOut(logger, Stream, FeedTracks.AudioNumber(track.TrackId), track.Codec);
    }

    private void Report(PackagingStep step, string? fault)
    {
        if (step != PackagingStep.Gap) metrics.Dropped(step);
        var reason = step is PackagingStep.Gap or PackagingStep.Unsupported ? $"{step}: {fault}" : step.ToString();
        _state = _state with { LastFault = reason };
        // Tracks stay what they are for hours: said once, counted each time.
        var isKnown = step == PackagingStep.Unsupported && reason == _lastUnsupported;
        _lastUnsupported = step == PackagingStep.Unsupported ? reason : _lastUnsupported;
        if (isKnown || step is PackagingStep.Abandoned or PackagingStep.Repeated)
            Log.Dropped(logger, Stream, reason);
        else
            Log.Refused(logger, Stream, reason);
    }

    private void Complain(string message)
    {
        if (_lastComplaint is { } last && time.GetElapsedTime(last) < ComplaintInterval)
        {
            _silencedComplaints++;
            return;
        }

        Log.StoreFailed(logger, Stream, message, _silencedComplaints);
        (_lastComplaint, _silencedComplaints) = (time.GetTimestamp(), 0);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Packaging {StreamName} from segment {Msn}")]
        public static partial void Started(ILogger logger, string streamName, long msn);

        [LoggerMessage(Level = LogLevel.Information, Message = "Packaging {StreamName} stopped at segment {Msn}")]
        public static partial void Stopped(ILogger logger, string streamName, long? msn);

        [LoggerMessage(Level = LogLevel.Debug, Message = "A segment of {StreamName} is not published: {Reason}")]
        public static partial void Dropped(ILogger logger, string streamName, string reason);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "{StreamName} has MP3 sound, which Chromium does not play from fMP4: set the packager's "
                + "container to ts, or the encoder's sound to AAC or Opus")]
        public static partial void Mp3InFmp4(ILogger logger, string streamName);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "Audio track {Track} of {StreamName} is left out: MPEG-TS does not carry {Codec}; set the "
                + "packager's container to fmp4")]
        public static partial void TrackLeftOut(ILogger logger, string streamName, int track, Codec codec);

        [LoggerMessage(Level = LogLevel.Warning, Message = "A segment of {StreamName} cannot be published: {Reason}")]
        public static partial void Refused(ILogger logger, string streamName, string reason);

        [LoggerMessage(
            Level = LogLevel.Warning,
            Message = "The store takes nothing of {StreamName}, trying again: {Reason} ({Repeats} times more before)")]
        public static partial void StoreFailed(ILogger logger, string streamName, string reason, long repeats);

        [LoggerMessage(
            Level = LogLevel.Information,
            Message = "The store takes {StreamName} again from segment {Msn}")]
        public static partial void StoreRecovered(ILogger logger, string streamName, long msn);

        [LoggerMessage(Level = LogLevel.Error, Message = "Packaging {StreamName} failed and starts again")]
        public static partial void LoopFailed(ILogger logger, Exception exception, string streamName);
    }
}
