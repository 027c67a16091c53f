using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Protocols.Tests.Flv;

public sealed class FlvFileTests
{
    private static readonly (RtmpMessageType Type, uint Time, byte[] Body)[] Tags =
    [
        (RtmpMessageType.DataAmf0, 0, [2, 0, 1, 65]),
        (RtmpMessageType.Video, 0, [0x17, 0, 0, 0, 0]),
        (RtmpMessageType.Audio, 0xFFFFFF, []),
        (RtmpMessageType.Audio, 0x1000000, [0xAF, 1, 9]),
        (RtmpMessageType.Video, uint.MaxValue, new byte[70000]),
    ];

    [Fact]
    public void What_was_written_is_read_whole_and_at_every_split()
    {
        var file = Write(Tags[..4]);
        for (var split = 0; split <= file.Length; split++)
        {
            var reader = new FlvReader();
            var seen = new List<(RtmpMessageType, uint, byte[])>();
            var first = file.AsMemory(0, split);
            var rest = Drain(reader, first, seen);
            Drain(reader, rest.ToArray().Concat(file[split..]).ToArray(), seen);
            Assert.Equal(Tags[..4], seen, SameTag);
            Assert.Equal(file.Length, reader.Offset);
        }
    }

    [Fact]
    public void The_layout_is_that_of_the_specification()
    {
        var file = Write([(RtmpMessageType.Audio, 0x01020304, [0xAF, 1])]);
        Assert.Equal(
            "464C5601050000000900000000" + "08000002" + "02030401" + "000000" + "AF01" + "0000000D",
            Convert.ToHexString(file));
    }

    [Theory]
    [InlineData("464C58", 0)]
    [InlineData("00", 0)]
    [InlineData("464C5601050000000800000000", 5)]
    [InlineData("464C56010500FF000900000000", 5)]
    [InlineData("464C5601050000000900000000 280000010000000000000000", 13)]
    [InlineData("464C5601050000000900000000 070000010000000000000000", 13)]
    [InlineData("464C5601050000000900000000 080003E90000000000000000", 13)]
    public void Damage_is_reported_with_its_place(string hex, long offset)
    {
        ReadOnlyMemory<byte> input = Hex.Bytes(hex);
        var reader = new FlvReader(maxTagBytes: 1000);
        var e = Assert.Throws<FlvFormatException>(() => reader.TryRead(ref input, out _));
        Assert.Equal(offset, e.Offset);
    }

    [Fact]
    public void Any_bytes_are_tags_or_a_format_exception() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            ReadOnlyMemory<byte> input = Write([]).Concat(bytes ?? []).ToArray();
            try
            {
                var reader = new FlvReader();
                while (reader.TryRead(ref input, out _)) { }
            }
            catch (FlvFormatException)
            {
                // The one exception that the reader may throw.
            }
        }).QuickCheckThrowOnFailure();

    private static bool SameTag((RtmpMessageType, uint, byte[]) a, (RtmpMessageType, uint, byte[]) b) =>
        a.Item1 == b.Item1 && a.Item2 == b.Item2 && a.Item3.AsSpan().SequenceEqual(b.Item3);

    private static byte[] Write((RtmpMessageType Type, uint Time, byte[] Body)[] tags)
    {
        var output = new ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(output, hasAudio: true, hasVideo: true);
        foreach (var (type, time, body) in tags) FlvWriter.WriteTag(output, new MediaMessage(type, time, body));
        return output.WrittenSpan.ToArray();
    }

    private static ReadOnlyMemory<byte> Drain(
        FlvReader reader, ReadOnlyMemory<byte> input, List<(RtmpMessageType, uint, byte[])> seen)
    {
        while (reader.TryRead(ref input, out var message))
            seen.Add((message.Type, message.Timestamp, message.Payload.ToArray()));
        return input;
    }
}
