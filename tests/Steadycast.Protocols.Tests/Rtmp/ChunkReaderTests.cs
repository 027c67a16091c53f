using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.TestPeers;
using Steadycast.TestPeers.Rtmp;
using static Steadycast.Protocols.Rtmp.RtmpMessageType;

namespace Steadycast.Protocols.Tests.Rtmp;

public sealed class ChunkReaderTests
{
    private const uint Past24Bits = 0x01020304;

    /// <summary>Bytes sent, and what must come out: chunk stream, type, stream, time and length.</summary>
    public static TheoryData<string, RtmpScript, string[]> Streams => new()
    {
        { "one chunk", Script().Message(3, CommandAmf0, 5, Bytes(10), 1), ["3 CommandAmf0 1 5 10"] },
        { "no payload",
            Script().Message(3, Audio, 5, []).Message(3, Audio, 6, Bytes(1)), ["3 Audio 0 5 0", "3 Audio 0 6 1"] },
        { "exactly one chunk", Script().Message(3, Video, 0, Bytes(128)), ["3 Video 0 0 128"] },
        { "three chunks", Script().Message(3, Video, 0, Bytes(300)), ["3 Video 0 0 300"] },
        { "two-byte chunk stream ids", Script().Message(64, Video, 1, Bytes(300)).Message(319, Video, 2, Bytes(129)),
            ["64 Video 0 1 300", "319 Video 0 2 129"] },
        { "three-byte chunk stream ids",
            Script().Message(320, Video, 1, Bytes(300)).Message(65599, Video, 2, Bytes(129)),
            ["320 Video 0 1 300", "65599 Video 0 2 129"] },
        { "a low id in the long form",
            Script().Raw(1, 6, 0, 0, 0, 9, 0, 0, 1, 9, 0, 0, 0, 0, 0xAA), ["70 Video 0 9 1"] },
        { "type 1 adds a delta",
            Script().Message(4, Video, 100, Bytes(10), 1).Message(4, Audio, 40, Bytes(20), 1, format: 1),
            ["4 Video 1 100 10", "4 Audio 1 140 20"] },
        { "type 2 keeps length and type",
            Script().Message(4, Video, 100, Bytes(200), 1).Message(4, Video, 7, Bytes(200), 1, format: 2),
            ["4 Video 1 100 200", "4 Video 1 107 200"] },
        { "type 3 repeats the delta", Script().Message(4, Video, 100, Bytes(10), 1)
                .Message(4, Video, 40, Bytes(10), 1, format: 1).Header(3, 4).Raw(Bytes(10)).Header(3, 4).Raw(Bytes(10)),
            ["4 Video 1 100 10", "4 Video 1 140 10", "4 Video 1 180 10", "4 Video 1 220 10"] },
        { "type 3 after type 0 takes its time as the delta",
            Script().Message(4, Video, 100, Bytes(10), 1).Header(3, 4).Raw(Bytes(10)),
            ["4 Video 1 100 10", "4 Video 1 200 10"] },
        { "type 1 begins a chunk stream, as librtmp's ping does",
            Script().Message(2, RtmpMessageType.UserControl, 3, Bytes(6), format: 1), ["2 UserControl 0 3 6"] },
        { "interleaved messages", Script()
                .Header(0, 4, 10, 200, Audio, 1).Raw(Part(200, 0, 128))
                .Header(0, 6, 20, 300, Video, 1).Raw(Part(300, 0, 128))
                .Header(3, 4).Raw(Part(200, 128, 200))
                .Header(3, 6).Raw(Part(300, 128, 256)).Header(3, 6).Raw(Part(300, 256, 300)),
            ["4 Audio 1 10 200", "6 Video 1 20 300"] },
        { "a chunk size that grows",
            Script().SetChunkSize(4096).Message(4, Video, 0, Bytes(5000)), ["4 Video 0 0 5000"] },
        { "a chunk size set between the chunks of a message", Script()
                .Header(0, 4, 0, 400, Video).Raw(Part(400, 0, 128))
                .SetChunkSize(256)
                .Header(3, 4).Raw(Part(400, 128, 384)).Header(3, 4).Raw(Part(400, 384, 400)),
            ["4 Video 0 0 400"] },
        { "an aborted message is forgotten", Script()
                .Header(0, 4, 10, 200, Video).Raw(Part(200, 0, 128))
                .Control(Abort, 4)
                .Message(4, Audio, 20, Bytes(30)),
            ["4 Audio 0 20 30"] },
        { "an abort of nothing changes nothing",
            Script().Control(Abort, 9).Message(4, Audio, 20, Bytes(30)), ["4 Audio 0 20 30"] },
        { "extended timestamp", Script().Message(4, Video, Past24Bits, Bytes(10)), [$"4 Video 0 {Past24Bits} 10"] },
        { "the largest time of three bytes",
            Script().Message(4, Video, 0xFFFFFE, Bytes(200)), [$"4 Video 0 {0xFFFFFE} 200"] },
        { "the smallest extended one",
            Script().Message(4, Video, 0xFFFFFF, Bytes(200)), [$"4 Video 0 {0xFFFFFF} 200"] },
        { "extended timestamp repeated",
            Script().Message(4, Video, Past24Bits, Bytes(400)), [$"4 Video 0 {Past24Bits} 400"] },
        { "extended timestamp not repeated", Script().Message(4, Video, Past24Bits, Bytes(400), repeatExtended: false),
            [$"4 Video 0 {Past24Bits} 400"] },
        { "not repeated, and the payload begins like it", Script()
                .Header(0, 4, Past24Bits, 134, Video).Raw(Part(134, 0, 128)).Header(3, 4).Raw(1, 2, 3, 9, 9, 9),
            [$"4 Video 0 {Past24Bits} 134"] },
        { "not repeated, and all that is left looks like its begin", Script()
                .Header(0, 4, Past24Bits, 130, Video).Raw(Part(130, 0, 128)).Header(3, 4).Raw(1, 2)
                .Message(5, Audio, 1, Bytes(4)),
            [$"4 Video 0 {Past24Bits} 130", "5 Audio 0 1 4"] },
        { "extended again after a delta that is not", Script()
                .Message(4, Video, Past24Bits, Bytes(200))
                .Message(4, Video, 40, Bytes(200), format: 1)
                .Message(4, Video, Past24Bits + 80, Bytes(200)),
            [$"4 Video 0 {Past24Bits} 200", $"4 Video 0 {Past24Bits + 40} 200", $"4 Video 0 {Past24Bits + 80} 200"] },
        { "an extended delta",
            Script().Message(4, Video, 1, Bytes(9)).Message(4, Video, 0x01000000, Bytes(200), format: 1),
            ["4 Video 0 1 9", $"4 Video 0 {0x01000001} 200"] },
        { "time wraps at 32 bits",
            Script().Message(4, Video, uint.MaxValue - 9, Bytes(9)).Message(4, Video, 40, Bytes(9), format: 2),
            [$"4 Video 0 {uint.MaxValue - 9} 9", "4 Video 0 30 9"] },
    };

