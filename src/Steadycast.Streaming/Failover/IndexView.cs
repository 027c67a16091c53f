using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>An origin in lockstep with the others, or another switch: its last valid index. Pure.</summary>
internal sealed class IndexView(string name, int rank) : OriginView(name, rank)
{
    public StreamIndex? Index { get; private set; }

    public override long Edge => Index?.Edge ?? -1;

    public override int TargetDurationSeconds => Index?.TargetDurationSeconds ?? 0;

    public override long? EdgeDateMs => Index?.Segments[^1].ProgramDateTimeMs;

    /// <summary>It has neither answered nor failed yet.</summary>
    public bool IsUnknown => Index is null && LastFault == OriginFault.None;

    /// <summary>Up to which number its records were compared with the published ones.</summary>
    public long ComparedUpTo { get; set; } = -1;

    public SegmentRecord? Find(long msn) =>
        Index is { } index && msn >= index.First && msn <= index.Edge ? index.Segments[(int)(msn - index.First)] : null;

    /// <summary>The initialisation sections that a segment of the index names.</summary>
    public IEnumerable<MapRecord> MapsOf(SegmentRecord record) =>
        Index?.Maps.Where(map => record.MapUris.Contains(map.Uri)) ?? [];

    public void Observe(StreamIndex index, TimeSpan now)
    {
        if (index.Edge > Edge)
            AdvancedAt = now;
        Index = index;
        Alive();
    }

    public void CompareWith(long bestEdge, TimeSpan now) =>
        BehindSince = Edge >= bestEdge ? null : BehindSince ?? now;
}
