using System.Collections.Concurrent;
using Steadycast.Streaming.Origin;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Follows origins that are not ours by their media playlists, a few times a second each; a segment comes from the one
/// origin that listed it, and must look like media.
/// </summary>
internal sealed class PlaylistFollower : IFollower
{
    private const int MaxSegmentBytes = 64 << 20;
    private const int MaxMapBytes = 1 << 20;

    /// <summary>An hour of two-second segments and their initialisation sections.</summary>
    private const int MaxSources = 4096;

    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(250);

    private readonly StreamParts _parts;
    private readonly IReadOnlyList<OriginClient> _clients;
    private readonly IReadOnlyList<Uri> _playlists;
    private readonly SplicedTimeline _timeline;
    private readonly ReadOnlyMemory<byte>[] _texts;
    private readonly ConcurrentDictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _oldestSources = new();

    /// <param name="playlists">The stream's media playlist on each origin.</param>
    public PlaylistFollower(
        StreamParts parts, IReadOnlyList<OriginClient> origins, IReadOnlyList<Uri> playlists, SwitchPolicy policy)
    {
        (_parts, _clients, _playlists) = (parts, origins, playlists);
        _timeline = new SplicedTimeline(
            parts.Stream, origins.Select(o => o.Name), policy, parts.Shared.Time.GetUtcNow());
        _texts = new ReadOnlyMemory<byte>[origins.Count];
    }

    public ITimeline Timeline => _timeline;

    public Watermark? PeerMark => null;

    public async Task<bool> AskAsync(OriginView view, CancellationToken cancellationToken)
    {
        var client = _clients[view.Rank];
        var timeout = TimeSpan.FromSeconds(Math.Clamp(1.5 * view.TargetDurationSeconds, 2, 10));
        // The client keeps its own deadline; the second one is for the day that it does not.
        var answer = await client.GetTextAsync(_playlists[view.Rank], timeout, cancellationToken)
            .WaitAsync(2 * timeout, _parts.Shared.Time, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        var (fault, error) = (answer.Fault, answer.Error);
        var inbox = _parts.Inbox;
        if (fault == OriginFault.None)
        {
            if (answer.Value.Span.SequenceEqual(_texts[view.Rank].Span))
                await inbox.PostAsync(view.Alive, cancellationToken);
            else
                (fault, error) = await ReadAsync((PlaylistView)view, answer.Value, cancellationToken);
        }

        _parts.Shared.Metrics.Fetched(client.Name, "playlist", fault, answer.Status, answer.Elapsed);
        if (fault != OriginFault.None)
        {
            _texts[view.Rank] = default;
            await inbox.PostAsync(() => view.Fail(fault, $"playlist: {error}", inbox.Now), cancellationToken);
            return false;
        }

        if (PollPeriod > answer.Elapsed)
            await Task.Delay(PollPeriod - answer.Elapsed, _parts.Shared.Time, cancellationToken);
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

    private async Task<(OriginFault Fault, string Error)> ReadAsync(
        PlaylistView view, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        try
        {
            var playlist = SourcePlaylist.Read(text.Span, _playlists[view.Rank], _parts.Inbox.Now);
            _texts[view.Rank] = text;
            await _parts.Inbox.PostAsync(
                () => _timeline.Observe(view, playlist, _parts.Inbox.Now), cancellationToken);
            return (OriginFault.None, "");
        }
        catch (FormatException e)
        {
            return (OriginFault.Garbage, e.Message);
        }
    }

    private async Task<Action> FetchAsync(SourceOrder order, CancellationToken cancellationToken)
    {
        var (view, segment, target) =
            (_timeline.Views[order.Key.Rank], order.Segment, order.TargetDurationSeconds);
        Action Failed(OriginFault fault, string error) => () =>
        {
            view.MediaFailed(fault, error, _parts.Inbox.Now);
            _timeline.FetchFailed(order.Key, _parts.Inbox.Now);
        };

        MapRecord? map = null;
        if (segment.Map is { } wanted)
        {
            // With every segment: a packager that starts again writes another one under the same name.
            var init = await GetAsync(view.Rank, wanted, "init", MaxMapBytes, target, cancellationToken);
            if (init.Fault != OriginFault.None)
                return Failed(init.Fault, $"init: {init.Error}");
            if (!MediaCheck.IsInitialisation(init.Value.Span))
                return NotMedia(view, Failed, "init: the bytes are no initialisation section");
            var mapHash = SegmentResponse.HashOf(init.Value.Span);
            map = new MapRecord(SourceName.OfMap(mapHash), init.Value.Length, mapHash);
            await KeepAsync(view.Rank, wanted, new SegmentResponse(map.Uri, init.Value, mapHash), map.Uri);
        }

        var got = await GetAsync(view.Rank, segment.Media, "segment", MaxSegmentBytes, target, cancellationToken);
        if (got.Fault != OriginFault.None)
            return Failed(got.Fault, $"segment: {got.Error}");
        if (MediaCheck.Recognise(got.Value.Span) is not { } container
            || (container == MediaContainer.Fmp4 && map is null))
            return NotMedia(view, Failed, "segment: the bytes do not look like media");
        var hash = SegmentResponse.HashOf(got.Value.Span);
        var name = SourceName.Of(view.Name, segment.Msn, hash, container);
        await KeepAsync(view.Rank, segment.Media, new SegmentResponse(name, got.Value, hash), name);
        var media = new SourceMedia(name, got.Value.Length, hash, container, map);
        return () => _timeline.Fetched(order.Key, media);
    }

    private Action NotMedia(PlaylistView view, Func<OriginFault, string, Action> failed, string error)
    {
        _parts.Shared.Metrics.Corrupt(view.Name);
        return failed(OriginFault.Corrupt, error);
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
}