    /// <summary>What is sent after good bytes, and what must be said of it.</summary>
    public static TheoryData<string, RtmpScript, string> Faults => new()
    {
        { "type 3 first", Script().Header(3, 4), "type 3 header begins chunk stream 4" },
        { "type 2 first", Script().Header(2, 4), "type 2 header begins chunk stream 4" },
        { "a new header in mid-message",
            Script().Header(0, 4, 0, 200, Video).Raw(Part(200, 0, 128)).Header(0, 4, 0, 300, Video),
            "type 0 header inside a message in flight" },
        { "a new delta in mid-message", Script().Header(0, 4, 0, 200, Video).Raw(Part(200, 0, 128)).Header(2, 4, 1),
            "type 2 header inside a message in flight" },
        { "a chunk size of 1", Script().Control(SetChunkSize, 1), "chunk size 1, 128 to 65536 are taken" },
        { "a chunk size of 0", Script().Control(SetChunkSize, 0), "chunk size 0" },
        { "a chunk size with the top bit", Script().Control(SetChunkSize, 0x80001000), "chunk size 2147487744" },
        { "a chunk size above the limit", Script().Control(SetChunkSize, 65_537), "chunk size 65537" },
        { "a chunk size of three bytes", Script().Message(2, SetChunkSize, 0, [0, 16, 0]), "four bytes expected" },
        { "too long a message", Script().Header(0, 4, 0, 100_001, Video), "message of 100001 bytes, at most 100000" },
        { "too many chunk streams", TooManyChunkStreams(), "more than 32 chunk streams" },
        { "too much in flight", TooMuchInFlight(), "bytes of messages in flight" },
    };

    private static RtmpLimits Limits { get; } = new() { MaxMessageBytes = 100_000, MaxBufferedBytes = 300_000 };

