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
    private const int InboxSize = 256;

    /// <summary>From here on the wait between questions grows no more.</summary>
    private const int MaxBackoffFailures = 8;

    /// <summary>Between being in the cache and being published; then it is held as long as it is listed.</summary>
    private static readonly TimeSpan Unpublished = TimeSpan.FromMinutes(2);

    /// <summary>How long after a peer's newer playlist was seen ours is held back: seamless-failover, 5.7.</summary>
    private static readonly TimeSpan CatchUpTime = TimeSpan.FromMilliseconds(300);

    private readonly string _stream;
    private readonly IReadOnlyList<OriginClient> _clients;
    private readonly MergedTimeline _timeline;
    private readonly SwitchParts _parts;
    private readonly SwitchJournal? _journal;
    private readonly ILogger _logger;
    private readonly IndexBoard _board;
    private readonly long _startedAt;
    private readonly Channel<Action> _inbox =
        Channel.CreateBounded<Action>(new BoundedChannelOptions(InboxSize) { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _fetches = [];
    private Task _observing = Task.CompletedTask;
    private Task _looping = Task.CompletedTask;
    private RenderedStream? _current;
    private RenderedStream? _served;
    private Watermark? _watermark;
    private volatile StreamSnapshot _snapshot;
    private TimeSpan? _troubleSince;
    private TimeSpan? _pdtDrift;
    private TimeSpan _steppedAt;
    private long _switches;

    public HlsSwitch(
        string stream,
        IReadOnlyList<OriginClient> origins,
        IReadOnlyList<OriginClient> peers,
        SwitchPolicy policy,
        SwitchParts parts,
        SwitchJournal? journal,
        ILogger<HlsSwitch> logger)
    {
        (_stream, _clients, _parts, _journal, _logger) = (stream, [.. origins, .. peers], parts, journal, logger);
        _timeline = new MergedTimeline(stream, origins.Select(o => o.Name), policy, peers.Select(p => p.Name));
        _board = new IndexBoard(parts.Time);
        _startedAt = parts.Time.GetTimestamp();
        if (journal?.Load() is { } index)
        {
            _timeline.Restore(index);
            Show(index);
            Log.Restored(_logger, stream, index.First, index.Edge);
        }

        _snapshot = Snap();
    }

    public StreamSnapshot Snapshot => _snapshot;

    public void Start()
    {
        _observing = Task.WhenAll(_timeline.All.Select(view => ObserveAsync(view, _stopping.Token)).ToArray());
        _looping = RunAsync();
    }

    /// <summary>Lets time pass: what depends on waiting is judged again.</summary>
    public void Tick() => _inbox.Writer.TryWrite(static () => { });

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
        if (Volatile.Read(ref _watermark) is not { } mark || Volatile.Read(ref _current) is not { } current
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
        _inbox.Writer.TryComplete();
        await _looping;
        await Task.WhenAll(_fetches);
        if (_journal is not null)
            await _journal.DisposeAsync();
        _stopping.Dispose();
    }

    private TimeSpan Now => _parts.Time.GetElapsedTime(_startedAt);

    /// <summary>Follows one index for as long as the switch lives, whatever its origin or peer does.</summary>
    private async Task ObserveAsync(OriginView view, CancellationToken cancellationToken)
    {
        var progress = new IndexProgress(-1, 2, null);
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            IndexProgress? next = null;
            try
            {
                next = await ObserveOnceAsync(_clients[view.Rank], view, progress, cancellationToken);
                failures = next is null ? failures + 1 : 0;
                progress = next ?? progress;
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

            if (next is null)
                await Task.Delay(BackoffAfter(failures), _parts.Time, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Asks once; what is known now, or null when there was no answer.</summary>
    private async Task<IndexProgress?> ObserveOnceAsync(
        OriginClient client, OriginView view, IndexProgress known, CancellationToken cancellationToken)
    {
        // Held shorter than the time after which silence is a failure.
        var wait = TimeSpan.FromSeconds(Math.Min(0.75 * known.Target, 10));
        var timeout = TimeSpan.FromSeconds(Math.Max(1.5 * known.Target, 1));
        // The client keeps its own deadline; the second one is for the day that it does not.
        var answer = await client.GetIndexAsync(_stream, known.Edge, wait, timeout, known.ETag, cancellationToken)
            .WaitAsync(2 * timeout, _parts.Time, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        _parts.Metrics.Fetched(client.Name, "index", answer.Fault, answer.Status, answer.Elapsed);
        if (answer.Fault != OriginFault.None)
        {
            await PostAsync(() => view.Fail(answer.Fault, answer.Error, Now), cancellationToken);
            return null;
        }

        var index = answer.Value!.Index;
        var moved = index is not null && index.Edge != known.Edge;
        if (index is null)
            await PostAsync(view.Alive, cancellationToken);
        else
            await PostAsync(() => Observe(view, index), cancellationToken);
        // A plain web server does not hold the answer; it is asked a few times a second.
        var pause = TimeSpan.FromMilliseconds(moved ? 50 : 200) - answer.Elapsed;
        if (pause > TimeSpan.Zero)
            await Task.Delay(pause, _parts.Time, cancellationToken);
        return new IndexProgress(
            index?.Edge ?? known.Edge,
            index?.TargetDurationSeconds ?? known.Target,
            answer.Value.ETag ?? known.ETag);
    }

    private void Observe(OriginView view, StreamIndex index)
    {
        _timeline.Observe(view, index, Now);
        if (view.Rank >= _timeline.Views.Length && view.Edge > (_watermark?.Edge ?? -1))
            Volatile.Write(ref _watermark, new Watermark(view.Edge, _parts.Time.GetTimestamp()));
    }

    /// <summary>
    /// The first failure may be a connection gone old: again at once, and the second one is a verdict.
    /// </summary>
    private static TimeSpan BackoffAfter(int failures) =>
        TimeSpan.FromMilliseconds(
            failures == 1 ? 0 : Math.Min(1000, 100 * Math.Pow(2, Math.Min(failures, MaxBackoffFailures) - 2)));

    private ValueTask PostAsync(Action happened, CancellationToken cancellationToken) =>
        _inbox.Writer.WriteAsync(happened, cancellationToken);

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
        foreach (var order in _timeline.TakeOrders(now))
            _fetches.Add(FetchAsync(order));
        _fetches.RemoveAll(fetch => fetch.IsCompleted);
        while (_timeline.Notes.TryDequeue(out var note))
            Report(note);
        if (_timeline.Views.All(view => view.IsDown))
            _parts.Metrics.AllDown(now - _steppedAt);
        _steppedAt = now;
        _snapshot = Snap();
    }

    private async Task PublishAsync(Publication publication)
    {
        var index = publication.Index;
        if (_journal is not null)
            await _journal.SaveAsync(index);
        foreach (var segment in index.Segments.Where(s => s.Msn > (publication.Before?.Edge ?? -1)))
            _parts.Cache.Expire(new ObjectKey(_stream, segment.Uri), null);
        foreach (var map in index.Maps)
            _parts.Cache.Expire(new ObjectKey(_stream, map.Uri), null);
        Show(index);
        Release(publication);

        var edge = index.Segments[^1];
        var now = Now;
        _pdtDrift = _parts.Time.GetUtcNow()
            - DateTimeOffset.FromUnixTimeMilliseconds(edge.ProgramDateTimeMs) - Ticks.ToSpan(edge.Duration);
        var seenAt = _timeline.All.Where(v => v.Edge >= index.Edge).Min(v => (TimeSpan?)v.AdvancedAt) ?? now;
        _parts.Metrics.Published(_stream, publication, now - seenAt);
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

    private static TimeSpan DeadlineFor(int targetDurationSeconds) =>
        TimeSpan.FromSeconds(Math.Clamp(targetDurationSeconds, 1, 3));

    /// <summary>
    /// Brings a segment, and its initialisation section before it, into the cache; always tells the loop how it went.
    /// </summary>
    private async Task FetchAsync(FetchOrder order)
    {
        await Task.Yield();
        var delivered = false;
        try
        {
            var record = order.Record;
            delivered = (order.Map is not { } map || await FetchAsync(order, "init", map.Uri, map.Bytes, map.Sha256))
                && await FetchAsync(order, "segment", record.Uri, record.Bytes, record.Sha256);
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
            await PostAsync(() => Complete(order.Record, delivered), _stopping.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
        }
    }

    private void Complete(SegmentRecord record, bool delivered)
    {
        if (delivered)
            _timeline.Fetched(record);
        else
            _timeline.FetchFailed(record, Now);
    }

    private async Task<bool> FetchAsync(FetchOrder order, string kind, string name, int length, string sha256)
    {
        var wanted = new ObjectKey(_stream, name);
        // Fetched ahead from an origin that was alone in offering it: it was never published, so it may be replaced.
        if (_parts.Cache.Find(wanted) is { } other && other.Sha256 != sha256 && Promised(name) is null)
            _parts.Cache.Remove(wanted);
        // Through the cache, because several segments want one initialisation section at the same time.
        var found = await _parts.Cache.GetOrLoadAsync(
            wanted,
            async key =>
            {
                var deadline = DeadlineFor(order.TargetDurationSeconds);
                var result = await _parts.Fetch.GetAsync(
                    key, kind, length, sha256, () => order.Origins, deadline, _stopping.Token);
                await PostAsync(() => JudgeMedia(result), _stopping.Token);
                if (result.Response is not { } response)
                    return null;
                _parts.Cache.Add(key, response, Unpublished);
                if (_journal is not null)
                    await _journal.SaveAsync(response, name);
                return response;
            },
            _stopping.Token);
        return found is not null && found.Sha256 == sha256;
    }

    private void JudgeMedia(FetchResult result)
    {
        foreach (var failure in result.Failures)
        {
            if (failure.Fault != OriginFault.Cancelled)
                _timeline.All[failure.Origin].MediaFailed(failure.Fault, failure.Error, Now);
        }

        if (result.Winner >= 0)
            _timeline.All[result.Winner].MediaDelivered();
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
        var best = _timeline.Views.Where(v => !v.IsDown).Select(v => v.Edge).DefaultIfEmpty(-1).Max();
        var perSecond = (double)_parts.Time.TimestampFrequency;
        OriginSnapshot Of(OriginView view) => new(
            view.Name,
            view.Rank,
            view.Freshness,
            view.Edge,
            view.Edge < 0 ? 0 : Math.Max(0, best - view.Edge),
            _startedAt + (long)(view.AdvancedAt.TotalSeconds * perSecond),
            view.Index?.Segments[^1].ProgramDateTimeMs ?? 0,
            view.LastFault,
            view.LastError);
        var origins = _timeline.Views.Select(Of).ToImmutableArray();
        var peers = _timeline.Peers.Select(Of).ToImmutableArray();
        var active = _timeline.Active.Current is { } current ? origins[current.Rank] : null;
        var index = Volatile.Read(ref _current)?.Index;
        return new StreamSnapshot(_stream, active, index, _pdtDrift, _switches, origins, peers);
    }

    /// <summary>How far an origin's index is known: what the next question starts from.</summary>
    private sealed record IndexProgress(long Edge, double Target, string? ETag);

    /// <summary>The newest edge that another switch has shown to viewers, and when we heard of it.</summary>
    private sealed record Watermark(long Edge, long SeenAt);
}
