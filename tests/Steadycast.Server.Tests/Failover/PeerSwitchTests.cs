using System.Collections.Immutable;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>What two switches publish of one stream is one playlist, whatever each of them sees of the origins.</summary>
public sealed class PeerSwitchTests
{
    private static readonly SyntheticStream Stream = new("live", targetSeconds: 2, segmentBytes: 64);

    private TimeSpan now;

    [Fact]
    public void A_gap_that_another_switch_has_shown_is_a_gap_here_though_an_origin_has_the_segment()
    {
        MergedTimeline timeline = Started(out StreamIndex before);
        StreamIndex theirs = Index(before.First, before.Edge + 2);
        SegmentRecord lost = theirs.Segments[^2] with { Gap = true, Bytes = 0, Sha256 = "" };
        theirs = theirs with { Segments = theirs.Segments.SetItem(theirs.Segments.Length - 2, lost) };

        Observe(timeline, timeline.Peers[0], theirs);
        Observe(timeline, timeline.Views[0], Index(before.First, before.Edge + 2));

        Assert.Equal(before.Edge + 2, timeline.Published!.Edge);
        Assert.True(timeline.Published.Segments[^2].Gap);
    }

    [Fact]
    public void What_a_peer_has_shown_is_fetched_from_it_when_no_origin_answers_us()
    {
        MergedTimeline timeline = Started(out StreamIndex before);
        timeline.Views[0].Fail(OriginFault.Timeout, "timeout", now);
        timeline.Views[0].Fail(OriginFault.Timeout, "timeout", now);

        timeline.Observe(timeline.Peers[0], Index(before.First, before.Edge + 1), now);
        FetchOrder order = Assert.Single(timeline.TakeOrders(now));

        Assert.Equal((before.Edge + 1, timeline.Peers[0].Rank), (order.Record.Msn, Assert.Single(order.Origins)));
    }

    [Fact]
    public void A_first_window_reaches_no_further_back_than_what_viewers_were_shown_elsewhere()
    {
        MergedTimeline timeline = New();
        timeline.Observe(timeline.Views[0], Index(1_000, 1_010), now);
        Assert.Null(timeline.Advance(now));
        Assert.Empty(timeline.TakeOrders(now));

        Observe(timeline, timeline.Peers[0], Index(1_004, 1_010));

        Assert.Equal((1_004L, 1_010L), (timeline.Published!.First, timeline.Published.Edge));
    }

    [Fact]
    public void A_peer_that_does_not_answer_delays_the_first_window_by_a_second_at_most()
    {
        MergedTimeline timeline = New();
        Observe(timeline, timeline.Views[0], Index(1_000, 1_010));
        Assert.Null(timeline.Published);

        now += TimeSpan.FromSeconds(1);
        Settle(timeline);

        Assert.Equal(1_000, timeline.Published!.First);
    }

    [Fact]
    public void A_peer_that_is_ahead_makes_no_origin_late()
    {
        MergedTimeline timeline = Started(out StreamIndex before);

        Observe(timeline, timeline.Peers[0], Index(before.First, before.Edge + 1));
        now += TimeSpan.FromSeconds(10);
        timeline.Judge(now);

        Assert.Equal(Freshness.Fresh, timeline.Views[0].Freshness);
        Assert.Equal(timeline.Views[0], timeline.Active.Current);
    }

    /// <summary>Two switches over two origins; what is seen, lost and delayed is drawn at random.</summary>
    [Fact]
    public void Two_switches_never_show_two_lines_under_one_number()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            now = TimeSpan.Zero;
            MergedTimeline[] pair = [New(2), New(2)];
            var lines = new Dictionary<long, string>();
            long edge = 1_008;
            for (int step = 0; step < 120; step++)
            {
                now += TimeSpan.FromSeconds(0.25);
                edge += step % 8 == 0 ? 1 : 0;
                foreach (MergedTimeline timeline in pair)
                {
                    if (random.Next(3) > 0)
                        timeline.Observe(timeline.Views[random.Next(2)], Seen(random, edge), now);
                    // A switch hears of what the other one has shown before it decides: they poll each other.
                    MergedTimeline other = pair[1 - Array.IndexOf(pair, timeline)];
                    if (other.Published is { } shown)
                        timeline.Observe(timeline.Peers[0], shown, now);
                    Settle(timeline, order => random.Next(4) > 0);
                    Remember(timeline, lines, seed);
                }
            }
        }

        static void Remember(MergedTimeline timeline, Dictionary<long, string> lines, int seed)
        {
            foreach (SegmentRecord record in timeline.Published?.Segments ?? [])
            {
                string line = $"{record.Uri} {record.Duration} {record.Gap} {record.Sha256} {record.Discontinuity} "
                    + $"{record.DiscontinuitySequence}";
                Assert.True(lines.GetValueOrDefault(record.Msn, line) == line, $"seed {seed}: {record.Msn} changed");
                lines[record.Msn] = line;
            }
        }
    }

    /// <summary>A window that may have lost a segment, or be late.</summary>
    private static StreamIndex Seen(Random random, long edge)
    {
        StreamIndex index = Index(edge - 8, edge - random.Next(2));
        int place = random.Next(index.Segments.Length);
        SegmentRecord lost = index.Segments[place] with { Gap = true, Bytes = 0, Sha256 = "" };
        return random.Next(6) == 0 ? index with { Segments = index.Segments.SetItem(place, lost) } : index;
    }

    private static MergedTimeline New(int origins = 1) =>
        new("live", Enumerable.Range(0, origins).Select(i => $"o{i}"), new SwitchPolicy(), ["other"]);

    private static StreamIndex Index(long first, long edge) => Stream.Index(first, edge);

    private MergedTimeline Started(out StreamIndex published)
    {
        MergedTimeline timeline = New();
        timeline.Observe(timeline.Peers[0], Index(1_000, 1_010), now);
        Observe(timeline, timeline.Views[0], Index(1_000, 1_010));
        published = timeline.Published!;
        Assert.Equal(1_010, published.Edge);
        return timeline;
    }

    private void Observe(MergedTimeline timeline, IndexView view, StreamIndex index)
    {
        timeline.Observe(view, index, now);
        Settle(timeline);
    }

    /// <summary>As the loop of the switch does after each event, until nothing more is asked for.</summary>
    private void Settle(MergedTimeline timeline, Func<FetchOrder, bool>? delivers = null)
    {
        for (int i = 0; i < 1_000; i++)
        {
            timeline.Judge(now);
            timeline.Advance(now);
            List<FetchOrder> orders = timeline.TakeOrders(now);
            if (orders.Count == 0)
                return;
            foreach (FetchOrder order in orders)
            {
                if (delivers?.Invoke(order) ?? true)
                    timeline.Fetched(order.Record);
                else
                    timeline.FetchFailed(order.Record, now);
            }
        }

        Assert.Fail("the same is asked for without end");
    }
}
