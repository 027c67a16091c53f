using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>A segment to fetch, and the ranks of the origins that have it, best first.</summary>
/// <remarks>
/// Origins publish a segment milliseconds apart, and the first one's news makes the order: those that have it a moment
/// later join the order under way. Written by the switch's loop, read by the fetch.
/// </remarks>
internal sealed class FetchOrder(
    SegmentRecord record, ImmutableArray<MapRecord> maps, ImmutableArray<int> origins, int targetDurationSeconds)
{
    private int[] _origins = [.. origins];

    public SegmentRecord Record => record;

    /// <summary>The initialisation sections that its playlists name with it.</summary>
    public ImmutableArray<MapRecord> Maps => maps;

    public IReadOnlyList<int> Origins => Volatile.Read(ref _origins);

    public int TargetDurationSeconds => targetDurationSeconds;

    public void Join(ImmutableArray<int> all)
    {
        if (all.Any(origin => !_origins.Contains(origin)))
            Volatile.Write(ref _origins, [.. _origins.Union(all)]);
    }
}

/// <summary>A new state of the published playlist.</summary>
/// <param name="Left">Records that left the window; their bytes are kept for a while.</param>
/// <param name="Gaps">How many of the added records are EXT-X-GAP.</param>
/// <param name="NewWindow">The numbers jumped: nothing of the playlist before is in this one.</param>
internal sealed record Publication(
    StreamIndex Index,
    StreamIndex? Before,
    ImmutableArray<SegmentRecord> Left,
    int Gaps,
    bool NewWindow);

/// <summary>Something that must not happen, and was kept from viewers.</summary>
/// <param name="View">Null when it is of our own making.</param>
/// <param name="Detail">Which promise would have been broken.</param>
internal sealed record TimelineNote(NoteKind Kind, OriginView? View, long Msn, string Detail = "");

internal enum NoteKind
{
    /// <summary>An origin holds other bytes under a number that is published.</summary>
    Mismatch,

    /// <summary>An origin offers segments of an epoch that is over.</summary>
    Fenced,

    /// <summary>A playlist that would have gone back was not published.</summary>
    Blocked,
}
