using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.TestPeers;
using Steadycast.TestPeers.Rtmp;

namespace Steadycast.Protocols.Tests.Rtmp;

public sealed class ChunkWriterTests
{
    [Theory]
    [InlineData(2, 0u, 0, 128)]
    [InlineData(6, 0xFFFFFEu, 128, 128)]
    [InlineData(6, 0xFFFFFFu, 129, 128)]
    [InlineData(63, uint.MaxValue, 1000, 128)]
    [InlineData(64, 5u, 300, 128)]
    [InlineData(319, 5u, 300, 128)]
    [InlineData(320, 5u, 300, 128)]
    [InlineData(65599, 0x01000000u, 300, 128)]
    [InlineData(6, 40u, 200_000, 65_536)]
    public void Messages_are_written_as_a_careful_hand_would(int csid, uint time, int length, int chunkSize)
    {
        byte[] payload = new byte[length];
        Random.Shared.NextBytes(payload);
        var script = new RtmpScript();
        if (chunkSize != 128)
            script.SetChunkSize(chunkSize);
        int skip = script.Length;
        byte[] expected = script.Message(csid, RtmpMessageType.Video, time, payload, 1).ToArray()[skip..];

        var output = new ArrayBufferWriter<byte>();
        ChunkWriter.Write(output, csid, RtmpMessageType.Video, 1, time, payload, chunkSize);

        Assert.Equal(expected, output.WrittenSpan.ToArray());
        Assert.Equal(expected.Length, ChunkWriter.Measure(csid, time, length, chunkSize));
    }

    [Fact]
    public void What_is_written_is_read_back_however_it_is_split() =>
        Prop.ForAll(Messages.ToArbitrary(), ArbMap.Default.ArbFor<int>(), (messages, seed) =>
        {
            var output = new ArrayBufferWriter<byte>();
            foreach (RtmpMessage m in messages)
                ChunkWriter.Write(output, m.ChunkStreamId, m.Type, m.StreamId, m.Timestamp, m.Payload.Span, 128);

            using var reader = new ChunkReader(RtmpLimits.Default);
            int next = 0;
            foreach (ReadOnlyMemory<byte> piece in Splits.Random(output.WrittenMemory, seed, 400))
            {
                ReadOnlySpan<byte> input = piece.Span;
                while (reader.TryRead(ref input, out RtmpMessage read))
                {
                    RtmpMessage sent = messages[next++];
                    if (read with { Payload = sent.Payload } != sent || !read.Payload.Span.SequenceEqual(
                        sent.Payload.Span))
                        return false;
                }
            }

            return next == messages.Length;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_message_longer_than_the_length_field_is_our_bug() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ChunkWriter.Write(
            new ArrayBufferWriter<byte>(), 4, RtmpMessageType.Video, 1, 0, new byte[0x1000000], 65_536));

    private static Gen<RtmpMessage[]> Messages =>
        (from csid in Gen.Elements(3, 4, 6, 63, 64, 319, 320, 65599)
         from type in Gen.Elements(RtmpMessageType.Audio, RtmpMessageType.Video, RtmpMessageType.DataAmf0)
         from stream in Gen.Choose(0, 3)
         from time in Gen.Elements(0u, 40u, 0xFFFFFEu, 0xFFFFFFu, 0x1000000u, uint.MaxValue)
         from length in Gen.Frequency((3, Gen.Choose(0, 300)), (1, Gen.Elements(127, 128, 129, 256, 257, 5000)))
         from seed in ArbMap.Default.GeneratorFor<int>()
         select new RtmpMessage(csid, type, (uint)stream, time, RandomBytes(length, seed))).ArrayOf();

    private static byte[] RandomBytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
