using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Viewing;

/// <summary>
/// Everything a stream's media playlist has ever said, and the seams between what it said before and says now
/// (draft-pantos-hls-rfc8216bis, sections 6.2.1, 6.2.2 and 6.3.4).
/// </summary>
internal sealed class PlaylistHistory(Uri address, SeamLog seams)
{
    /// <summary>Numbers remembered; about 55 hours of 2 s segments.</summary>
    private const int MaxRemembered = 100_000;

    /// <summary>The draft allows programme dates to drift by less than a second within a timeline.</summary>
    private static readonly TimeSpan DateTolerance = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<long, ListedSegment> _segments = [];
    private readonly Dictionary<string, long> _numberOfUri = [];
    private readonly Queue<long> _order = [];
    private long? _mediaSequence;
    private long? _discontinuitySequence;
    private TimeSpan _edgeSeenAt;
    private TimeSpan? _staleSince;

    public int TargetDurationSeconds { get; private set; }

    /// <summary>The number of the last segment listed now; null before the first playlist.</summary>
    public long? Edge { get; private set; }

    /// <summary>The longest time between two playlists that each moved the edge, as seen from here.</summary>
    public TimeSpan LongestGap { get; private set; }

    public ListedSegment? Find(long msn) => _segments.GetValueOrDefault(msn);

    /// <summary>Compares with all before; returns whether the playlist has moved on.</summary>
    public bool Observe(MediaPlaylist playlist, TimeSpan now)
    {
        var first = playlist.MediaSequence + playlist.SkippedSegments;
        var edge = playlist.NextMediaSequence - 1;
        CheckHeader(playlist, edge, now);
        CheckSegments(playlist, first, now);
        var moved = Edge is null || edge > Edge;
        CheckFreshness(moved, playlist.EndList, now);
        (Edge, _mediaSequence) = (edge, playlist.MediaSequence);
        Forget();
        return moved;
    }

    /// <summary>The stale period that goes on now; null when the playlist is fresh.</summary>
    public Standstill? StaleAt(TimeSpan now) => _staleSince is { } since ? new Standstill(since, now - since) : null;

    private void CheckHeader(MediaPlaylist playlist, long edge, TimeSpan now)
    {
        if (TargetDurationSeconds == 0)
            TargetDurationSeconds = playlist.TargetDurationSeconds;
        else if (TargetDurationSeconds != playlist.TargetDurationSeconds)
        {
            seams.Add(SeamKind.TargetDuration, now, null,
                $"EXT-X-TARGETDURATION changed from {TargetDurationSeconds} to {playlist.TargetDurationSeconds}.");
            TargetDurationSeconds = playlist.TargetDurationSeconds;
        }

        if (playlist.MediaSequence < _mediaSequence)
            seams.Add(SeamKind.Regression, now, playlist.MediaSequence,
                $"EXT-X-MEDIA-SEQUENCE went back from {_mediaSequence} to {playlist.MediaSequence}.");
        else if (edge < Edge)
            seams.Add(SeamKind.Regression, now, edge, $"The last number listed went back from {Edge} to {edge}.");

        var sequence = playlist.DiscontinuitySequence ?? 0;
        if (sequence < _discontinuitySequence)
            seams.Add(SeamKind.DiscontinuitySequence, now, playlist.MediaSequence,
                $"EXT-X-DISCONTINUITY-SEQUENCE went back from {_discontinuitySequence} to {sequence}.");
        _discontinuitySequence = sequence;
    }

    private void CheckSegments(MediaPlaylist playlist, long first, TimeSpan now)
    {
        var discontinuities = playlist.DiscontinuitySequence ?? 0;
        var sequenceReported = false;
        for (var i = 0; i < playlist.Segments.Length; i++)
        {
            var segment = playlist.Segments[i];
            if (segment.Discontinuity)
                discontinuities++;
            var listed = new ListedSegment(first + i, segment, new Uri(address, segment.Uri),
                segment.Map is { } map ? new Uri(address, map.Uri) : null, discontinuities);
            if (_segments.TryGetValue(listed.Msn, out var before))
            {
                CheckLines(before, listed, first: i == 0, now);
                // A delta update counts discontinuities from the segments that it left out.
                if (before.DiscontinuitySequence != discontinuities && playlist.SkippedSegments == 0 &&
                    !sequenceReported)
                {
                    sequenceReported = true;
                    seams.Add(SeamKind.DiscontinuitySequence, now, listed.Msn, "The segment's discontinuity sequence " +
                        $"number changed from {before.DiscontinuitySequence} to {discontinuities}.");
                }
            }
            else
            {
                CheckNew(listed, now);
                _order.Enqueue(listed.Msn);
            }

            _segments[listed.Msn] = listed;
            _numberOfUri[listed.Key] = listed.Msn;
        }
    }

