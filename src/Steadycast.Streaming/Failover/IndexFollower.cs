using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Follows origins in lockstep, and other switches, by their <c>index.json</c>: any of them will do for any segment,
/// and what they send is compared with its hash.
/// </summary>
internal sealed class IndexFollower : IFollower
{
    private readonly StreamParts _parts;
    private readonly IReadOnlyList<OriginClient> _clients;
    private readonly MergedTimeline _timeline;
    private readonly IndexProgress[] _progress;
    private Watermark? _peerMark;

    public IndexFollower(
        StreamParts parts,
        IReadOnlyList<OriginClient> origins,
        IReadOnlyList<OriginClient> peers,
        SwitchPolicy policy)
    {
        _parts = parts;
        _clients = [.. origins, .. peers];
        _timeline = new MergedTimeline(
            parts.Stream, origins.Select(o => o.Name), policy, peers.Select(p => p.Name));
        _progress = [.. _clients.Select(_ => new IndexProgress(-1, 2, null))];
    }

    public ITimeline Timeline => _timeline;

    public Watermark? PeerMark => Volatile.Read(ref _peerMark);

    public async Task<bool> AskAsync(OriginView view, CancellationToken cancellationToken)
    {
        var (client, known) = (_clients[view.Rank], _progress[view.Rank]);
        // Held shorter than the time after which silence is a failure.
        var wait = TimeSpan.FromSeconds(Math.Min(0.75 * known.Target, 10));
        var timeout = TimeSpan.FromSeconds(Math.Max(1.5 * known.Target, 1));
        // The client keeps its own deadline; the second one is for the day that it does not.
        var answer = await client.GetIndexAsync(_parts.Stream, known.Edge, wait, timeout, known.ETag, cancellationToken)
            .WaitAsync(2 * timeout, _parts.Shared.Time, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        _parts.Shared.Metrics.Fetched(client.Name, "index", answer.Fault, answer.Status, answer.Elapsed);
        var inbox = _parts.Inbox;
        if (answer.Fault != OriginFault.None)
        {
            await inbox.PostAsync(() => view.Fail(answer.Fault, answer.Error, inbox.Now), cancellationToken);
            return false;
        }

        // A switch that follows playlists may be an origin too; of what it has, index.m3u8 alone is followed.
        var index = answer.Value!.Index?.WithoutCompanions();
        var moved = index is not null && index.Edge != known.Edge;
        if (index is null)
            await inbox.PostAsync(view.Alive, cancellationToken);
        else
            await inbox.PostAsync(() => Observe((IndexView)view, index), cancellationToken);
        _progress[view.Rank] = new IndexProgress(
            index?.Edge ?? known.Edge,
            index?.TargetDurationSeconds ?? known.Target,
            answer.Value.ETag ?? known.ETag);
        // A plain web server does not hold the answer; it is asked a few times a second.
        var pause = TimeSpan.FromMilliseconds(moved ? 50 : 200) - answer.Elapsed;
        if (pause > TimeSpan.Zero)
            await Task.Delay(pause, _parts.Shared.Time, cancellationToken);
        return true;
    }

    public IReadOnlyList<FetchJob> TakeJobs(TimeSpan now) =>
    [
        .. _timeline.TakeOrders(now).Select(order => new FetchJob(
            token => FetchAsync(order, token),
            () => _timeline.FetchFailed(order.Record, _parts.Inbox.Now))),
    ];

    public async Task<SegmentResponse?> FetchAgainAsync(
        ObjectKey key, Promised promised, CancellationToken cancellationToken)
    {
        // Not from the peers: they would ask us.
        var active = _timeline.Active.Current?.Rank;
        var order = Enumerable.Range(0, _timeline.Views.Length).OrderBy(o => o != active).ToList();
        var deadline = DeadlineFor(promised.TargetDurationSeconds);
        var result = await _parts.Shared.Fetch.GetAsync(
            key, promised.Kind, promised.Bytes, promised.Sha256, () => order, deadline, cancellationToken);
        return result.Response;
    }

    private static TimeSpan DeadlineFor(int targetDurationSeconds) =>
        TimeSpan.FromSeconds(Math.Clamp(targetDurationSeconds, 1, 3));

    private void Observe(IndexView view, StreamIndex index)
    {
        _timeline.Observe(view, index, _parts.Inbox.Now);
        if (view.Rank >= _timeline.Views.Length && view.Edge > (_peerMark?.Edge ?? -1))
            Volatile.Write(ref _peerMark, new Watermark(view.Edge, _parts.Shared.Time.GetTimestamp()));
    }

    /// <summary>Brings a segment, and its initialisation sections before it, into the cache.</summary>
    private async Task<Action> FetchAsync(FetchOrder order, CancellationToken cancellationToken)
    {
        var record = order.Record;
        var delivered = true;
        foreach (var map in order.Maps)
            delivered = delivered
                && await FetchAsync(order, "init", map.Uri, map.Bytes, map.Sha256, cancellationToken);
        delivered = delivered
            && await FetchAsync(order, "segment", record.Uri, record.Bytes, record.Sha256, cancellationToken);
        return delivered
            ? () => _timeline.Fetched(record)
            : () => _timeline.FetchFailed(record, _parts.Inbox.Now);
    }

    private async Task<bool> FetchAsync(
        FetchOrder order, string kind, string name, int length, string sha256, CancellationToken cancellationToken)
    {
        var wanted = new ObjectKey(_parts.Stream, name);
        // Fetched ahead from an origin that was alone in offering it: it was never published, so it may be replaced.
        if (_parts.Shared.Cache.Find(wanted) is { } other && other.Sha256 != sha256 && !_parts.IsPromised(name))
            _parts.Shared.Cache.Remove(wanted);
        // Through the cache, because several segments want one initialisation section at the same time.
        var found = await _parts.Shared.Cache.GetOrLoadAsync(
            wanted,
            async key =>
            {
                var deadline = DeadlineFor(order.TargetDurationSeconds);
                var result = await _parts.Shared.Fetch.GetAsync(
                    key, kind, length, sha256, () => order.Origins, deadline, cancellationToken);
                await _parts.Inbox.PostAsync(() => JudgeMedia(result), cancellationToken);
                if (result.Response is { } response)
                    await _parts.KeepAsync(key, response);
                return result.Response;
            },
            cancellationToken);
        return found is not null && found.Sha256 == sha256;
    }

    private void JudgeMedia(FetchResult result)
    {
        foreach (var failure in result.Failures)
        {
            if (failure.Fault != OriginFault.Cancelled)
                _timeline.All[failure.Origin].MediaFailed(failure.Fault, failure.Error, _parts.Inbox.Now);
        }

        if (result.Winner >= 0)
            _timeline.All[result.Winner].MediaDelivered();
    }

    /// <summary>How far an origin's index is known: what the next question starts from.</summary>
    private sealed record IndexProgress(long Edge, double Target, string? ETag);
}
