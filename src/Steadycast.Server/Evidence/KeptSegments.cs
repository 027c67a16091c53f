using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Evidence;

/// <summary>A segment that lies in the folder.</summary>
/// <param name="Map">The initialisation section's file; null where the segment needs none.</param>
internal sealed record KeptSegment(long Msn, string File, string? Map, bool Discontinuity, long Bytes);

/// <summary>Which segments lie in the folder: no more bytes than allowed, the oldest go. Names only, no IO.</summary>
internal sealed class KeptSegments(long maxBytes)
{
    private readonly Queue<KeptSegment> _kept = [];
    private readonly Dictionary<Uri, string> _maps = [];
    private readonly List<string> _mapFiles = [];
    private long _bytes;

    public IReadOnlyCollection<KeptSegment> All => _kept;

    /// <summary>The file for an initialisation section; the same for the same address.</summary>
    public string MapFile(Uri address)
    {
        if (!_maps.TryGetValue(address, out var file))
        {
            file = $"init-{_mapFiles.Count + 1}.mp4";
            _maps.Add(address, file);
            _mapFiles.Add(file);
        }

        return file;
    }

    /// <summary>Takes a segment in and returns those that have to go for it.</summary>
    public IReadOnlyList<KeptSegment> Add(ArrivedMedia media, out KeptSegment kept)
    {
        // The number and nothing of the address: what a server writes in a playlist is no file name.
        var extension = media.Map is not null ? "m4s" : media.Body.Span is [0x47, ..] ? "ts" : "bin";
        kept = new KeptSegment(
            media.Msn, $"{media.Msn}.{extension}", media.Map is { } map ? MapFile(map) : null, media.Discontinuity,
            media.Body.Length);
        _kept.Enqueue(kept);
        _bytes += kept.Bytes;
        var gone = new List<KeptSegment>();
        while (_bytes > maxBytes && _kept.Count > 1)
        {
            gone.Add(_kept.Dequeue());
            _bytes -= gone[^1].Bytes;
        }

        return gone;
    }

    /// <summary>Runs without a hole, a discontinuity or another initialisation section, in order.</summary>
    public IReadOnlyList<IReadOnlyList<KeptSegment>> Stretches()
    {
        var stretches = new List<List<KeptSegment>>();
        foreach (var segment in _kept)
        {
            var before = stretches.Count > 0 ? stretches[^1][^1] : null;
            if (before is null || segment.Discontinuity || segment.Msn != before.Msn + 1 || segment.Map != before.Map)
                stretches.Add([]);
            stretches[^1].Add(segment);
        }

        return stretches;
    }
}
