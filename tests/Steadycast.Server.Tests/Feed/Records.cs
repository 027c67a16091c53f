using System.Buffers;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Records to write and read, and how two of them are compared.</summary>
internal static class Records
{
    public static readonly StreamEpoch Epoch = new(
        "live/show", 7, new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1_900_000_000_123, 2);

    public static SegmentBegin Begin(long msn = 59_000_000, long time = 180_000, uint epoch = 7) => new(
        Epoch with { EpochId = epoch, TimelineId = epoch }, msn, time, true, 3, true, true,
        [
            new TrackConfig(1, Codec.H264, new byte[] { 1, 100, 0, 31 }),
            new TrackConfig(2, Codec.Aac, new byte[] { 0x11, 0x90 }),
        ]);

    public static SegmentBegin TakenOver() => Begin() with { Epoch = Epoch with { TimelineId = 5 } };

    public static AccessUnit Video(long dts = 180_000, bool key = true) =>
        new(1, dts, -3000, 0, key, new byte[] { 0, 0, 0, 1, 0x65 });

    public static AccessUnit Audio(long dts = 180_480, long position = 96_256) =>
        new(2, dts, 0, position, true, new byte[] { 0x21, 0x10 });

    public static SegmentEnd End(long msn = 59_000_000, int units = 2, bool isShort = true) => new(
        msn, 180_090, units, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), isShort);

    public static readonly FeedState State = new(FeedActivity.Live, 7, 58_999_999);

    public static IReadOnlyList<FeedRecord> All { get; } =
        [new(State), new(Begin()), new(Video()), new(Audio()), new(End()), new(Begin() with { Tracks = [] })];

    public static byte[] Bytes(params IEnumerable<FeedRecord> records)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var record in records)
            Write(output, record);
        return output.WrittenSpan.ToArray();
    }

    public static void Write(IBufferWriter<byte> output, in FeedRecord record)
    {
        switch (record.Kind)
        {
            case FeedRecordKind.Begin:
                FeedCodec.Write(output, record.Begin!);
                break;
            case FeedRecordKind.AccessUnit:
                FeedCodec.Write(output, record.AccessUnit);
                break;
            case FeedRecordKind.End:
                FeedCodec.Write(output, record.End!);
                break;
            default:
                FeedCodec.Write(output, record.State!);
                break;
        }
    }

    public static void AssertSame(in FeedRecord expected, in FeedRecord actual)
    {
        Assert.Equal(expected.Kind, actual.Kind);
        Assert.Equal(Bytes(expected), Bytes(actual));
        Assert.Equal(expected.State, actual.State);
        Assert.Equal(expected.AccessUnit with { Payload = default }, actual.AccessUnit with { Payload = default });
        Assert.Equal(expected.AccessUnit.Payload.ToArray(), actual.AccessUnit.Payload.ToArray());
        if (expected.Begin is { } begin)
        {
            Assert.Equal(begin.Tracks.AsEnumerable(), actual.Begin!.Tracks);
            Assert.Equal(begin with { Tracks = default }, actual.Begin with { Tracks = default });
        }

        if (expected.End is { } end)
        {
            Assert.Equal(end.Hash.ToArray(), actual.End!.Hash.ToArray());
            Assert.Equal(end with { Hash = default }, actual.End with { Hash = default });
        }
    }

    /// <summary>The pieces as one sequence of as many memory segments.</summary>
    public static ReadOnlySequence<byte> Sequence(params IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        Piece? first = null, last = null;
        foreach (var piece in pieces)
        {
            last = last is null ? new Piece(piece, 0) : last.Then(piece);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
