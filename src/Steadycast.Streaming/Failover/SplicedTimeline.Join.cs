using System.Collections.Immutable;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <remarks>How the first playlist begins.</remarks>
internal sealed partial class SplicedTimeline
{
    /// <summary>Collects a window to begin with, whole where that is quick, and publishes it at one stroke.</summary>
    private Publication? Join(PlaylistView view, TimeSpan now)
    {
        _joiningSince ??= now;
        Forget(view);
        var window = Collected(view, now);
        if (window.Count == 0)
            return null;
        var target = TargetFor(view);
        var records = new List<SegmentRecord>();
        foreach (var (segment, media) in window)
            records.Add(records.Count == 0 ? First(view, segment, media) : Append(view, segment, media, records[^1]));
        target = Math.Max(target, window.Max(w => SourcePlaylist.Rounded(w.Segment.Longest)));
        _joiningSince = null;
        var playlists = view.Offer!.Set.Playlists;
        var publication = _window.Publish(
            [.. records], records, target, view.IndependentSegments, Variant, newWindow: false, playlists: playlists);
        if (playlists is not null)
            ArrangeAllBut(view, playlists, now);
        return publication;
    }

    /// <summary>From now on it is settled which playlists there are, and in which order.</summary>
    private void ArrangeAllBut(PlaylistView first, PlaylistSet playlists, TimeSpan now)
    {
        foreach (var view in Views.Where(v => v != first && v.Offer is not null))
        {
            try
            {
                view.Arrange(view.Offer!.JoinedFor(playlists));
            }
            catch (FormatException e)
            {
                view.Forget();
                view.Fail(OriginFault.Garbage, $"playlist: {e.Message}", now);
            }
        }
    }

    private SegmentRecord First(PlaylistView view, SourceSegment segment, SourceMedia media)
    {
        var age = Math.Max(0, _startedUtcMs - NumbersBeginUtcMs);
        Used(view, segment, media);
        return RecordOf(segment, media, segment.DateMs ?? DateWithout(segment, before: null, breaks: true)) with
        {
            Msn = age / ClockMsPerNumber,
            DiscontinuitySequence = age / 1000,
        };
    }

    /// <summary>
    /// The fetched segments up to the newest fetched one without a hole; empty while waiting for more is better.
    /// </summary>
    private List<(SourceSegment Segment, SourceMedia Media)> Collected(PlaylistView view, TimeSpan now)
    {
        var listed = view.Segments.TakeLast(_policy.MaxJoin).ToImmutableArray();
        var top = listed.Length - 1;
        while (top >= 0 && MediaOf(listed[top]) is null)
            top--;
        if (top < 0)
            return [];
        var containers = ContainersOf(listed[top])!;
        var bottom = top;
        while (bottom > 0 && ContainersOf(listed[bottom - 1])?.SequenceEqual(containers) == true)
            bottom--;
        var window = new List<(SourceSegment Segment, SourceMedia Media)>();
        for (var i = bottom; i <= top; i++)
            window.Add((listed[i], MediaOf(listed[i])!));
        // A segment that failed ends the window below it; one that was not tried yet may still come.
        var settled = bottom == 0 || listed[bottom - 1].Gap || MediaOf(listed[bottom - 1]) is not null
            || SlotOf(listed[bottom - 1]) is { InFlight: false, LostSince: not null };
        var enough = window.Sum(w => w.Segment.Duration) >= 3 * TargetFor(view) * Ticks.PerSecond;
        var patient = now - _joiningSince < _policy.JoinPatience;
        return (settled && listed.Length - 1 - top <= 1) || (!patient && (enough || settled)) ? window : [];

        Slot? SlotOf(SourceSegment segment) => _slots.GetValueOrDefault(KeyOf(view, segment));

        SourceMedia? MediaOf(SourceSegment segment) => SlotOf(segment)?.Media;

        IEnumerable<MediaContainer>? ContainersOf(SourceSegment segment) =>
            MediaOf(segment)?.Objects.Select(o => o.Container);
    }
}
