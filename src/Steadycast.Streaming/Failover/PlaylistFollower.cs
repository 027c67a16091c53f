using System.Collections.Concurrent;
using System.Collections.Immutable;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Follows origins that are not ours by their playlists, a few times a second each; a segment comes from the one origin
/// that listed it, and must look like media.
/// </summary>
internal sealed class PlaylistFollower : IFollower
{
    private const int MaxSegmentBytes = 64 << 20;
    private const int MaxMapBytes = 1 << 20;

    /// <summary>An hour of two-second segments of four playlists, and their initialisation sections.</summary>
    private const int MaxSources = 16_384;

    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(250);

    private readonly StreamParts _parts;
    private readonly IReadOnlyList<OriginClient> _clients;
    private readonly SplicedTimeline _timeline;
    private readonly ImmutableArray<OriginSight> _sights;
    private readonly ConcurrentDictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _oldestSources = new();

    /// <param name="playlists">The stream's media or multivariant playlist on each origin.</param>
    public PlaylistFollower(
        StreamParts parts, IReadOnlyList<OriginClient> origins, IReadOnlyList<Uri> playlists, SwitchPolicy policy)
    {
        (_parts, _clients) = (parts, origins);
        _timeline = new SplicedTimeline(
            parts.Stream, origins.Select(o => o.Name), policy, parts.Shared.Time.GetUtcNow());
        _sights =
        [
            .. origins.Zip(playlists, (o, address) => new OriginSight(o, address, parts.Inbox, parts.Shared)),
        ];
    }

    public ITimeline Timeline => _timeline;

    public Watermark? PeerMark => null;

