using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// One stream of the switch at work: an observer per origin, fetches, and the one loop that owns the merged timeline.
/// </summary>
/// <remarks>
/// Whatever happens is posted to the loop, which moves the timeline, publishes by one volatile write, and starts what
/// the timeline asks for. Viewers read that one reference and the cache, and never wait for the loop.
/// </remarks>
internal sealed partial class HlsSwitch : IAsyncDisposable
{
    /// <summary>From here on the wait between questions grows no more.</summary>
    private const int MaxBackoffFailures = 8;

    /// <summary>How long after a peer's newer playlist was seen ours is held back: seamless-failover, 5.7.</summary>
    private static readonly TimeSpan CatchUpTime = TimeSpan.FromMilliseconds(300);

    private readonly string _stream;
    private readonly IFollower _follower;
    private readonly ITimeline _timeline;
    private readonly SwitchParts _parts;
    private readonly SwitchJournal? _journal;
    private readonly PinFile? _pins;
    private readonly SwitchInbox _inbox;
    private readonly ILogger _logger;
    private readonly IndexBoard _board;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _fetches = [];
    private readonly Queue<TaskCompletionSource> _heeded = new();
    private Task _observing = Task.CompletedTask;
    private Task _looping = Task.CompletedTask;
    private RenderedStream? _current;
    private RenderedStream? _served;
    private volatile StreamSnapshot _snapshot;
    private TimeSpan? _troubleSince;
    private TimeSpan? _pdtDrift;
    private TimeSpan _steppedAt;
    private long _switches;

    public HlsSwitch(StreamParts parts, IFollower follower, ILogger<HlsSwitch> logger)
    {
        (_stream, _parts, _journal, _inbox) = (parts.Stream, parts.Shared, parts.Journal, parts.Inbox);
        (_follower, _timeline, _pins, _logger) = (follower, follower.Timeline, parts.Pins, logger);
        _board = new IndexBoard(_parts.Time);
        parts.IsPromised = name => PromisedOf(name) is not null;
        if (_journal?.Load() is { } index)
        {
            _timeline.Restore(index);
            Show(index);
            Log.Restored(_logger, _stream, index.First, index.Edge);
        }

        if (FindOrigin(_pins?.Find(_stream)) is { } pinned)
        {
            _timeline.Active.Pin(pinned);
            Log.Pinned(_logger, _stream, pinned.Name);
        }

        _snapshot = Snap();
    }

    public StreamSnapshot Snapshot => _snapshot;

    public void Start()
    {
        _observing = Task.WhenAll(_timeline.Origins.Concat(_timeline.OtherSwitches)
            .Select(view => ObserveAsync(view, _stopping.Token)).ToArray());
        _looping = RunAsync();
    }

    /// <summary>Lets time pass: what depends on waiting is judged again.</summary>
    public void Tick() => _inbox.Tick();

    /// <summary>
    /// Makes an origin the most preferred one, or none; returns when it has been heeded. False: no such origin.
    /// </summary>
    public async Task<bool> PinAsync(string? origin, CancellationToken cancellationToken)
    {
        var view = FindOrigin(origin);
        if (origin is not null && view is null)
            return false;
        var heeded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _inbox.PostAsync(
            () =>
            {
                if (view is null)
                    _timeline.Active.Release();
                else
                    _timeline.Active.Pin(view);
                _heeded.Enqueue(heeded);
                Log.Pinned(_logger, _stream, origin ?? "none");
            },
            cancellationToken);
        await heeded.Task.WaitAsync(cancellationToken);
        if (_pins is not null)
            await _pins.SetAsync(_stream, origin).WaitAsync(cancellationToken);
        return true;
    }

