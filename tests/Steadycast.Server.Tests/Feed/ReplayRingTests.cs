using Steadycast.Streaming.Feed;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

public sealed class ReplayRingTests : IDisposable
{
    private readonly TestMeters _meters = new();
    private readonly FeedMetrics _metrics;

    public ReplayRingTests() => _metrics = new FeedMetrics(_meters);

    [Fact]
    public void A_reader_gets_every_byte_from_the_first_segment_asked_for()
    {
        using var ring = Ring(60);
        foreach (var msn in Enumerable.Range(10, 5))
            ring.Append(Segment(msn));
        Assert.Equal(Records.Bytes(Enumerable.Range(10, 5).SelectMany(msn => Segment(msn))), ReadAll(ring, new(0)));
        Assert.Equal(Records.Bytes(Enumerable.Range(13, 2).SelectMany(msn => Segment(msn))), ReadAll(ring, new(13)));
        var late = new RingPlace(15);
        Assert.Empty(ReadAll(ring, late));
        ring.Append(Segment(15));
        Assert.Equal(Records.Bytes(Segment(15)), ReadAll(ring, late));
        Assert.Empty(ReadAll(ring, late));
    }

    [Fact]
    public void A_record_appears_whole_or_not_at_all()
    {
        using var ring = Ring(60);
        var place = new RingPlace(0);
        foreach (var record in Segment(1, payload: 200_000))
        {
            ring.Append([record]);
            Assert.Equal(Records.Bytes(record), ReadAll(ring, place));
        }
    }

    [Fact]
    public void A_segment_that_was_taken_back_is_not_begun_with_but_read_through()
    {
        using var ring = Ring(60);
        var place = new RingPlace(0);
        ring.Append(Segment(1));
        ring.Append([Segment(2)[0], Segment(2)[1]]);
        var early = ReadAll(ring, place);
        ring.Append(Segment(2));
        Assert.Equal(Records.Bytes([.. Segment(1), Segment(2)[0], Segment(2)[1]]), early);
        Assert.Equal(Records.Bytes(Segment(2)), ReadAll(ring, place));
        Assert.Equal(Records.Bytes(Segment(2)), ReadAll(ring, new RingPlace(2)));
    }

    [Fact]
    public void As_much_media_stays_as_was_asked_for()
    {
        using var ring = Ring(10);
        foreach (var msn in Enumerable.Range(1, 20))
            ring.Append(Segment(msn));
        Assert.Equal(Records.Bytes(Enumerable.Range(16, 5).SelectMany(msn => Segment(msn))), ReadAll(ring, new(0)));
    }

    [Fact]
    public void A_reader_whose_place_is_gone_is_told_so()
    {
        using var ring = Ring(10);
        ring.Append(Segment(1));
        var place = new RingPlace(0);
        Assert.Equal(RingRead.Bytes, ring.Read(place, out _));
        foreach (var msn in Enumerable.Range(2, 20))
            ring.Append(Segment(msn));
        Assert.Equal(RingRead.Behind, ring.Read(place, out _));
    }

    [Fact]
    public void The_largest_ring_gives_when_all_together_are_too_large()
    {
        const int Limit = 40 * RingSegment.BlockBytes;
        var budget = new RingBudget(Limit);
        using var large = new ReplayRing(TimeSpan.FromSeconds(600), budget, _metrics);
        using var small = new ReplayRing(TimeSpan.FromSeconds(600), budget, _metrics);
        small.Append(Segment(1));
        small.Append(Segment(2));
        foreach (var msn in Enumerable.Range(1, 40))
        {
            large.Append(Segment(msn, payload: 150_000));
            Assert.True(large.Bytes + small.Bytes <= Limit);
        }

        Assert.Equal(Records.Bytes([.. Segment(1), .. Segment(2)]), ReadAll(small, new RingPlace(0)));
        Assert.Equal(large.Bytes + small.Bytes, _meters.Sum("steadycast_feed_ring_bytes"));
    }

    [Fact]
    public void A_segment_that_is_being_written_stays_whatever_its_size()
    {
        using var ring = new ReplayRing(TimeSpan.FromSeconds(10), new RingBudget(1), _metrics);
        var segment = Segment(1, payload: 300_000);
        ring.Append(segment);
        Assert.Equal(Records.Bytes(segment), ReadAll(ring, new RingPlace(0)));
    }

    public void Dispose() => _meters.Dispose();

    private ReplayRing Ring(int seconds) =>
        new(TimeSpan.FromSeconds(seconds), new RingBudget(RingBudget.DefaultBytes), _metrics);

    private static FeedRecord[] Segment(long msn, int payload = 10) =>
    [
        new(Records.Begin(msn, msn * 180_000)),
        new(Records.Video(msn * 180_000) with { Payload = new byte[payload] }),
        new(Records.End(msn, 1) with { Duration = 180_000 }),
    ];

    private static byte[] ReadAll(ReplayRing ring, RingPlace place)
    {
        var bytes = new List<byte>();
        while (ring.Read(place, out var part) == RingRead.Bytes)
            bytes.AddRange(part.Span);
        return [.. bytes];
    }
}
