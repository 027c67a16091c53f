using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>What a follower takes over of its leader's feed, and with which numbers it would go on.</summary>
public sealed class MirrorTests
{
    [Fact]
    public void The_numbers_of_the_last_whole_segment_are_gone_on_with()
    {
        var mirror = new Mirror(null, 0, -1);
        Take(mirror, msn: 10, epoch: 7, time: 0);
        Take(mirror, msn: 11, epoch: 7, time: 180_090);

        StreamNumbers numbers = mirror.Numbers!;
        Assert.Equal((12, 7u, 3, true), (numbers.NextMsn, numbers.EpochId, numbers.DiscontinuitySequence,
            numbers.HasSegments));
        Assert.Equal(360_180, numbers.EndTime);
        Assert.Equal(2, numbers.TargetDurationSeconds);
        Assert.Equal(Records.Epoch.AnchorUtcMs, numbers.AnchorUtcMs);
    }

    [Fact]
    public void A_segment_that_has_only_begun_uses_up_its_epoch_and_nothing_else()
    {
        var mirror = new Mirror(null, 0, -1);
        Take(mirror, msn: 10, epoch: 7, time: 0);
        Assert.True(mirror.Takes(new FeedRecord(Records.Begin(11, 180_090, 8))));
        Assert.True(mirror.Takes(new FeedRecord(Records.Video(200_000))));

        Assert.Equal((11, 8u, 180_090L), (mirror.Numbers!.NextMsn, mirror.Numbers.EpochId, mirror.Numbers.EndTime));
    }

    [Fact]
    public void Sound_that_reaches_beyond_a_segment_is_not_overtaken()
    {
        var mirror = new Mirror(null, 0, -1);
        Assert.True(mirror.Takes(new FeedRecord(Records.Begin(10, 0))));
        Assert.True(mirror.Takes(new FeedRecord(Records.Audio(190_000))));
        Assert.True(mirror.Takes(new FeedRecord(Records.End(10))));

        Assert.Equal(190_001, mirror.Numbers!.EndTime);
    }

    [Theory]
    [InlineData(10, 7, false)] // Our ring has it.
    [InlineData(11, 7, true)]
    [InlineData(11, 6, false)] // Of an epoch that is over.
    [InlineData(10, 8, true)] // We ended it otherwise, in an epoch that lost.
    [InlineData(9, 8, true)]
    public void Only_what_is_new_is_taken(long msn, uint epoch, bool taken)
    {
        var mirror = new Mirror(null, epoch: 7, edge: 10);

        Assert.Equal(taken, mirror.Takes(new FeedRecord(Records.Begin(msn, 0, epoch))));
        Assert.Equal(taken, mirror.Takes(new FeedRecord(Records.Video())));
        Assert.Equal(taken, mirror.Takes(new FeedRecord(Records.End(msn))));
    }

    [Fact]
    public void While_an_old_ring_is_read_again_our_own_numbers_stay()
    {
        var known = new StreamNumbers(50, 7, 3, Records.Epoch.AnchorUtcMs, 2, 9_000_000, true, true);
        var mirror = new Mirror(known, 0, -1);
        Take(mirror, msn: 40, epoch: 6, time: 0);
        Assert.Same(known, mirror.Numbers);
        Take(mirror, msn: 49, epoch: 7, time: 180_090);
        Assert.Equal(50, mirror.Numbers!.NextMsn);
        Take(mirror, msn: 50, epoch: 7, time: 360_180);
        Assert.Equal(51, mirror.Numbers.NextMsn);
    }

    private static void Take(Mirror mirror, long msn, uint epoch, long time)
    {
        Assert.True(mirror.Takes(new FeedRecord(Records.Begin(msn, time, epoch))));
        Assert.True(mirror.Takes(new FeedRecord(Records.Video(time))));
        Assert.True(mirror.Takes(new FeedRecord(Records.End(msn))));
    }
}
