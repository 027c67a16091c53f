using System.Collections.Concurrent;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <remarks>What viewers ask for beside the playlist: from memory, from disk, or from an origin again.</remarks>
internal sealed partial class HlsSwitch
{
    /// <summary>On top of twice the window, for players that pause; as the stores keep theirs.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Retained> _retained = new(StringComparer.Ordinal);

    /// <summary>
    /// A published object: from memory; after a restart or under memory pressure from disk or an origin.
    /// </summary>
    public ValueTask<SegmentResponse?> FindObjectAsync(string name, CancellationToken cancellationToken)
    {
        var key = new ObjectKey(_stream, name);
        if (_parts.Cache.Find(key) is { } hit)
        {
            _parts.Metrics.CacheRequest("hit");
            return ValueTask.FromResult<SegmentResponse?>(hit);
        }

        return FindAgainAsync(key, cancellationToken);
    }

    private async ValueTask<SegmentResponse?> FindAgainAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        var loaded = false;
        var found = await _parts.Cache.GetOrLoadAsync(
            key,
            k =>
            {
                loaded = true;
                return LoadAsync(k);
            },
            cancellationToken);
        _parts.Metrics.CacheRequest(loaded ? "miss" : "coalesced");
        return found;
    }

    private async Task<SegmentResponse?> LoadAsync(ObjectKey key)
    {
        var promised = PromisedOf(key.Name);
        if (_journal is not null && await _journal.ReadAsync(key.Name) is { } bytes)
        {
            var hash = SegmentResponse.HashOf(bytes.Span);
            if (promised is null || promised.Sha256 == hash)
                return Keep(key, new SegmentResponse(key.Name, bytes, hash), promised);
        }

        if (promised is null)
            return null;
        return await _follower.FetchAgainAsync(key, promised, _stopping.Token) is { } response
            ? Keep(key, response, promised)
            : null;
    }

    private SegmentResponse Keep(ObjectKey key, SegmentResponse response, Promised? promised)
    {
        _parts.Cache.Add(key, response, promised is { Listed: true } ? null : StreamParts.Unpublished);
        return response;
    }

    /// <summary>What was published of an object: by the current playlist, or by one not long ago.</summary>
    private Promised? PromisedOf(string name)
    {
        if (Volatile.Read(ref _current)?.Index is not { } index)
            return null;
        if (index.FindObject(name) is { } segment)
            return new Promised("segment", segment.Bytes, segment.Sha256, index.TargetDurationSeconds, Listed: true);
        if (index.Maps.FirstOrDefault(m => m.Uri == name) is { } map)
            return new Promised("init", map.Bytes, map.Sha256, index.TargetDurationSeconds, Listed: true);
        return _retained.TryGetValue(name, out var retained) && retained.Until > Now ? retained.Promised : null;
    }

    /// <summary>What left the window stays to be had for a while: players hold older playlists.</summary>
    private void Release(Publication publication)
    {
        if (publication.Before is not { } before)
            return;
        var keep = Ticks.ToSpan(before.Segments.Sum(s => s.Duration)) * 2 + Grace;
        var until = Now + keep;
        void Retain(string name, Promised promise)
        {
            _parts.Cache.Expire(new ObjectKey(_stream, name), keep);
            _retained[name] = new Retained(promise, until);
        }

        var target = before.TargetDurationSeconds;
        foreach (var left in publication.Left.Where(s => !s.Gap).SelectMany(s => s.Objects))
            Retain(left.Uri, new Promised("segment", left.Bytes, left.Sha256, target, Listed: false));
        foreach (var map in before.Maps.Where(map => publication.Index.Maps.All(m => m.Uri != map.Uri)))
            Retain(map.Uri, new Promised("init", map.Bytes, map.Sha256, target, Listed: false));
        foreach (var (name, retained) in _retained)
        {
            if (retained.Until <= Now)
                _retained.TryRemove(name, out _);
        }
    }

    private sealed record Retained(Promised Promised, TimeSpan Until);
}