    /// <summary>What viewers are served now.</summary>
    public StreamState Find(out RenderedStream? rendered)
    {
        // In this order: what was served is never newer than what is current, unless something went back.
        var served = Volatile.Read(ref _served);
        rendered = Volatile.Read(ref _current);
        if (rendered is null)
            return StreamState.Cold;
        if (!ReferenceEquals(served, rendered))
        {
            if (served is not null && PublishGuard.FindViolation(served.Index, rendered.Index) is { } violation)
            {
                _parts.Metrics.Blocked(violation);
                rendered = served;
            }
            else
            {
                Interlocked.CompareExchange(ref _served, rendered, served);
            }
        }

        return rendered.StateAt(_parts.Time);
    }

    public async ValueTask WaitAsync(long edge, TimeSpan timeout, CancellationToken cancellationToken) =>
        await _board.WaitAsync(_stream, edge, timeout, cancellationToken);

    /// <summary>
    /// Waits a moment when another switch shows a newer playlist than ours: a viewer who comes from there must not
    /// find an older one here.
    /// </summary>
    public ValueTask CatchUpAsync(CancellationToken cancellationToken)
    {
        if (_follower.PeerMark is not { } mark || Volatile.Read(ref _current) is not { } current
            || current.Index.Edge >= mark.Edge)
            return ValueTask.CompletedTask;
        var left = CatchUpTime - _parts.Time.GetElapsedTime(mark.SeenAt);
        if (left <= TimeSpan.Zero)
            return ValueTask.CompletedTask;
        _parts.Metrics.HeldBack();
        return WaitAsync(mark.Edge - 1, left, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _observing;
        _inbox.Close();
        await _looping;
        await Task.WhenAll(_fetches);
        if (_journal is not null)
            await _journal.DisposeAsync();
        _stopping.Dispose();
    }

    private TimeSpan Now => _inbox.Now;

    private OriginView? FindOrigin(string? name) => _timeline.Origins.FirstOrDefault(o => o.Name == name);

    /// <summary>Follows one origin for as long as the switch lives, whatever it or another switch does.</summary>
    private async Task ObserveAsync(OriginView view, CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                failures = await _follower.AskAsync(view, cancellationToken) ? 0 : failures + 1;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // An origin that nobody asks any more would look stale for ever: a fault of ours costs one question.
                Log.ObserveFailed(_logger, _stream, view.Name, e);
                failures = MaxBackoffFailures;
            }

            if (failures > 0)
                await Task.Delay(BackoffAfter(failures), _parts.Time, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// The first failure may be a connection gone old: again at once, and the second one is a verdict.
    /// </summary>
    private static TimeSpan BackoffAfter(int failures) =>
        TimeSpan.FromMilliseconds(
            failures == 1 ? 0 : Math.Min(1000, 100 * Math.Pow(2, Math.Min(failures, MaxBackoffFailures) - 2)));

    private async Task RunAsync()
    {
        while (await _inbox.Reader.WaitToReadAsync())
        {
            try
            {
                while (_inbox.Reader.TryRead(out var happened))
                    happened();
                if (!_stopping.IsCancellationRequested)
                    await StepAsync();
            }
            catch (Exception e)
            {
                // A fault of ours costs one step; the playlist that is out stays out.
                Log.StepFailed(_logger, _stream, e);
            }
        }
    }

    private async Task StepAsync()
    {
        var now = Now;
        if (_timeline.Judge(now) is { } change)
            Report(change, now);
        if (_timeline.Advance(now) is { } publication)
            await PublishAsync(publication);
        foreach (var job in _follower.TakeJobs(now))
            _fetches.Add(FetchAsync(job));
        _fetches.RemoveAll(fetch => fetch.IsCompleted);
        while (_timeline.Notes.TryDequeue(out var note))
            Report(note);
        if (_timeline.Origins.All(view => view.IsDown))
            _parts.Metrics.AllDown(now - _steppedAt);
        _steppedAt = now;
        _snapshot = Snap();
        while (_heeded.TryDequeue(out var heeded))
            heeded.SetResult();
    }

    private async Task PublishAsync(Publication publication)
    {
        var index = publication.Index;
        if (_journal is not null)
            await _journal.SaveAsync(index);
        foreach (var added in index.Segments.Where(s => s.Msn > (publication.Before?.Edge ?? -1)))
        {
            foreach (var listed in added.Objects)
                _parts.Cache.Expire(new ObjectKey(_stream, listed.Uri), null);
        }

        foreach (var map in index.Maps)
            _parts.Cache.Expire(new ObjectKey(_stream, map.Uri), null);
        Show(index);
        Release(publication);

        var edge = index.Segments[^1];
        var now = Now;
        _pdtDrift = _parts.Time.GetUtcNow()
            - DateTimeOffset.FromUnixTimeMilliseconds(edge.ProgramDateTimeMs) - Ticks.ToSpan(edge.Duration);
        _parts.Metrics.Published(_stream, publication, now - (_timeline.EdgeSeenAt ?? now));
        if (_troubleSince is { } since)
            _parts.Metrics.SwitchCompleted(now - since);
        _troubleSince = null;
        if (publication.Gaps > 0)
            Log.Gap(_logger, _stream, publication.Gaps, index.Edge);
        if (publication.NewWindow)
            Log.NewWindow(_logger, _stream, publication.Before!.Edge, index.First);
    }

    private void Show(StreamIndex index)
    {
        Volatile.Write(ref _current, new RenderedStream(index, _parts.Time.GetUtcNow(), _parts.Time.GetTimestamp()));
        _board.Set(index);
    }

    /// <summary>Brings something into the cache; always tells the loop how it went.</summary>
    private async Task FetchAsync(FetchJob job)
    {
        await Task.Yield();
        var happened = job.Failed;
        try
        {
            happened = await job.Run(_stopping.Token);
        }
        catch (Exception e) when (e is not (OperationCanceledException or ChannelClosedException))
        {
            Log.StepFailed(_logger, _stream, e);
        }
        catch (Exception)
        {
            // The switch stops; nobody waits for the answer.
            return;
        }

        try
        {
            await _inbox.PostAsync(happened, _stopping.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
        }
    }

    private void Report(OriginChange change, TimeSpan now)
    {
        _parts.Metrics.Switched(change);
        if (change.From is null)
        {
            Log.Chosen(_logger, _stream, change.To.Name);
            return;
        }

        _switches++;
        if (change.Reason != "return")
            _troubleSince ??= change.From.TroubleSince ?? now;
        Log.Switched(_logger, _stream, change.From.Name, change.To.Name, change.Reason, change.From.LastError ?? "");
    }

    private void Report(TimelineNote note)
    {
        switch (note.Kind)
        {
            case NoteKind.Mismatch:
                _parts.Metrics.Mismatch(note.View!.Name);
                Log.Mismatch(_logger, _stream, note.View.Name, note.Msn);
                break;
            case NoteKind.Fenced:
                _parts.Metrics.Blocked("fenced");
                Log.Fenced(_logger, _stream, note.View!.Name, note.Msn);
                break;
            default:
                _parts.Metrics.Blocked(note.Detail);
                Log.Blocked(_logger, _stream, note.Detail, note.Msn);
                break;
        }
    }

    private StreamSnapshot Snap()
    {
        var perSecond = (double)_parts.Time.TimestampFrequency;
        OriginSnapshot Of(OriginView view) => new(
            view.Name,
            view.Rank,
            view.Freshness,
            view.Edge,
            _timeline.LagOf(view),
            _inbox.StartedAt + (long)(view.AdvancedAt.TotalSeconds * perSecond),
            view.EdgeDateMs,
            view.LastFault,
            view.LastError);
        var origins = _timeline.Origins.Select(Of).ToImmutableArray();
        var peers = _timeline.OtherSwitches.Select(Of).ToImmutableArray();
        var active = _timeline.Active.Current is { } current ? origins[current.Rank] : null;
        var index = Volatile.Read(ref _current)?.Index;
        var pinned = _timeline.Active.Pinned?.Name;
        return new StreamSnapshot(_stream, active, pinned, index, _pdtDrift, _switches, origins, peers);
    }
}