    [Theory]
    [MemberData(nameof(Streams))]
    public void Messages_come_out_whole_however_the_bytes_come_in(string name, RtmpScript script, string[] expected)
    {
        foreach (IReadOnlyList<ReadOnlyMemory<byte>> pieces in Splits.Of(script.ToArray()))
            Assert.True(expected.SequenceEqual(Read(pieces)), $"{name}: {string.Join(", ", Read(pieces))}");
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void Faults_say_what_and_where(string name, RtmpScript script, string fault)
    {
        byte[] bytes = script.ToArray();
        var whole = Assert.Throws<RtmpProtocolException>(() => Read([bytes]));
        var byBytes = Assert.Throws<RtmpProtocolException>(() => Read(Splits.OneByOne(bytes)));

        Assert.Contains(fault, whole.Fault, StringComparison.Ordinal);
        Assert.Equal(whole.Fault, byBytes.Fault);
        Assert.InRange(whole.Place.Offset, 0, bytes.Length);
        Assert.NotEmpty(name);
    }

    [Fact]
    public void Memory_follows_the_bytes_that_came_and_not_the_declared_length()
    {
        using var reader = new ChunkReader(RtmpLimits.Default);
        ReadOnlySpan<byte> input = Script().Header(0, 4, 0, 0xFFFFFF, Video).Raw(Bytes(100)).ToArray();

        Assert.False(reader.TryRead(ref input, out _));

        Assert.InRange(reader.BufferedBytes, 100, 4096);
    }

    [Fact]
    public void No_memory_is_held_between_messages()
    {
        using var reader = new ChunkReader(RtmpLimits.Default);
        ReadOnlySpan<byte> input = Script().Message(4, Video, 0, Bytes(50_000)).ToArray();

        Assert.True(reader.TryRead(ref input, out _));
        Assert.False(reader.TryRead(ref input, out _));

        Assert.Equal(0, reader.BufferedBytes);
    }

    [Fact]
    public void Abort_gives_the_memory_back()
    {
        using var reader = new ChunkReader(RtmpLimits.Default);
        ReadOnlySpan<byte> input = Script()
            .Header(0, 4, 0, 200, Video).Raw(Part(200, 0, 128)).Control(Abort, 4).ToArray();

        Assert.False(reader.TryRead(ref input, out _));

        Assert.Equal(0, reader.BufferedBytes);
    }

    [Fact]
    public void A_fault_shows_the_header_in_hex_and_its_offset()
    {
        using var reader = new ChunkReader(RtmpLimits.Default) { BytesRead = 3073 };
        byte[] bytes = Script().Message(4, Audio, 0, Bytes(4)).Header(3, 9).ToArray();

        var e = Assert.Throws<RtmpProtocolException>(() =>
        {
            ReadOnlySpan<byte> input = bytes;
            while (reader.TryRead(ref input, out _))
                continue;
        });

        Assert.Equal(3073 + bytes.Length - 1, e.Place.Offset);
        Assert.EndsWith(": c9", e.Message, StringComparison.Ordinal);
    }

    private static RtmpScript Script() => new();

    /// <summary>Bytes that differ by place and by length, and never look like a header by luck.</summary>
    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
            bytes[i] = (byte)(0x20 + (i * 7 + length) % 80);
        return bytes;
    }

    private static ReadOnlySpan<byte> Part(int length, int from, int to) => Bytes(length).AsSpan(from, to - from);

    private static RtmpScript TooManyChunkStreams()
    {
        var script = Script();
        for (int csid = 3; csid <= 35; csid++)
            script.Message(csid, Audio, 0, Bytes(1));
        return script;
    }

    private static RtmpScript TooMuchInFlight()
    {
        var script = Script().SetChunkSize(65_536);
        for (int csid = 4; csid < 12; csid++)
            script.Header(0, csid, 0, 100_000, Video).Raw(Bytes(65_536));
        return script;
    }

    private static List<string> Read(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        using var reader = new ChunkReader(Limits);
        List<string> messages = [];
        long fed = 0;
        foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            ReadOnlySpan<byte> input = piece.Span;
            while (reader.TryRead(ref input, out RtmpMessage m))
            {
                messages.Add($"{m.ChunkStreamId} {m.Type} {m.StreamId} {m.Timestamp} {m.Payload.Length}");
                CheckPayload(m.Payload.Span);
            }

            fed += piece.Length;
            Assert.True(input.IsEmpty);
            Assert.Equal(fed, reader.BytesRead);
        }

        return messages;
    }

    /// <summary>Payloads are <see cref="Bytes"/>, but for the tails of some that the table writes by hand.</summary>
    private static void CheckPayload(ReadOnlySpan<byte> payload)
    {
        byte[] expected = Bytes(payload.Length);
        int compared = payload.Length is 1 or 6 ? 0 : payload.Length is 130 or 134 ? 128 : payload.Length;
        Assert.True(payload[..compared].SequenceEqual(expected.AsSpan(0, compared)));
    }
}
