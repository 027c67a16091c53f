using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// What viewers see of one stream, and the one way to change it: trimmed, measured, and past the guard.
/// </summary>
internal sealed class PublishedWindow(string stream)
{
    private readonly Dictionary<string, MapRecord> _maps = new(StringComparer.Ordinal);

    /// <summary>Null before anything could be had.</summary>
    public StreamIndex? Index { get; private set; }

    /// <summary>How much is listed at most; as long as the longest playlist behind it.</summary>
    public TimeSpan Length { get; private set; }

    /// <summary>What deserves counting and a line in the log; the owner empties it.</summary>
    public Queue<TimelineNote> Notes { get; } = new();

    /// <summary>Takes up where an earlier process stopped.</summary>
    public void Restore(StreamIndex index)
    {
        Index = index;
        Lengthen(LengthOf(index.Segments));
        foreach (var map in index.Maps)
            AddMap(map);
    }

    public void Lengthen(TimeSpan length) => Length = length > Length ? length : Length;

    public static TimeSpan LengthOf(ImmutableArray<SegmentRecord> segments) =>
        Ticks.ToSpan(segments.Sum(s => s.Duration));

    /// <summary>An initialisation section that is in the cache and may be named from now on.</summary>
    public void AddMap(MapRecord map) => _maps[map.Uri] = map;

    /// <summary>Makes these segments what viewers see; null, with a note, when it would break a promise.</summary>
    /// <param name="segments">All of them, oldest first; what is longer than the window leaves.</param>
    /// <param name="added">Those of them that are new.</param>
    /// <param name="independent">Whether their source says that every one begins with a keyframe.</param>
    /// <param name="newWindow">Nothing of what was published stays.</param>
    /// <param name="audio">What the multivariant playlist offers of several audio tracks.</param>
    /// <param name="playlists">The same for life, as far as they are of their own objects.</param>
    public Publication? Publish(
        ImmutableArray<SegmentRecord> segments,
        IReadOnlyCollection<SegmentRecord> added,
        int targetDurationSeconds,
        bool independent,
        VariantInfo variant,
        bool newWindow,
        AudioGroup? audio = null,
        PlaylistSet? playlists = null)
    {
        var before = Index;
        segments = SegmentWindow.Trim(segments, targetDurationSeconds, Length);
        var next = new StreamIndex
        {
            Stream = stream,
            TargetDurationSeconds = targetDurationSeconds,
            IndependentSegments =
                independent && (before?.IndependentSegments ?? true) && added.All(r => r.Independent),
            Segments = segments,
            Maps = SegmentWindow.MapsOf(segments, [.. _maps.Values]),
            Variant = Bandwidth.Measure(variant, segments, targetDurationSeconds),
            Audio = audio,
            Playlists = playlists,
        };
        if (PublishGuard.FindViolation(before, next) is { } violation)
        {
            Notes.Enqueue(new TimelineNote(NoteKind.Blocked, View: null, next.Edge, violation));
            return null;
        }

        Index = next;
        foreach (var map in _maps.Keys.Except(next.Maps.Select(m => m.Uri), StringComparer.Ordinal).ToList())
            _maps.Remove(map);
        var left = before is null ? [] : before.Segments.Where(s => s.Msn < next.First).ToImmutableArray();
        return new Publication(next, before, left, added.Count(r => r.Gap), newWindow);
    }
}