    public async Task<bool> AskAsync(OriginView view, CancellationToken cancellationToken)
    {
        var began = _parts.Shared.Time.GetTimestamp();
        var (sight, inbox) = (_sights[view.Rank], _parts.Inbox);
        var timeout = TimeSpan.FromSeconds(Math.Clamp(1.5 * view.TargetDurationSeconds, 2, 10));
        var (offer, fault, error) = await sight.LookAsync(timeout, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (offer is null)
        {
            await inbox.PostAsync(() => view.Fail(fault, $"playlist: {error}", inbox.Now), cancellationToken);
            return false;
        }

        await inbox.PostAsync(
            () => _timeline.Observe((PlaylistView)view, offer, inbox.Now), cancellationToken);
        var pause = PollPeriod - _parts.Shared.Time.GetElapsedTime(began);
        if (pause > TimeSpan.Zero)
            await Task.Delay(pause, _parts.Shared.Time, cancellationToken);
        return true;
    }

    public IReadOnlyList<FetchJob> TakeJobs(TimeSpan now) =>
    [
        .. _timeline.TakeOrders(now).Select(order => new FetchJob(
            token => FetchAsync(order, token),
            () => _timeline.FetchFailed(order.Key, _parts.Inbox.Now))),
    ];

    public async Task<SegmentResponse?> FetchAgainAsync(
        ObjectKey key, Promised promised, CancellationToken cancellationToken)
    {
        if (!_sources.TryGetValue(key.Name, out var source))
            return null;
        var got = await GetAsync(
            source.Rank, source.Media, promised.Kind, promised.Bytes, promised.TargetDurationSeconds,
            cancellationToken);
        // Its name may stand for other bytes by now; then it is gone.
        return got.Fault == OriginFault.None && SegmentResponse.HashOf(got.Value.Span) == promised.Sha256
            ? new SegmentResponse(key.Name, got.Value, promised.Sha256)
            : null;
    }

    /// <summary>Brings a segment of every playlist into the cache, all of one number or none.</summary>
    private async Task<Action> FetchAsync(SourceOrder order, CancellationToken cancellationToken)
    {
        var (view, segment) = (_timeline.Views[order.Key.Rank], order.Segment);
        var target = order.TargetDurationSeconds;
        var all = await Task.WhenAll(segment.Companions
            .Select((c, i) => FetchAsync(view, c.Media, c.Map, target, Companion(i), cancellationToken))
            .Prepend(FetchAsync(view, segment.Media, segment.Map, target, Main, cancellationToken)));
        if (all.FirstOrDefault(one => one.Media is null) is { } failed)
        {
            return () =>
            {
                view.MediaFailed(failed.Fault, failed.Error, _parts.Inbox.Now);
                _timeline.FetchFailed(order.Key, _parts.Inbox.Now);
            };
        }

        var media = all[0].Media! with { Companions = [.. all.Skip(1).Select(one => one.Media!)] };
        return () => _timeline.Fetched(order.Key, media);

        string Main(string hash, MediaContainer container) => SourceName.Of(view.Name, segment.Msn, hash, container);

        Func<string, MediaContainer, string> Companion(int i) => (hash, container) =>
            SourceName.OfCompanion(view.Name, order.Playlists[i + 1], segment.Msn, hash, container);
    }

    private async Task<Fetched> FetchAsync(
        PlaylistView view,
        MediaSource source,
        MediaSource? mapSource,
        int target,
        Func<string, MediaContainer, string> nameOf,
        CancellationToken cancellationToken)
    {
        MapRecord? map = null;
        if (mapSource is not null)
        {
            // With every segment: a packager that starts again writes another one under the same name.
            var init = await GetAsync(view.Rank, mapSource, "init", MaxMapBytes, target, cancellationToken);
            if (init.Fault != OriginFault.None)
                return new Fetched(init.Fault, $"init: {init.Error}");
            if (!MediaCheck.IsInitialisation(init.Value.Span))
                return NotMedia(view, "init: the bytes are no initialisation section");
            var mapHash = SegmentResponse.HashOf(init.Value.Span);
            map = new MapRecord(SourceName.OfMap(mapHash), init.Value.Length, mapHash);
            await KeepAsync(view.Rank, mapSource, new SegmentResponse(map.Uri, init.Value, mapHash), map.Uri);
        }

        var got = await GetAsync(view.Rank, source, "segment", MaxSegmentBytes, target, cancellationToken);
        if (got.Fault != OriginFault.None)
            return new Fetched(got.Fault, $"segment: {got.Error}");
        if (MediaCheck.Recognise(got.Value.Span) is not { } container
            || (container == MediaContainer.Fmp4 && map is null))
            return NotMedia(view, "segment: the bytes do not look like media");
        var hash = SegmentResponse.HashOf(got.Value.Span);
        var name = nameOf(hash, container);
        await KeepAsync(view.Rank, source, new SegmentResponse(name, got.Value, hash), name);
        return new Fetched(OriginFault.None, "", new SourceMedia(name, got.Value.Length, hash, container, map));
    }

    private Fetched NotMedia(PlaylistView view, string error)
    {
        _parts.Shared.Metrics.Corrupt(view.Name);
        return new Fetched(OriginFault.Corrupt, error);
    }

    private async Task<Answer<ReadOnlyMemory<byte>>> GetAsync(
        int rank, MediaSource media, string kind, int limit, int target, CancellationToken cancellationToken)
    {
        // Slower than this it could not keep up anyway.
        var deadline = TimeSpan.FromSeconds(Math.Clamp(target, 2, 10));
        var got = await _clients[rank].GetBytesAsync(
            media.Address, media.Range?.Offset, media.Range?.Length, limit, deadline, cancellationToken);
        _parts.Shared.Metrics.Fetched(_clients[rank].Name, kind, got.Fault, got.Status, got.Elapsed);
        return got;
    }

    private async Task KeepAsync(int rank, MediaSource media, SegmentResponse response, string name)
    {
        if (_sources.TryAdd(name, new Source(rank, media)))
            _oldestSources.Enqueue(name);
        while (_sources.Count > MaxSources && _oldestSources.TryDequeue(out var oldest))
            _sources.TryRemove(oldest, out _);
        await _parts.KeepAsync(new ObjectKey(_parts.Stream, name), response);
    }

    private sealed record Source(int Rank, MediaSource Media);

    /// <param name="Media">Null with a fault.</param>
    private sealed record Fetched(OriginFault Fault, string Error, SourceMedia? Media = null);
}
