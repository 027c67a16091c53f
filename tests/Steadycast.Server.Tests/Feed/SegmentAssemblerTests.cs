using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

public sealed class SegmentAssemblerTests : IDisposable
{
    private readonly SegmentAssembler _assembler = new();

    [Fact]
    public void A_whole_segment_comes_out_as_it_was_stamped()
    {
        var begin = Records.Begin();
        Assert.Equal(AssemblyStep.Accepted, Add(new(Records.State), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(begin), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(Records.Video()), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(Records.State), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(Records.Audio()), out _));
        Assert.Equal(AssemblyStep.Completed, Add(new(EndOf(begin, Records.Video(), Records.Audio())), out var segment));
        Assert.Same(begin, segment!.Begin);
        Assert.Equal(2, segment.AccessUnits.Count);
    }

    [Fact]
    public void A_segment_with_another_hash_or_count_or_number_is_never_let_out()
    {
        var begin = Records.Begin();
        var end = EndOf(begin, Records.Video());
        SegmentEnd[] wrongs = [end with { Hash = new byte[32] }, end with { AccessUnits = 2 }, end with { Msn = 1 }];
        foreach (var wrong in wrongs)
        {
            Add(new(begin), out _);
            Add(new(Records.Video()), out _);
            Assert.Equal(AssemblyStep.Damaged, Add(new(wrong), out var segment));
            Assert.Null(segment);
            Assert.Equal(AssemblyStep.Accepted, Add(new(end), out segment));
            Assert.Null(segment);
        }
    }

    [Fact]
    public void A_begin_takes_back_the_segment_before_it()
    {
        Add(new(Records.Begin()), out _);
        Add(new(Records.Video()), out _);
        var again = Records.Begin(epoch: 8);
        Assert.Equal(AssemblyStep.Abandoned, Add(new(again), out _));
        Add(new(Records.Audio()), out _);
        Assert.Equal(AssemblyStep.Completed, Add(new(EndOf(again, Records.Audio())), out var segment));
        Assert.Equal(8u, segment!.Begin.Epoch.EpochId);
    }

    [Fact]
    public void A_lower_epoch_is_fenced_off()
    {
        Add(new(Records.Begin(epoch: 9)), out _);
        var old = Records.Begin(epoch: 8);
        Assert.Equal(AssemblyStep.Fenced, Add(new(old), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(Records.Video()), out _));
        Assert.Equal(AssemblyStep.Accepted, Add(new(EndOf(old, Records.Video())), out var segment));
        Assert.Null(segment);
    }

    public void Dispose() => _assembler.Dispose();

    private AssemblyStep Add(FeedRecord record, out StampedSegment? segment) => _assembler.Add(record, out segment);

    private static SegmentEnd EndOf(SegmentBegin begin, params AccessUnit[] units)
    {
        using var hash = new FeedHash();
        hash.Begin(begin);
        foreach (var unit in units)
            hash.Append(unit);
        return new SegmentEnd(begin.Msn, 180_000, units.Length, hash.End(), false);
    }
}
