using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Hub;

/// <summary>Who is on air, as a table: what the one on air and the one that waits have done, and what follows.</summary>
public sealed class PublisherArbiterTests
{
    private readonly ManualTime time = new();

    private static StandbyOptions Options { get; } = new() { TakeoverSeconds = 2, ReturnSeconds = 30 };

    [Theory]
    // What the one on air sends in the last seconds: pictures (P), pictures with one and the same time (p), sounds (S).
    [InlineData("well", "P P P P P", null)]
    [InlineData("a hiccup", "P P P - P", null)]
    [InlineData("nothing for 1 s", "P P P P -", null)]
    [InlineData("nothing for 2 s", "P P P - -", SwitchReason.Silent)]
    [InlineData("nothing ever", "- - - - -", SwitchReason.Silent)]
    [InlineData("sound goes on, pictures do not", "P P P S S", SwitchReason.Frozen)]
    [InlineData("pictures go on, their time does not", "P P P p p", SwitchReason.Frozen)]
    [InlineData("sound only, from the start", "S S S S S", null)]
    [InlineData("time goes back to another start", "P P P p 0", null)]
    public void A_healthy_standby_takes_over(string what, string onAir, SwitchReason? expected)
    {
        PublisherVitals main = New(), standby = New();
        uint at = 100_000;
        foreach (string second in onAir.Split(' '))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            at += 1000;
            Take(standby, RtmpMessageType.Video, at);
            if (second is "P" or "S" or "0")
                Take(main, second == "S" ? RtmpMessageType.Audio : RtmpMessageType.Video, second == "0" ? 0 : at);
            if (second == "p")
                Take(main, RtmpMessageType.Video, 103_000);
        }

        var arbiter = new PublisherArbiter(Options, time);
        SwitchReason? reason = Judge(arbiter, main, standby, PublisherRole.Standby);

        Assert.True(expected == reason, $"{what}: {reason}");
    }

    [Theory]
    [InlineData(false, 0, null)] // It has no keyframe yet.
    [InlineData(true, 0, SwitchReason.Silent)]
    [InlineData(true, 2, null)] // It sends no more itself.
    public void Who_cannot_take_over_does_not(bool canBegin, int stillSeconds, SwitchReason? expected)
    {
        PublisherVitals main = New(), standby = New();
        time.Advance(TimeSpan.FromSeconds(3));
        Take(standby, RtmpMessageType.Video, 0);
        time.Advance(TimeSpan.FromSeconds(stillSeconds));

        Assert.Equal(
            expected, Judge(new PublisherArbiter(Options, time), main, standby, PublisherRole.Standby, canBegin));
    }

    [Theory]
    [InlineData(StandbyReturn.WhenHealthy, PublisherRole.Main, 31, true, SwitchReason.Returned)]
    [InlineData(StandbyReturn.WhenHealthy, PublisherRole.Main, 31, false, null)] // Only at a keyframe.
    [InlineData(StandbyReturn.WhenHealthy, PublisherRole.Main, 29, true, null)]
    [InlineData(StandbyReturn.Never, PublisherRole.Main, 3600, true, null)]
    [InlineData(StandbyReturn.WhenHealthy, PublisherRole.Standby, 3600, true, null)]
    public void The_main_publisher_returns(
        StandbyReturn policy, PublisherRole waiting, int steadySeconds, bool atKeyframe, SwitchReason? expected)
    {
        PublisherVitals onAir = New(), other = New();
        for (int i = 0; i <= steadySeconds; i++)
        {
            Take(onAir, RtmpMessageType.Video, (uint)i * 1000);
            Take(other, RtmpMessageType.Video, (uint)i * 1000);
            if (i < steadySeconds)
                time.Advance(TimeSpan.FromSeconds(1));
        }

        var arbiter = new PublisherArbiter(Options with { Return = policy }, time);

        Assert.Equal(expected, Judge(arbiter, onAir, other, waiting, atKeyframe: atKeyframe));
    }

    [Fact]
    public void A_gap_begins_the_steady_time_anew()
    {
        PublisherVitals main = New();
        foreach (int pause in new[] { 1, 1, 1, 2, 1 })
        {
            time.Advance(TimeSpan.FromSeconds(pause));
            Take(main, RtmpMessageType.Video, (uint)time.GetTimestamp());
        }

        Assert.Equal(TimeSpan.FromSeconds(1), main.SteadyFor(time.GetTimestamp()));
    }

    [Fact]
    public void A_main_publisher_that_flaps_waits_longer_each_time_and_not_for_ever()
    {
        var arbiter = new PublisherArbiter(Options, time);
        var holds = new List<double>();
        for (int i = 0; i < 7; i++)
        {
            arbiter.Switched(PublisherRole.Standby, SwitchReason.Silent, time.GetTimestamp());
            holds.Add(arbiter.Hold.TotalSeconds);
            time.Advance(TimeSpan.FromSeconds(40));
            arbiter.Switched(PublisherRole.Main, SwitchReason.Returned, time.GetTimestamp());
            time.Advance(TimeSpan.FromSeconds(40));
        }

        Assert.Equal([30, 60, 120, 240, 480, 600, 600], holds);
        time.Advance(TimeSpan.FromMinutes(10));
        arbiter.Switched(PublisherRole.Standby, SwitchReason.Left, time.GetTimestamp());
        Assert.Equal(30, arbiter.Hold.TotalSeconds);
    }

    private SwitchReason? Judge(
        PublisherArbiter arbiter,
        PublisherVitals onAir,
        PublisherVitals waiting,
        PublisherRole role,
        bool canBegin = true,
        bool atKeyframe = true) =>
        arbiter.Judge(onAir, waiting, role, canBegin, atKeyframe, time.GetTimestamp());

    private PublisherVitals New() => new(time, time.GetTimestamp());

    private void Take(PublisherVitals vitals, RtmpMessageType type, uint timestamp) =>
        vitals.Took(type, isCoded: true, timestamp, time.GetTimestamp(), Options.TakeoverAfter);
}
