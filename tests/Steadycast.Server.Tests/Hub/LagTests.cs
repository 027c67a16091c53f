using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

public sealed class LagTests : IAsyncDisposable
{
    private readonly HubBench bench = new(new HubOptions { MaxLogBytes = 2 << 20, MaxLagBytes = 1 << 20 });

    [Fact]
    public void Too_many_bytes_behind_moves_to_the_newest_keyframe_and_is_counted()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        using Subscription player = bench.Subscribe();
        Assert.Equal("M0 H0 h0 K0", Read(player));

        AppendPictures(publication, from: 40, count: 11, size: 100_000);
        Assert.StartsWith("P40", Read(player)[..3], StringComparison.Ordinal);
        AppendPictures(publication, from: 1000, count: 11, size: 100_000);
        publication.Append(Keyframe(2000));
        publication.Append(Picture(2040));

        Assert.Equal("K2000 P2040", Read(player));
        Assert.Equal(1, player.Skips);
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_skips_total", "reason=bytes", "kind=player"));
        Assert.InRange(bench.Meters.Sum("steadycast_hub_skipped_bytes_total", "reason=bytes"), 1_100_000, 1_110_000);
    }

    [Fact]
    public void Too_long_behind_moves_as_well()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        using Subscription player = bench.Subscribe();
        Read(player);

        AppendPictures(publication, from: 40, count: 10, size: 10_000);
        bench.Time.Advance(TimeSpan.FromSeconds(11));
        publication.Append(Keyframe(11_000));

        Assert.Equal("K11000", Read(player));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_skips_total", "reason=time"));
    }

    [Fact]
    public void Few_bytes_are_never_too_far_behind()
    {
        Publication publication = bench.Publish();
        publication.Append(Keyframe(0));
        using Subscription player = bench.Subscribe();
        Read(player);
        publication.Append(Picture(40));
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        publication.Append(Keyframe(60_000));

        Assert.Equal("P40 K60000", Read(player));
    }

    [Fact]
    public void A_cursor_that_the_log_could_not_wait_for_joins_anew()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        using Subscription player = bench.Subscribe();
        Read(player);

        AppendPictures(publication, from: 40, count: 40, size: 100_000);
        ReadOnlyMemory<byte> held = player.Pending();
        player.Advance(held.Length);
        Assert.True(player.Pending().IsEmpty);
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_not_replayable_total"));

        publication.Append(Keyframe(5000));
        Assert.Equal("K5000", Read(player));
        Assert.Equal(1, bench.Meters.Sum("steadycast_hub_skips_total", "reason=log_full"));
    }

    [Fact]
    public void Headers_that_changed_in_what_was_skipped_are_given_again()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        using Subscription feed = bench.Subscribe(SubscriptionKind.Feed);
        Messages(feed);

        AppendPictures(publication, from: 40, count: 15, size: 100_000);
        byte[] other = [.. VideoHeader, 99];
        publication.Append(Video(other, 1000));
        publication.Append(Keyframe(1000));

        List<LogMessage> messages = Messages(feed);
        Assert.Equal(2, messages.Count);
        Assert.Equal(other, messages[0].Payload);
        Assert.Equal(
            LogMessageFlags.SequenceHeader | LogMessageFlags.Replayed | LogMessageFlags.AfterSkip, messages[0].Flags);
        Assert.Equal(LogMessageFlags.Keyframe, messages[1].Flags);
    }

    [Fact]
    public void A_log_without_keyframe_is_bounded_and_cannot_be_joined()
    {
        Publication publication = bench.Publish();
        publication.Append(Keyframe(0));
        AppendPictures(publication, from: 40, count: 100, size: 100_000);

        using Subscription player = bench.Subscribe();
        Assert.Equal("", Read(player));
        Assert.InRange(bench.Hub.Memory.RentedBytes, 1, 2 << 20);
        publication.Append(Keyframe(9000));
        Assert.Equal("K9000", Read(player));
    }

    [Fact]
    public void Memory_stays_bounded_when_nobody_reads_and_when_messages_are_tiny()
    {
        Publication publication = bench.Publish();
        Subscription[] asleep = [.. Enumerable.Range(0, 20).Select(_ => bench.Subscribe())];
        for (uint i = 0; i < 40_000; i++)
            publication.Append(i % 1000 == 0 ? Keyframe(i, 5) : Picture(i, 5));

        Assert.InRange(bench.Hub.Memory.RentedBytes, 1, 2 << 20);
        foreach (Subscription player in asleep)
            player.Dispose();
    }

    [Fact]
    public async Task All_memory_comes_back()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        for (uint i = 0; i < 100; i++)
            publication.Append(i % 25 == 0 ? Keyframe(i * 40, 50_000) : Picture(i * 40, 10_000));
        using (Subscription player = bench.Subscribe())
            player.Pending();
        publication.Dispose();
        await bench.Hub.DisposeAsync();

        Assert.Equal(0, bench.Hub.Memory.RentedBytes);
        Assert.InRange(bench.Hub.Memory.PooledBytes, 1, 16 << 20);
    }

    [Fact]
    public void Metadata_and_headers_that_are_too_large_are_dropped_and_counted()
    {
        using Subscription player = bench.Subscribe();
        Publication publication = bench.Publish();
        publication.Append(Data([.. Metadata, .. new byte[65_536]], 0));
        publication.Append(Video([.. VideoHeader, .. new byte[65_536]], 0));
        publication.Append(Keyframe(0));

        Assert.Equal("K0", Read(player));
        Assert.Equal(2, bench.Meters.Sum("steadycast_hub_dropped_messages_total", "reason=header_too_large"));
    }

    [Fact]
    public void Only_so_many_tracks_have_their_headers_kept()
    {
        Publication publication = bench.Publish();
        publication.Append(Data(Metadata, 0));
        for (byte track = 0; track < 12; track++)
            publication.Append(Audio([0x95, 0x00, .. "Opus"u8, track, 1, 2, 3], 0));
        publication.Append(Sound(0));
        using Subscription player = bench.Subscribe();

        Assert.Equal(1 + 8 + 1, Bytes(player).Count);
        Assert.Equal(4, bench.Meters.Sum("steadycast_hub_dropped_messages_total", "reason=too_many_tracks"));
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    private static void AppendPictures(Publication publication, uint from, int count, int size)
    {
        for (uint i = 0; i < count; i++)
            publication.Append(Picture(from + (i * 40), size));
    }
}
