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
        var promised = Promised(key.Name);
        if (_journal is not null && await _journal.ReadAsync(key.Name) is { } bytes)
        {
            var hash = SegmentResponse.HashOf(bytes.Span);
            if (promised is null || promised.Sha256 == hash)
                return Keep(key, new SegmentResponse(key.Name, bytes, hash), promised);
        }

        if (promised is null)
            return null;
        // Not from the peers: they would ask us.
        var order = Enumerable.Range(0, _timeline.Views.Length).OrderBy(o => o != _snapshot.Active?.Rank).ToList();
        var result = await _parts.Fetch.GetAsync(
            key, promised.Kind, promised.Bytes, promised.Sha256, () => order, DeadlineFor(promised.Target),
            _stopping.Token);
        return result.Response is { } response ? Keep(key, response, promised) : null;
    }

    private SegmentResponse Keep(ObjectKey key, SegmentResponse response, Promise? promised)
    {
        _parts.Cache.Add(key, response, promised is { Listed: true } ? null : Unpublished);
        return response;
    }

    /// <summary>What was published of an object: by the current playlist, or by one not long ago.</summary>
    private Promise? Promised(string name)
    {
        if (Volatile.Read(ref _current)?.Index is not { } index)
            return null;
        if (index.Segments.FirstOrDefault(s => s.Uri == name && !s.Gap) is { } segment)
            return new Promise("segment", segment.Bytes, segment.Sha256, index.TargetDurationSeconds, Listed: true);
        if (index.Maps.FirstOrDefault(m => m.Uri == name) is { } map)
            return new Promise("init", map.Bytes, map.Sha256, index.TargetDurationSeconds, Listed: true);
        return _retained.TryGetValue(name, out var retained) && retained.Until > Now ? retained.Promise : null;
    }

    /// <summary>What left the window stays to be had for a while: players hold older playlists.</summary>
    private void Release(Publication publication)
    {
        if (publication.Before is not { } before)
            return;
        var keep = Ticks.ToSpan(before.Segments.Sum(s => s.Duration)) * 2 + Grace;
        var until = Now + keep;
        void Retain(string name, Promise promise)
        {
            _parts.Cache.Expire(new ObjectKey(_stream, name), keep);
            _retained[name] = new Retained(promise, until);
        }

        var target = before.TargetDurationSeconds;
        foreach (var segment in publication.Left.Where(s => !s.Gap))
            Retain(segment.Uri, new Promise("segment", segment.Bytes, segment.Sha256, target, Listed: false));
        foreach (var map in before.Maps.Where(map => publication.Index.Maps.All(m => m.Uri != map.Uri)))
            Retain(map.Uri, new Promise("init", map.Bytes, map.Sha256, target, Listed: false));
        foreach (var (name, retained) in _retained)
        {
            if (retained.Until <= Now)
                _retained.TryRemove(name, out _);
        }
    }

    private sealed record Promise(string Kind, int Bytes, string Sha256, int Target, bool Listed);

    private sealed record Retained(Promise Promise, TimeSpan Until);
}
