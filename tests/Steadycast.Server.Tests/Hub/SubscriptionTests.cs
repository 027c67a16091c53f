using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

public sealed class SubscriptionTests : IAsyncDisposable
{
    private readonly HubBench bench = new();

    [Fact]
    public void A_player_joins_on_the_newest_keyframe_after_metadata_and_sequence_headers()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        publication.Append(Picture(40));
        publication.Append(Keyframe(2000));
        publication.Append(Sound(2010));
        publication.Append(Picture(2040));

        using Subscription player = bench.Subscribe();
        Assert.Equal("M0 H2000 h2000 K2000 A2010 P2040", Read(player));

        publication.Append(Sound(2050));
        Assert.Equal("A2050", Read(player));
        Assert.Equal("", Read(player));
    }

    [Fact]
    public void A_player_that_came_first_gets_everything()
    {
        using Subscription player = bench.Subscribe();
        Assert.Equal("", Read(player));
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Sound(0));
        publication.Append(Keyframe(10));

        Assert.Equal("M0 H0 h0 A0 K10", Read(player));
    }

    [Fact]
    public void A_player_that_comes_before_the_first_keyframe_begins_with_it()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Sound(0));
        using Subscription player = bench.Subscribe();
        Assert.Equal("", Read(player));

        publication.Append(Keyframe(10));
        Assert.Equal("M0 H10 h10 K10", Read(player));
    }

    [Fact]
    public void Audio_alone_is_joined_at_its_newest_message()
    {
        Publication publication = bench.Publish();
        publication.Append(Audio(AudioHeader, 0));
        publication.Append(Sound(0));
        publication.Append(Sound(23));

        using Subscription player = bench.Subscribe();
        Assert.Equal("h23 A23", Read(player));
        publication.Append(Sound(46));
        Assert.Equal("A46", Read(player));
    }

    [Fact]
    public void Audio_that_goes_on_without_its_video_can_be_joined()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        bench.Time.Advance(TimeSpan.FromSeconds(11));
        publication.Append(Sound(11_000));

        using Subscription player = bench.Subscribe();
        Assert.Equal("M0 H11000 h11000 A11000", Read(player));
    }

    [Fact]
    public void Pictures_before_the_first_keyframe_are_dropped_and_counted()
    {
        using Subscription player = bench.Subscribe();
        Publication publication = bench.Publish();
        publication.Append(Picture(0));
        publication.Append(Sound(5));
        publication.Append(Keyframe(40));

        Assert.Equal("A5 K40", Read(player));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_dropped_messages_total", "reason=before_keyframe"));
    }

    [Fact]
    public void A_sequence_header_that_changed_after_the_keyframe_is_not_given_before_it()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        byte[] other = [.. VideoHeader, 99];
        publication.Append(Video(other, 40));
        publication.Append(Picture(40));

        using Subscription player = bench.Subscribe();
        List<ParsedMessage> messages = Bytes(player);

        Assert.Equal("M0 H0 h0 K0 H40 P40", string.Join(' ', messages));
        Assert.Equal(VideoHeader, messages[1].Payload);
        Assert.Equal(other, messages[4].Payload);
    }

    [Fact]
    public void Repeated_headers_are_recognised_by_their_bytes()
    {
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        publication.Append(Video([.. VideoHeader], 40));
        publication.Append(Video([.. VideoHeader, 1], 80));

        LogMessage[] headers = [.. Messages(feed).Where(m => m.IsSequenceHeader && m.Type == Keyframe(0).Type)];

        Assert.Equal([false, true, false], headers.Select(h => h.Flags.HasFlag(LogMessageFlags.Repeated)));
    }

    [Fact]
    public void Messages_come_with_payload_time_and_kind()
    {
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        Publication publication = bench.Publish();
        AppendHeaders(publication, at: 7);
        publication.Append(Keyframe(7, size: 1000));
        publication.Append(Sound(20));

        List<LogMessage> messages = Messages(feed);

        Assert.True(messages[0].IsMetadata);
        Assert.True(messages[1].IsSequenceHeader);
        Assert.True(messages[3].IsKeyframe);
        Assert.Equal(Keyframe(7, size: 1000).Payload, messages[3].Payload);
        Assert.Equal([7, 7, 7, 7, 20], messages.Select(m => m.TimeMs));
        Assert.All(messages, m => Assert.Equal(1, m.PublicationNumber));
    }

    [Fact]
    public void A_late_feed_gets_the_headers_marked_as_replayed()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(500));
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);

        List<LogMessage> messages = Messages(feed);

        Assert.Equal([true, true, true, false], messages.Select(m => m.Flags.HasFlag(LogMessageFlags.Replayed)));
        Assert.Equal(VideoHeader, messages[1].Payload);
        Assert.True(messages[3].IsKeyframe);
    }

    [Theory]
    [InlineData(65_535, 0u)]
    [InlineData(65_536, 0u)]
    [InlineData(65_537, 0u)]
    [InlineData(131_060, 0u)]
    [InlineData(131_072, 0u)]
    [InlineData(200_000, 0u)]
    [InlineData(200_000, 0x01000000u)]
    [InlineData(3_000_000, 0xFFFFFFFFu)]
    [InlineData(16_777_215, 5u)]
    public void Large_messages_come_whole_both_ways(int size, uint at)
    {
        using Subscription player = bench.Subscribe();
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        Publication publication = bench.Publish();
        byte[] payload = Keyframe(at, size).Payload.ToArray();
        new Random(size).NextBytes(payload.AsSpan(5));
        publication.Append(Video(payload, at));
        publication.Append(Sound(at));

        ParsedMessage read = Bytes(player)[0];
        LogMessage message = Messages(feed)[0];

        Assert.Equal(at, read.Timestamp);
        Assert.True(payload.AsSpan().SequenceEqual(read.Payload));
        Assert.True(payload.AsSpan().SequenceEqual(message.Payload.Span));
    }

    [Fact]
    public void Bytes_may_be_taken_in_any_pieces()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0, 70_000));
        for (uint i = 1; i < 50; i++)
            publication.Append(Picture(i * 40, 9_000));
        using Subscription player = bench.Subscribe();

        var parser = new ChunkParser();
        var random = new Random(1);
        while (player.Pending() is { IsEmpty: false } pending)
        {
            int count = random.Next(0, Math.Min(pending.Length, 30_000) + 1);
            parser.Feed(pending.Span[..count]);
            player.Advance(count);
        }

        parser.AssertComplete();
        Assert.Equal(53, parser.Messages.Count);
    }

    [Fact]
    public async Task Waiting_ends_when_something_is_written()
    {
        using Subscription player = bench.Subscribe();
        ValueTask<bool> waiting = player.WaitAsync();
        Assert.False(waiting.IsCompleted);

        bench.Publish().Append(Keyframe(0));

        Assert.True(await waiting);
        Assert.Equal("K0", Read(player));
    }

    [Fact]
    public async Task Audio_that_no_picture_follows_leaves_after_a_moment()
    {
        Publication publication = bench.Publish();
        publication.Append(Keyframe(0));
        using Subscription player = bench.Subscribe();
        Assert.Equal("K0", Read(player));
        ValueTask<bool> waiting = player.WaitAsync();
        publication.Append(Sound(10));

        // A wake that was on its way before the wait may end it; nothing later does, until the moment has passed.
        if (!waiting.IsCompleted)
            bench.Time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.True(await waiting);
        Assert.Equal("A10", Read(player));
    }

    [Fact]
    public async Task Waiting_ends_with_false_when_closed_and_throws_when_cancelled()
    {
        using Subscription player = bench.Subscribe();
        using var cancelling = new CancellationTokenSource();
        ValueTask<bool> waiting = player.WaitAsync(cancelling.Token);
        await cancelling.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await waiting);

        waiting = player.WaitAsync();
        player.Close();

        Assert.False(await waiting);
        Assert.False(await player.WaitAsync());
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();
}
