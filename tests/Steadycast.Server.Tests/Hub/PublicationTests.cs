using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

public sealed class PublicationTests : IAsyncDisposable
{
    private readonly HubBench bench = new();

    [Fact]
    public void A_publisher_that_sends_keeps_its_stream()
    {
        Publication first = bench.Publish();
        bench.Time.Advance(TimeSpan.FromSeconds(4.9));

        PublishOutcome outcome = bench.Hub.Publish(Show, new PublisherInfo("second"), out Publication? second);

        Assert.Equal(PublishOutcome.Busy, outcome);
        Assert.Null(second);
        Assert.False(first.Ended.IsCancellationRequested);
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_publishes_total", "outcome=busy"));
    }

    [Fact]
    public void A_silent_publisher_loses_it()
    {
        Publication first = bench.Publish(connection: "first");
        first.Append(Keyframe(0));
        bench.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(5), first.SilentFor);

        Publication second = bench.Publish(connection: "second");

        Assert.True(first.Ended.IsCancellationRequested);
        Assert.Equal("taken over by connection second", first.EndReason);
        Assert.False(first.Append(Keyframe(40)));
        Assert.True(second.Append(Keyframe(0)));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_takeovers_total"));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_publishers"));
        first.Dispose();
        Assert.Same(second, bench.Hub.Find(Show)!.Publication);
    }

    [Theory]
    [InlineData(PublishConflict.Refuse, PublishOutcome.Busy)]
    [InlineData(PublishConflict.Takeover, PublishOutcome.Accepted)]
    public async Task Other_policies_do_not_ask_for_silence(PublishConflict policy, PublishOutcome expected)
    {
        await using var other = new HubBench(new HubOptions { PublishConflict = policy });
        other.Publish();
        if (policy == PublishConflict.Refuse)
            other.Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(expected, other.Hub.Publish(Show, new PublisherInfo("second"), out _));
    }

    [Theory]
    [InlineData(PublishConflict.Refuse)]
    [InlineData(PublishConflict.Takeover)]
    [InlineData(PublishConflict.TakeoverWhenSilent)]
    public async Task A_publisher_that_yields_takes_from_nobody_and_leaves_to_anybody(PublishConflict policy)
    {
        await using var other = new HubBench(new HubOptions { PublishConflict = policy });
        Assert.Equal(PublishOutcome.Accepted, other.Hub.Publish(Show, Filler("picture"), out Publication? picture));
        Assert.Equal(PublishOutcome.Busy, other.Hub.Publish(Show, Filler("picture 2"), out _));

        Assert.Equal(PublishOutcome.Accepted, other.Hub.Publish(Show, new PublisherInfo("obs"), out Publication? obs));

        Assert.True(picture!.Ended.IsCancellationRequested);
        other.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(PublishOutcome.Busy, other.Hub.Publish(Show, Filler("picture"), out _));
        obs!.Dispose();
        Assert.Equal(PublishOutcome.Accepted, other.Hub.Publish(Show, Filler("picture"), out _));

        static PublisherInfo Filler(string id) => new(id, Yields: true);
    }

    [Fact]
    public void Players_stay_and_go_on_when_the_publisher_returns_and_starts_at_zero()
    {
        Publication first = bench.Publish();
        AppendHeaders(first);
        first.Append(Keyframe(10_000));
        using Subscription player = bench.Subscribe();
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        first.Append(Picture(10_040));
        Assert.Equal("M0 H10000 h10000 K10000 P10040", Read(player));
        first.Dispose();
        Assert.Equal("", Read(player));

        Publication second = bench.Publish();
        AppendHeaders(second);
        second.Append(Sound(10));
        second.Append(Picture(0));
        second.Append(Keyframe(20));
        second.Append(Picture(60));

        Assert.Equal("M10040 H10040 h10040 A10080 K10090 P10130", Read(player));
        List<LogMessage> messages = Messages(feed);
        Assert.Equal([1, 2], messages.Select(m => m.PublicationNumber).Distinct());
        Assert.Equal([10u, 20u, 60u], messages[^3..].Select(m => m.WireTimestamp));
        Assert.Equal([10_080, 10_090, 10_130], messages[^3..].Select(m => m.TimeMs));
    }

    [Fact]
    public void Nobody_joins_the_pictures_of_a_publisher_that_has_left()
    {
        Publication first = bench.Publish();
        AppendHeaders(first);
        first.Append(Keyframe(0));
        first.Dispose();

        using Subscription player = bench.Subscribe();
        Assert.Equal("", Read(player));
        bench.Publish().Append(Keyframe(0));
        Assert.Equal("K40", Read(player));
    }

    [Fact]
    public void A_stream_is_told_of_once_and_before_its_first_message()
    {
        var feeds = new List<Subscription>();
        bench.Hub.Observe(s => feeds.Add(bench.Subscribe(SubscriptionKind.Feed, s.Name)));
        Publication first = bench.Publish();
        first.Append(Sound(0));
        first.Dispose();
        bench.Publish().Append(Sound(0));

        Subscription feed = Assert.Single(feeds);
        Assert.Equal([1, 2], Messages(feed).Select(m => m.PublicationNumber));
        var late = new List<LiveStream>();
        bench.Hub.Observe(late.Add);
        Assert.Single(late);
        feed.Dispose();
    }

    [Fact]
    public async Task A_stream_that_nobody_uses_vanishes_after_the_grace()
    {
        var gone = new List<StreamName>();
        bench.Hub.Observe(_ => { }, s => gone.Add(s.Name));
        Publication publication = bench.Publish();
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        Subscription player = bench.Subscribe();
        ValueTask<bool> waiting = feed.WaitAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        publication.Dispose();
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        player.Dispose();
        bench.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.NotNull(bench.Hub.Find(Show));

        bench.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.Null(bench.Hub.Find(Show));
        Assert.Equal([Show], gone);
        Assert.False(await waiting);
        Assert.Equal(0, bench.Meters.Sum("steadycast_hub_streams"));
    }

    [Fact]
    public async Task Streams_are_bounded_in_number()
    {
        await using var small = new HubBench(new HubOptions { MaxStreams = 2 });
        small.Publish(Name("a"));
        using Subscription player = small.Subscribe(name: Name("b"));

        Assert.Equal(PublishOutcome.Full, small.Hub.Publish(Name("c"), new PublisherInfo("x"), out _));
        Assert.False(small.Hub.TrySubscribe(Name("c"), new SubscriptionOptions(SubscriptionKind.Player), out _));
        Assert.Equal(PublishOutcome.Accepted, small.Hub.Publish(Name("b"), new PublisherInfo("y"), out _));
    }

    [Fact]
    public async Task Stopping_ends_publishers_and_players()
    {
        Publication publication = bench.Publish();
        using Subscription player = bench.Subscribe();
        ValueTask<bool> waiting = player.WaitAsync();

        await bench.Hub.DisposeAsync();

        Assert.True(publication.Ended.IsCancellationRequested);
        Assert.Equal("the server is stopping", publication.EndReason);
        Assert.False(await waiting);
    }

    [Fact]
    public async Task Players_are_woken_once_per_merge_window_and_feeds_at_once()
    {
        await using var merging = new HubBench(new HubOptions { MergeWindow = TimeSpan.FromMilliseconds(350) });
        Publication publication = merging.Publish();
        publication.Append(Keyframe(0));
        using Subscription player = merging.Subscribe();
        using Subscription feed = merging.Subscribe(SubscriptionKind.Feed);
        ValueTask<bool> joining = player.WaitAsync();
        Assert.True(joining.IsCompleted && await joining);
        Assert.Equal("K0", Read(player));
        Messages(feed);
        merging.Time.Advance(TimeSpan.FromMilliseconds(350));
        ValueTask<bool> playerWaits = player.WaitAsync();
        int wakes = 0;
        for (uint i = 1; i <= 50; i++)
        {
            publication.Append(Picture(i * 40));
            Assert.True(await feed.WaitAsync());
            Messages(feed);
            if (!playerWaits.IsCompleted)
                continue;
            await playerWaits;
            wakes++;
            playerWaits = player.WaitAsync();
        }

        // The work item of the tick before may have come late, once.
        Assert.InRange(wakes, 0, 1);
        merging.Time.Advance(TimeSpan.FromMilliseconds(350));
        Assert.True(await playerWaits);
        Assert.Equal(50, Bytes(player).Count);
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();
}
