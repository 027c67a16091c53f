using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Segments;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

public sealed class SegmentWindowTests
{
    [Fact]
    public void The_window_is_the_newest_segments_that_fit()
    {
        var index = Index(count: 30);
        Assert.Equal((BaseMsn + 20, BaseMsn + 29), (index.First, index.Edge));
    }

    [Fact]
    public void Six_segments_stay_however_long_they_are()
    {
        StreamIndex? index = null;
        for (var i = 0; i < 10; i++)
            index = Append(index, Record(BaseMsn + i, i * 900_000, 900_000), target: 10);
        Assert.Equal(6, index!.Segments.Length);
    }

    [Fact]
    public void Three_target_durations_stay_however_short_the_segments_are()
    {
        // 12 s of target durations are more than the window of 20 s leaves when the target is 10.
        StreamIndex? index = null;
        for (var i = 0; i < 100; i++)
            index = Append(index, Record(BaseMsn + i, i * 90_000, 90_000), target: 10);
        Assert.Equal(30, index!.Segments.Length);
    }

    [Fact]
    public void A_missing_number_starts_a_new_window()
    {
        var before = Index(count: 8);
        var index = Append(before, Record(before.Edge + 5, 9_000_000, discontinuity: true, discontinuitySequence: 1));
        Assert.Equal((before.Edge + 5, before.Edge + 5), (index.First, index.Edge));
    }

    [Fact]
    public void Another_target_duration_or_a_leap_of_discontinuities_starts_a_new_window()
    {
        var before = Index(count: 8);
        var record = Record(before.Edge + 1, 8 * 180_000);
        Assert.Single(Append(before, record, target: 4).Segments);
        Assert.Single(Append(before, record with { DiscontinuitySequence = 2 }).Segments);
        record = record with { DiscontinuitySequence = 1, Discontinuity = true };
        Assert.Equal(9, Append(before, record).Segments.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_number_that_is_not_new_is_refused(int step)
    {
        var before = Index(count: 8);
        Assert.Throws<ArgumentException>(() => Append(before, Record(before.Edge + step, 0)));
    }

    [Fact]
    public void Maps_are_kept_as_long_as_a_segment_names_them()
    {
        var index = Index(count: 4);
        for (var i = 4; i < 30; i++)
        {
            index = Append(index, Record(
                BaseMsn + i, i * 180_000, discontinuity: i == 4, discontinuitySequence: 1, map: "init-ffffffff.mp4"));
            var isNamed = index.Segments.Any(s => s.MapUri == Map.Uri);
            Assert.Equal(isNamed ? 2 : 1, index.Maps.Length);
        }

        Assert.Equal("init-ffffffff.mp4", Assert.Single(index.Maps).Uri);
    }

    [Fact]
    public void A_map_that_nobody_described_is_refused() => Assert.Throws<ArgumentException>(() => SegmentWindow.Append(
        null, "live/show", 2, Record(1, 0), maps: [], Variant, true, Window));

    [Fact]
    public void A_known_map_needs_no_description()
    {
        var before = Index(count: 2);
        var index = SegmentWindow.Append(
            before, "live/show", 2, Record(before.Edge + 1, 360_000), maps: [], Variant, true, Window);
        Assert.Equal(Map, Assert.Single(index.Maps));
    }

    [Fact]
    public void One_dependent_segment_ends_the_promise_of_independent_ones()
    {
        var index = Index(count: 2);
        index = Append(index, Record(BaseMsn + 2, 360_000, independent: false));
        index = Append(index, Record(BaseMsn + 3, 540_000));
        Assert.False(index.IndependentSegments);
    }

    [Fact]
    public void Bandwidth_is_the_peak_and_the_average_of_the_window()
    {
        StreamIndex? index = null;
        int[] sizes = [1000, 5000, 1000, 2000];
        for (var i = 0; i < sizes.Length; i++)
            index = Append(index, Record(BaseMsn + i, i * 180_000, bytes: sizes[i]));
        Assert.Equal((20_000, 9_000), (index!.Variant.Bandwidth, index.Variant.AverageBandwidth));
        Assert.Equal(("avc1.64001f,mp4a.40.2", 1280), (index.Variant.Codecs, index.Variant.Width));
    }

    [Fact]
    public void A_short_tail_alone_is_no_peak()
    {
        var index = Append(null, Record(BaseMsn, 0, bytes: 1000));
        index = Append(index, Record(BaseMsn + 1, 180_000, duration: 9_000, bytes: 1000)); // 80 kbit/s over 0.1 s
        Assert.Equal(7_620, index.Variant.Bandwidth); // both together, 2.1 s
        index = Append(index, Record(BaseMsn + 2, 189_000) with { Gap = true, Bytes = 0 });
        Assert.Equal((7_620, 7_620), (index.Variant.Bandwidth, index.Variant.AverageBandwidth));
    }

    /// <summary>What makes two packagers agree: the window forgets when it was started.</summary>
    [Fact]
    public void Windows_started_at_different_times_agree_once_both_are_full() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(),
        seed =>
        {
            var random = new Random(seed);
            var target = random.Next(1, 8);
            StreamIndex? early = null, late = null;
            var lateStart = random.Next(1, 60);
            long time = 0, discontinuities = 0, first = 0;
            for (var i = 0; i < 100; i++)
            {
                var duration = random.NextInt64(9_000, target * 90_000 + 44_000);
                var discontinuity = random.Next(10) == 0;
                discontinuities += discontinuity ? 1 : 0;
                var record = Record(BaseMsn + i, time, duration, discontinuity, discontinuities, random.Next(1, 9999));
                time += duration;
                early = Append(early, record, target: target);
                Assert.True(early.First >= first);
                first = early.First;
                if (i < lateStart)
                    continue;
                late = Append(late, record, target: target);
                if (late.First > BaseMsn + lateStart && i % 10 == 0)
                    Assert.Equal(PlaylistBuilder.Media(early), PlaylistBuilder.Media(late));
            }
        }).QuickCheckThrowOnFailure();
}
