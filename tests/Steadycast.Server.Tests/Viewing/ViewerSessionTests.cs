using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Viewing;
using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.Server.Tests.Viewing;

/// <summary>An impeccable stream has no seam; each way to spoil it is seen for what it is, once.</summary>
public sealed class ViewerSessionTests
{
    private const string Ok = "nothing";

    /// <summary>How a stream is spoiled, and everything that a viewer must say of it.</summary>
    private static readonly Dictionary<string, (Broadcast Broadcast, (SeamKind Kind, int Count)[] Seams)> Cases = new()
    {
        [Ok] = (new Broadcast(), []),
        ["nothing, in MPEG-TS"] = (new Broadcast { IsTransportStream = true }, []),
        ["the edge stands still for 9 s"] = (new Broadcast { Edge = t => Frozen(t, 12, 21) },
            [(Stall, 1), (StalePlaylist, 1)]),
        ["the edge stands still for 4 s"] = (new Broadcast { Edge = t => Frozen(t, 12, 16) }, [(StalePlaylist, 1)]),
        ["the edge stands still to the end"] = (new Broadcast { Edge = t => Frozen(t, 12, 99) },
            [(Stall, 1), (StalePlaylist, 1)]),
        ["one segment is never there"] = (Answering("106.m4s", 99, new Fetched(404, null, default)),
            [(HttpError, 4), (Hole, 1)]),
        ["one segment is not there at first"] = (Answering("106.m4s", 1, new Fetched(404, null, default)),
            [(HttpError, 1)]),
        ["one segment is cut short"] = (Answering("106.m4s", 1, new Fetched(200, "short body", default)),
            [(HttpError, 1)]),
        ["one segment times out"] = (Answering("106.m4s", 1, new Fetched(0, "timeout", default)), [(HttpError, 1)]),
        ["one segment is a web page"] = (Answering("106.m4s", 1, new Fetched(200, null, "<html></html>"u8.ToArray())),
            [(Malformed, 1), (Hole, 1)]),
        ["the initialisation section fails once"] = (Answering("init-1.mp4", 1, new Fetched(500, null, default)),
            [(HttpError, 1)]),
        ["a playlist request fails"] = (Answering("index.m3u8", 5, new Fetched(503, null, default), from: 5),
            [(HttpError, 1)]),
        ["a playlist is a web page"] =
            (Answering("index.m3u8", 5, new Fetched(200, null, "<html></html>"u8.ToArray()), from: 5),
            [(Malformed, 1)]),
        ["EXT-X-GAP"] = (new Broadcast { SayOf = (_, n, s) => s with { Gap = n == 106 } }, [(Hole, 1)]),
        ["numbers are left out"] = (new Broadcast { Edge = t => Broadcast.EdgeAt(t) + (Seconds(t) > 12 ? 30 : 0) },
            [(Hole, 1)]),
        ["the programme date jumps"] = (new Broadcast
        {
            SayOf = (_, n, s) => n < 106 ? s : s with { ProgramDateTime = s.ProgramDateTime!.Value.AddSeconds(3) },
        }, [(Hole, 1)]),
        ["media is missing in the bytes"] =
            (new Broadcast { Media = n => (n, n * Broadcast.Frames + (n < 106 ? 0 : 1)) },
            [(Hole, 1)]),
        ["media is repeated in the bytes"] =
            (new Broadcast { Media = n => (n, n * Broadcast.Frames - (n < 106 ? 0 : 1)) },
            [(Repeat, 1)]),
        ["media is missing in MPEG-TS"] = (new Broadcast
        {
            IsTransportStream = true,
            Media = n => (n, n * Broadcast.Frames + (n < 106 ? 0 : 96)),
        }, [(Hole, 1)]),
        ["a segment's bytes come again"] = (new Broadcast { Media = n => n == 106 ? At(105) : At(n) },
            [(Repeat, 2), (Hole, 1)]),
        ["a segment's address comes again"] =
            (new Broadcast { SayOf = (_, n, s) => n == 106 ? s with { Uri = "105.m4s" } : s },
            [(Repeat, 3), (Hole, 1)]),
        ["the numbers go back by three"] =
            (new Broadcast { Edge = t => Broadcast.EdgeAt(t) - (Within(t, 12, 14) ? 3 : 0) },
            [(Regression, 1), (StalePlaylist, 1)]),
        ["only the end goes back"] = (new Broadcast
        {
            Say = (t, p) => Within(t, 12, 14) ? p with { Segments = p.Segments[..^3] } : p,
        }, [(Regression, 1), (StalePlaylist, 1)]),
        ["the numbering starts again"] = (new Broadcast
        {
            Say = (t, p) => Seconds(t) < 12 ? p : p with { MediaSequence = p.MediaSequence - 80 },
            SayOf = (t, n, s) => Seconds(t) < 12 ? s : s with { Uri = $"{n - 80}.m4s", ProgramDateTime = null },
        }, [(Regression, 1), (StalePlaylist, 1)]),
        ["an address changes"] = (Saying(s => s with { Uri = "106.m4s?other" }), [(ChangedLine, 1)]),
        ["EXTINF changes"] = (Saying(s => s with { Duration = TimeSpan.FromSeconds(2.1) }), [(ChangedLine, 1)]),
        ["the programme date changes"] =
            (Saying(s => s with { ProgramDateTime = s.ProgramDateTime!.Value.AddMilliseconds(1) }),
            [(ChangedLine, 1)]),
        ["EXT-X-MAP changes"] = (Saying(s => s with { Map = new MediaMap("init-2.mp4") }), [(ChangedLine, 1)]),
        ["a discontinuity appears afterwards"] = (Saying(s => s with { Discontinuity = true }),
            [(ChangedLine, 1), (DiscontinuitySequence, 2)]),
        ["a discontinuity"] = (new Broadcast
        {
            Say = (_, p) => p with { DiscontinuitySequence = p.MediaSequence > 106 ? 1 : 0 },
            SayOf = (_, n, s) => s with { Discontinuity = n == 106 },
            Media = n => (n, n * Broadcast.Frames + (n < 106 ? 0 : 5000)),
        }, [(Discontinuity, 1)]),
        ["a discontinuity leaves uncounted"] =
            (new Broadcast { SayOf = (_, n, s) => s with { Discontinuity = n == 106 } },
            [(Discontinuity, 1), (DiscontinuitySequence, 1)]),
        ["the discontinuity sequence goes back"] = (new Broadcast
        {
            Say = (t, p) => p with { DiscontinuitySequence = Seconds(t) < 12 ? 7 : 6 },
        }, [(DiscontinuitySequence, 2)]),
        ["the target duration changes"] = (new Broadcast
        {
            Say = (t, p) => p with { TargetDurationSeconds = Seconds(t) < 12 ? 2 : 3 },
        }, [(TargetDuration, 1)]),
        ["a segment is too long"] = (new Broadcast
        {
            SayOf = (_, n, s) => n == 106 ? s with { Duration = TimeSpan.FromSeconds(2.5), ProgramDateTime = null } : s,
        }, [(TargetDuration, 1)]),
        ["continuity counters jump"] = (new Broadcast
        {
            IsTransportStream = true,
            Media = n => (n < 106 ? n : n + 1, n * Broadcast.Frames),
        }, [(ContinuityCounter, 1)]),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Sees_what_is_wrong_and_nothing_else(string name)
    {
        var (broadcast, seams) = Cases[name];
        var report = SimulatedViewer.Watch(broadcast);
        var seen = report.Counts.Where(c => c.Value > 0).Select(c => (c.Key, c.Value)).Order();
        Assert.True(seams.Order().SequenceEqual(seen), report.ToText());
        Assert.Equal(seams.Length == 0, report.Seamless);
        Assert.Equal(seams.Sum(s => s.Count), report.Seams.Count);
    }

    [Fact]
    public void Joins_three_target_durations_before_the_end_and_fetches_everything_once()
    {
        var report = SimulatedViewer.Watch(new Broadcast(), out var session);
        Assert.Equal(98, report.FirstMsn);
        Assert.Equal(Enumerable.Range(98, report.Segments).Select(i => (long)i), session.Seen.Select(s => s.Msn));
        Assert.Equal(report.LastMsn, report.FirstMsn + report.Segments - 1);
        Assert.InRange(report.JoinSeconds!.Value, 0.09, 0.12);
        Assert.Equal(40 - 0.1, report.PlayedSeconds, 1);
        Assert.InRange(report.LatencySeconds!.Value, 6.2, 6.3);
        Assert.InRange(report.PlaylistGapMaxSeconds, 2, 3.1);
        Assert.Equal("fmp4", report.Container);
    }

    [Fact]
    public void A_stall_lasts_from_the_dry_buffer_to_the_next_segment()
    {
        var report = SimulatedViewer.Watch(Cases["the edge stands still for 9 s"].Broadcast);
        var stall = Assert.Single(report.Seams, s => s.Kind == Stall);
        Assert.Equal(report.StalledSeconds, stall.Seconds!.Value, 2);
        Assert.Equal(40 - 0.1, report.PlayedSeconds + report.StalledSeconds, 1);
    }

    [Fact]
    public void An_ended_stream_is_played_to_its_end_and_no_further()
    {
        var ended = new Broadcast { Edge = _ => 100, Say = (_, p) => p with { EndList = true } };
        var report = SimulatedViewer.Watch(ended);
        Assert.True(report.Ended);
        Assert.True(report.Seamless, report.ToText());
        Assert.Equal(Broadcast.Listed, report.Segments);
        Assert.Equal(Broadcast.Listed * 2.048, report.PlayedSeconds, 2);
    }

    [Fact]
    public void Nothing_to_play_is_not_seamless()
    {
        var report = SimulatedViewer.Watch(Answering("index.m3u8", 999, new Fetched(404, null, default)), 10);
        Assert.False(report.Seamless);
        Assert.Null(report.JoinSeconds);
        Assert.InRange(report.Counts[HttpError], 5, 20);
        Assert.StartsWith("NOTHING PLAYED", report.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Seams_beyond_the_bound_are_counted_without_words()
    {
        var session = new ViewerSession(SimulatedViewer.Address, new ViewerOptions { SeamsKept = 3 });
        for (var i = 0; i < 10; i++)
            session.PlaylistArrived(new Fetched(500, null, default), TimeSpan.FromSeconds(i), TimeSpan.FromSeconds(i));
        var report = session.Report(SimulatedViewer.Address, Broadcast.Start, TimeSpan.FromSeconds(10));
        Assert.Equal(10, report.Counts[HttpError]);
        Assert.Equal(3, report.Seams.Count);
    }

    private static (long, long) At(long msn) => (msn, msn * Broadcast.Frames);

    private static double Seconds(TimeSpan time) => time.TotalSeconds;

    private static bool Within(TimeSpan time, double from, double to) => Seconds(time) >= from && Seconds(time) < to;

    private static long Frozen(TimeSpan time, double from, double to) =>
        Broadcast.EdgeAt(Within(time, from, to) ? TimeSpan.FromSeconds(from) : time);

    private static Broadcast Answering(string name, int times, Fetched answer, int from = 1) => new()
    {
        Answer = (_, path, asked) => path == name && asked >= from && asked <= times ? answer : null,
    };

    private static Broadcast Saying(Func<MediaSegment, MediaSegment> change) => new()
    {
        SayOf = (t, n, s) => n == 106 && Seconds(t) > 20 ? change(s) : s,
    };
}
