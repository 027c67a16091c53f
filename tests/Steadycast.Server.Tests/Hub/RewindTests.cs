using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

public sealed class RewindTests : IAsyncDisposable
{
    private static readonly byte[] Text = [.. "\x02\0\x0aonTextData"u8, 2, 0, 2, .. "hi"u8];

    private HubBench bench = new();

    [Fact]
    public void Nothing_confirmed_it_begins_where_it_had_begun()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        using Subscription relay = Subscribe();
        publication.Append(Picture(40));
        publication.Append(Keyframe(2000));
        Assert.Equal("M0 H0 h0 K0 P40 K2000", Read(relay));

        relay.Rewind();

        Assert.Equal("M0 H0 h0 K0 P40 K2000", Read(relay));
        publication.Append(Picture(2040));
        Assert.Equal("P2040", Read(relay));
    }

    [Fact]
    public void It_begins_with_the_keyframe_under_what_was_confirmed()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        using Subscription relay = Subscribe();
        var positions = new List<long>();
        foreach (uint at in new uint[] { 0, 2000, 4000 })
        {
            publication.Append(Keyframe(at));
            publication.Append(Sound(at + 10));
            Read(relay);
            positions.Add(relay.Position);
        }

        relay.Confirm(positions[0]);
        relay.Rewind();
        Assert.Equal("M0 H2000 h2000 K2000 A2010 K4000 A4010", Read(relay));

        relay.Confirm(positions[1] - 1);
        relay.Rewind();
        Assert.Equal("M0 H2000 h2000 K2000 A2010 K4000 A4010", Read(relay));

        relay.Confirm(positions[2] - 1);
        relay.Rewind();
        Assert.Equal("M0 H4000 h4000 K4000 A4010", Read(relay));
    }

    [Fact]
    public void The_log_keeps_what_was_not_confirmed()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        using Subscription relay = Subscribe();
        long first = 0;
        for (uint at = 0; at < 40_000; at += 2000)
        {
            publication.Append(Keyframe(at, size: 100_000));
            Read(relay);
            first = at == 0 ? relay.Position : first;
        }

        relay.Rewind();
        Assert.Equal(20, Bytes(relay).Count(m => m.ToString().StartsWith('K')));

        relay.Confirm(first);
        relay.Rewind();
        Assert.Equal(19, Bytes(relay).Count(m => m.ToString().StartsWith('K')));
        Assert.Equal(0, relay.Skips);
    }

    [Fact]
    public void What_is_confirmed_is_let_go()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        using Subscription relay = Subscribe();
        for (uint at = 0; at < 200_000; at += 2000)
        {
            publication.Append(Keyframe(at, size: 100_000));
            Read(relay);
            relay.Confirm(relay.Position);
        }

        Assert.True(bench.Hub.Memory.RentedBytes < 2 << 20, $"{bench.Hub.Memory.RentedBytes} bytes are held");
    }

    [Fact]
    public async Task Beyond_its_bound_the_log_lets_go_and_the_loss_is_counted()
    {
        await bench.DisposeAsync();
        bench = new HubBench(new HubOptions { MaxLogBytes = 1 << 20 });
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        using Subscription relay = Subscribe();
        for (uint at = 0; at < 80_000; at += 2000)
        {
            publication.Append(Keyframe(at, size: 100_000));
            Read(relay);
        }

        relay.Rewind();
        List<ParsedMessage> again = Bytes(relay);

        Assert.InRange(again.Count(m => m.ToString().StartsWith('K')), 1, 10);
        Assert.Equal("K78000", again[^1].ToString());
        Assert.Equal(1, relay.Skips);
        Assert.InRange(relay.SkippedBytes, 3_000_000, 4_000_000);
    }

    [Fact]
    public void It_begins_again_in_the_middle_of_a_message()
    {
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0, size: 1000));
        using Subscription relay = Subscribe();
        relay.Advance(relay.Pending().Length);
        relay.Advance(relay.Pending().Length / 2);

        relay.Rewind();

        Assert.Equal("M0 H0 h0 K0", Read(relay));
    }

    [Fact]
    public void Before_anything_was_read_there_is_nothing_to_go_back_to()
    {
        using Subscription relay = Subscribe();
        relay.Rewind();
        Publication publication = bench.Publish();
        AppendHeaders(publication);
        relay.Rewind();
        publication.Append(Keyframe(0));

        Assert.Equal("M0 H0 h0 K0", Read(relay));
    }

    [Fact]
    public void Another_publisher_does_not_end_what_can_be_replayed()
    {
        Publication one = bench.Publish();
        AppendHeaders(one);
        one.Append(Keyframe(0));
        using Subscription relay = Subscribe();
        one.Append(Picture(40));
        Read(relay);
        one.Dispose();
        Publication two = bench.Publish(connection: "q");
        AppendHeaders(two);
        two.Append(Keyframe(0));
        Read(relay);

        relay.Rewind();

        Assert.Equal("M0 H0 h0 K0 P40 M40 H40 h40 K80", Read(relay));
    }

    [Fact]
    public void Sound_alone_begins_at_its_last_confirmed_message()
    {
        Publication publication = bench.Publish();
        publication.Append(Audio(AudioHeader, 0));
        publication.Append(Sound(0));
        using Subscription relay = Subscribe();
        publication.Append(Sound(23));
        Read(relay);
        long confirmed = relay.Position;
        publication.Append(Sound(46));
        Read(relay);

        relay.Confirm(confirmed);
        relay.Rewind();

        Assert.Equal("h46 A46", Read(relay));
    }

    [Fact]
    public void A_server_gets_data_as_from_a_publisher()
    {
        Publication publication = bench.Publish();
        using Subscription relay = Subscribe();
        AppendHeaders(publication);
        publication.Append(Keyframe(0, size: 100_000));
        publication.Append(Data(Text, 20));
        publication.Append(Data(Text, 30));
        publication.Append(Picture(40));

        List<ParsedMessage> got = Bytes(relay);

        byte[] envelope = [2, 0, 13, .. "@setDataFrame"u8];
        Assert.Equal([18, 9, 8, 9, 18, 18, 9], got.Select(m => (int)m.Type));
        Assert.Equal([.. envelope, .. Metadata], got[0].Payload);
        Assert.Equal([.. envelope, .. Text], got[4].Payload);
        Assert.Equal([.. envelope, .. Text], got[5].Payload);

        relay.Rewind();
        Assert.Equal(got.Select(m => m.ToString()), Bytes(relay).Select(m => m.ToString()));
    }

    /// <summary>
    /// Receivers come and go, and confirm whatever they like of what they got: with what it confirmed, the next one
    /// has everything, and it begins with a keyframe.
    /// </summary>
    [Fact]
    public void Two_receivers_together_miss_nothing() =>
        Prop.ForAll<byte[]>(Run).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(300));

    private static void Run(byte[] steps)
    {
        var still = new HubBench();
        Publication publication = still.Publish();
        AppendHeaders(publication);
        publication.Append(Keyframe(0));
        Assert.True(still.Hub.TrySubscribe(Show, Relay, out Subscription? relay));
        uint last = 0;
        var got = new List<Message>();
        foreach (byte step in steps)
        {
            switch (step % 8)
            {
                case 0 or 1 or 2:
                    publication.Append(Picture(++last, 6 + (step * 40)));
                    break;
                case 3:
                    publication.Append(Keyframe(++last, 6 + (step * 400)));
                    break;
                case 4 or 5:
                    got.AddRange(Take(relay));
                    break;
                case 6 when got.Count > 0:
                    long confirmed = got[step * got.Count / 256].End;
                    relay.Confirm(confirmed);
                    got.RemoveAll(m => m.End <= confirmed);
                    break;
                case 7:
                    relay.Rewind();
                    uint firstMissed = got.Count > 0 ? got[0].Id : uint.MaxValue;
                    got = Take(relay);
                    Assert.True(got[0].IsKeyframe);
                    Assert.True(got[0].Id <= firstMissed, $"{firstMissed} is missing before {got[0].Id}");
                    Assert.Equal(Enumerable.Range((int)got[0].Id, got.Count), got.Select(m => (int)m.Id));
                    Assert.Equal(last, got[^1].Id);
                    break;
            }
        }
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    private static SubscriptionOptions Relay { get; } = new(SubscriptionKind.Relay)
    {
        CanRewind = true,
        MaxLagBytes = int.MaxValue,
        MaxLag = TimeSpan.MaxValue,
    };

    /// <summary>The pictures that can be read now; each ends where the piece ends that it was read in.</summary>
    private static List<Message> Take(Subscription relay)
    {
        var parser = new ChunkParser();
        var taken = new List<Message>();
        while (relay.Pending() is { IsEmpty: false } bytes)
        {
            parser.Feed(bytes.Span);
            relay.Advance(bytes.Length);
            taken.AddRange(parser.Messages
                .Where(m => m.Type == 9 && m.Payload[1] == 1)
                .Select(m => new Message(m.Timestamp, relay.Position, m.ToString().StartsWith('K'))));
            parser.Messages.Clear();
        }

        parser.AssertComplete();
        return taken;
    }

    private Subscription Subscribe()
    {
        Assert.True(bench.Hub.TrySubscribe(Show, Relay, out Subscription? subscription));
        return subscription;
    }

    private readonly record struct Message(uint Id, long End, bool IsKeyframe);
}
