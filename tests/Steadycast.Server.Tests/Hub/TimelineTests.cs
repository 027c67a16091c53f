using Steadycast.Streaming.Hub;

namespace Steadycast.Server.Tests.Hub;

public sealed class TimelineTests
{
    private readonly Timeline timeline = new();

    [Fact]
    public void The_first_publisher_keeps_its_own_times()
    {
        Assert.Equal(3_600_000, timeline.OfMedia(3_600_000));
        Assert.Equal(3_600_040, timeline.OfMedia(3_600_040));
    }

    [Fact]
    public void Time_goes_on_past_32_bits()
    {
        long expected = 0;
        uint timestamp = 0;
        for (int i = 0; i < 10_000; i++)
        {
            Assert.Equal(expected, timeline.OfMedia(timestamp));
            expected += 1_000_003;
            timestamp += 1_000_003;
        }

        Assert.True(expected > 2L * uint.MaxValue);
    }

    [Fact]
    public void A_small_step_back_over_the_wrap_is_a_small_step_back()
    {
        timeline.OfMedia(uint.MaxValue - 10);
        Assert.Equal(uint.MaxValue + 10L, timeline.OfMedia(9));
        Assert.Equal(uint.MaxValue - 5L, timeline.OfMedia(uint.MaxValue - 5));
        Assert.Equal(uint.MaxValue + 21L, timeline.OfMedia(20));
    }

    [Fact]
    public void Another_publisher_goes_on_after_the_newest_media_of_the_one_before()
    {
        timeline.OfMedia(5_000);
        timeline.OfMedia(4_980);
        timeline.Begin();

        Assert.Equal(5_000, timeline.OfOther(0));
        Assert.Equal(5_040, timeline.OfMedia(23));
        Assert.Equal(5_017, timeline.OfMedia(0));
        Assert.Equal(5_057, timeline.OfMedia(40));
    }

    [Fact]
    public void A_header_stamped_zero_in_mid_stream_stays_near_the_media()
    {
        timeline.OfMedia(3_600_000);

        Assert.Equal(3_600_000, timeline.OfOther(0));
        Assert.Equal(3_600_020, timeline.OfOther(3_600_020));
        Assert.Equal(3_600_040, timeline.OfMedia(3_600_040));
    }

    [Fact]
    public void After_a_jump_back_the_next_publisher_goes_on_from_there()
    {
        timeline.OfMedia(3_600_000);
        timeline.OfMedia(1_000);
        timeline.Begin();

        Assert.Equal(1_040, timeline.OfMedia(0));
    }
}