    /// <summary>Section 6.3.4: the same number must be the same segment; players halt or play twice when not.</summary>
    private void CheckLines(ListedSegment before, ListedSegment now, bool first, TimeSpan at)
    {
        var (a, b) = (before.Segment, now.Segment);
        Check("URI", before.Address.AbsoluteUri, now.Address.AbsoluteUri);
        Check("EXTINF", a.Duration.TotalSeconds, b.Duration.TotalSeconds);
        Check("the title of EXTINF", a.Title, b.Title);
        Check("EXT-X-BYTERANGE", a.ByteRange, b.ByteRange);
        Check("EXT-X-PROGRAM-DATE-TIME", a.ProgramDateTime, b.ProgramDateTime);
        Check("EXT-X-MAP", (before.MapAddress, a.Map?.ByteRange), (now.MapAddress, b.Map?.ByteRange));
        Check("EXT-X-GAP", a.Gap, b.Gap);
        Check("EXT-X-KEY", string.Join(';', a.Keys), string.Join(';', b.Keys));
        // Once its segment is the first, the tag may be dropped and counted in EXT-X-DISCONTINUITY-SEQUENCE instead.
        if (!first || before.DiscontinuitySequence != now.DiscontinuitySequence)
            Check("EXT-X-DISCONTINUITY", a.Discontinuity, b.Discontinuity);

        void Check<T>(string what, T old, T @new)
        {
            if (!EqualityComparer<T>.Default.Equals(old, @new))
                seams.Add(SeamKind.ChangedLine, at, now.Msn, $"{what} changed from {Shown(old)} to {Shown(@new)}.");
        }

        static string Shown<T>(T value) => value switch
        {
            null => "none",
            DateTimeOffset time => time.ToString("O"),
            var other => other.ToString() ?? "",
        };
    }

    private void CheckNew(ListedSegment listed, TimeSpan now)
    {
        var segment = listed.Segment;
        if (_numberOfUri.TryGetValue(listed.Key, out var number) && !segment.Gap)
            seams.Add(SeamKind.Repeat, now, listed.Msn, $"{segment.Uri} was number {number} before.");
        // Section 4.4.3.1: EXTINF, rounded to the nearest integer, must not exceed the target duration.
        if (TargetDurationSeconds > 0 &&
            Math.Round(segment.Duration.TotalSeconds, MidpointRounding.AwayFromZero) > TargetDurationSeconds)
            seams.Add(SeamKind.TargetDuration, now, listed.Msn,
                $"EXTINF {segment.Duration.TotalSeconds:0.###} is longer than the target duration.");
        if (_segments.GetValueOrDefault(listed.Msn - 1)?.Segment is { ProgramDateTime: { } date } before &&
            segment is { Discontinuity: false, ProgramDateTime: { } next })
        {
            var off = next - date - before.Duration;
            if (off.Duration() > DateTolerance)
                seams.Add(off > TimeSpan.Zero ? SeamKind.Hole : SeamKind.Repeat, now, listed.Msn,
                    $"EXT-X-PROGRAM-DATE-TIME jumps by {off.TotalSeconds:+0.###;-0.###} s without a discontinuity.",
                    Math.Abs(off.TotalSeconds));
        }
    }

    /// <summary>
    /// Section 6.2.1: a new version no later than 1.5 target durations after the one before. Only what was seen counts:
    /// the time from the first sight of an edge to a later playlist that still has it.
    /// </summary>
    private void CheckFreshness(bool moved, bool ended, TimeSpan now)
    {
        if (moved)
        {
            if (_staleSince is { } since)
                ReportStale(since, now);
            if (Edge is not null && now - _edgeSeenAt > LongestGap)
                LongestGap = now - _edgeSeenAt;
            (_edgeSeenAt, _staleSince) = (now, null);
        }
        else if (!ended && now - _edgeSeenAt > TimeSpan.FromSeconds(1.5 * TargetDurationSeconds))
            _staleSince = _edgeSeenAt;
    }

    private void ReportStale(TimeSpan since, TimeSpan now) => seams.Add(SeamKind.StalePlaylist, since, Edge,
        $"The playlist stood still for {(now - since).TotalSeconds:0.0} s at number {Edge}.",
        (now - since).TotalSeconds);

    private void Forget()
    {
        while (_order.Count > MaxRemembered)
            if (_segments.Remove(_order.Dequeue(), out var gone) &&
                _numberOfUri.GetValueOrDefault(gone.Key) == gone.Msn)
                _numberOfUri.Remove(gone.Key);
    }
}

/// <summary>A segment as a playlist listed it.</summary>
/// <param name="DiscontinuitySequence">Its own discontinuity sequence number, its own tag included.</param>
internal sealed record ListedSegment(
    long Msn,
    MediaSegment Segment,
    Uri Address,
    Uri? MapAddress,
    long DiscontinuitySequence)
{
    /// <summary>What makes it this segment and no other: the address, and the stretch of it.</summary>
    public string Key =>
        Segment.ByteRange is { } range ? $"{Address} {range.Offset}+{range.Length}" : Address.AbsoluteUri;
}
