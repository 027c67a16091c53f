using System.Collections.Immutable;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// An origin that is not ours, as one stream sees it: the segments that its media playlist lists, in runs of its own
/// numbers. Pure.
/// </summary>
/// <remarks>
/// A packager that starts again may count from 0 and use the same names for other bytes: that is a new run. A cache
/// between it and us may answer with an older playlist: that is none. Dates tell the two apart at once; without them a
/// playlist that went back has to move first, or to stay back for long.
/// </remarks>
internal sealed class PlaylistView(string name, int rank) : OriginView(name, rank)
{
    /// <summary>In target durations: what an older copy that moves has to stay behind before it counts.</summary>
    private const int RunPatience = 3;

    private int _targetDurationSeconds;
    private TimeSpan? _backSince;
    private long _backEdge;

    /// <summary>Oldest first; empty before the first playlist.</summary>
    public ImmutableArray<SourceSegment> Segments { get; private set; } = [];

    public int Run { get; private set; }

    public override long Edge => Segments.IsEmpty ? -1 : Segments[^1].Msn;

    public override int TargetDurationSeconds => _targetDurationSeconds;

    public override long? EdgeDateMs => Segments.IsEmpty ? null : Segments[^1].DateMs;

    public bool IndependentSegments { get; private set; }

    /// <summary>Its edge has been seen to move since it was last down.</summary>
    public bool IsProven { get; private set; }

    /// <summary>
    /// The end of its edge by its own date, less our clock at that moment: equal on origins of one source whose clocks
    /// agree, but for how long each takes. Null without dates.
    /// </summary>
    public long? DateOffsetMs { get; private set; }

    /// <summary>The newest of its segments that was published.</summary>
    public SourceKey? LastUsed { get; set; }

    /// <summary>What <see cref="Segments"/> were made of.</summary>
    public SourceOffer? Offer { get; set; }

    public SourceSegment? Find(long msn) =>
        !Segments.IsEmpty && msn >= Segments[0].Msn && msn <= Edge ? Segments[(int)(msn - Segments[0].Msn)] : null;

    public void Observe(SourcePlaylist playlist, TimeSpan now)
    {
        Alive();
        var listed = playlist.Segments;
        if (Segments.IsEmpty)
        {
            Take(playlist, listed, now);
            return;
        }

        var edge = listed[^1].Msn;
        var overlaps = listed[0].Msn <= Edge && edge >= Segments[0].Msn;
        var contradicts = overlaps && listed.Any(s => Find(s.Msn) is { } known && !known.IsSame(s));
        if (contradicts || (edge < Edge && IsNewRun(listed[^1], overlaps, now)))
        {
            Run++;
            IsProven = true;
            Take(playlist, listed, now);
        }
        else if (edge >= Edge)
        {
            IsProven |= edge > Edge;
            Take(playlist, Continued(listed), now);
        }
    }

    /// <summary>What it listed cannot be used.</summary>
    public void Forget() => (Segments, Offer, IsProven) = ([], null, false);

    /// <summary>The same playlists in another order; nothing of the old one was published.</summary>
    public void Arrange(SourcePlaylist playlist)
    {
        Run++;
        Segments =
        [
            .. playlist.Segments.Select(s => s with { Run = Run, SeenAt = Find(s.Msn)?.SeenAt ?? s.SeenAt }),
        ];
    }

    public override void Fail(OriginFault fault, string error, TimeSpan now)
    {
        base.Fail(fault, error, now);
        IsProven &= !IsDown;
    }

    /// <summary>It missed its turn while another one went on; so until it moves, whatever the other does.</summary>
    public void FallBehind(TimeSpan now) => BehindSince ??= now;

    private bool IsNewRun(SourceSegment edge, bool overlaps, TimeSpan now)
    {
        if (edge.DateEndMs is { } date && Segments[^1].DateEndMs is { } known)
            return date > known;
        var moved = _backSince is not null && edge.Msn > _backEdge;
        _backSince ??= now;
        _backEdge = edge.Msn;
        return moved && (!overlaps || now - _backSince > TimeSpan.FromSeconds(RunPatience * _targetDurationSeconds));
    }

    /// <summary>What was known stays as it was seen first, but for its address, which may be signed anew.</summary>
    private ImmutableArray<SourceSegment> Continued(ImmutableArray<SourceSegment> listed) =>
    [
        .. listed.Select(s => Find(s.Msn) is { } known
            ? known with { Media = s.Media, Map = s.Map, Companions = s.Companions }
            : s),
    ];

    private void Take(SourcePlaylist playlist, ImmutableArray<SourceSegment> segments, TimeSpan now)
    {
        var moved = Segments.IsEmpty || segments[^1].Msn != Edge || segments[^1].Run != Run;
        Segments = [.. segments.Select(s => s.Run == Run ? s : s with { Run = Run })];
        _targetDurationSeconds = playlist.TargetDurationSeconds;
        IndependentSegments = playlist.IndependentSegments;
        _backSince = null;
        if (!moved)
            return;
        (AdvancedAt, BehindSince) = (now, null);
        DateOffsetMs = Segments[^1].DateEndMs - (long)now.TotalMilliseconds;
    }
}
