using System.Buffers;
using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Feed;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

public sealed class FeedCodecTests
{
    public static TheoryData<string, string> Layouts => new()
    {
        {
            "Begin",
            "0000005601 00000007 00112233445566778899aabbccddeeff 000001ba60d3387b 0002 00000000038444c0 " +
            "000000000002bf20 0000000000000003 07 0009 6c6976652f73686f77 " +
            "02 01 01 00000004 0164001f 02 10 00000002 1190"
        },
        {
            "Taken over",
            "0000005a01 00000007 00112233445566778899aabbccddeeff 000001ba60d3387b 0002 00000000038444c0 " +
            "000000000002bf20 0000000000000003 0f 0009 6c6976652f73686f77 " +
            "02 01 01 00000004 0164001f 02 10 00000002 1190 00000005"
        },
        { "Video", "0000001c02 01 01 000000000002bf20 fffff448 0000000000000000 0000000165" },
        { "Audio", "0000001902 02 01 000000000002c100 00000000 0000000000017800 2110" },
        {
            "End",
            "0000003603 00000000038444c0 000000000002bf7a 00000002 01 " +
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        },
        { "State", "0000000e04 02 00000007 00000000038444bf" },
    };

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_record_has_one_layout_both_ways(string name, string hex)
    {
        FeedRecord record = name switch
        {
            "Begin" => new(Records.Begin()),
            "Taken over" => new(Records.TakenOver()),
            "Video" => new(Records.Video()),
            "Audio" => new(Records.Audio()),
            "End" => new(Records.End()),
            _ => new(Records.State),
        };
        var bytes = Convert.FromHexString(hex.Replace(" ", ""));
        Assert.Equal(Convert.ToHexStringLower(bytes), Convert.ToHexStringLower(Records.Bytes(record)));
        var input = new ReadOnlySequence<byte>(bytes);
        Assert.True(FeedCodec.TryRead(ref input, out var read));
        Assert.True(input.IsEmpty);
        Records.AssertSame(record, read);
    }

    [Fact]
    public void Records_are_read_however_the_bytes_arrive()
    {
        foreach (var pieces in Splits.Of(Records.Bytes(Records.All)))
        {
            var arrived = new List<ReadOnlyMemory<byte>>();
            var read = new List<FeedRecord>();
            foreach (var piece in pieces)
            {
                arrived.Add(piece);
                var input = Records.Sequence(arrived);
                while (FeedCodec.TryRead(ref input, out var record))
                    read.Add(record);
                arrived = [input.ToArray()];
            }

            Assert.Equal(Records.All.Count, read.Count);
            for (var i = 0; i < read.Count; i++)
                Records.AssertSame(Records.All[i], read[i]);
        }
    }

    [Fact]
    public void A_record_of_an_unknown_kind_is_skipped()
    {
        byte[] unknown = [0, 0, 0, 3, 200, 1, 2];
        var input =
            new ReadOnlySequence<byte>([.. unknown, .. Records.Bytes(new FeedRecord(Records.State)), .. unknown]);
        Assert.True(FeedCodec.TryRead(ref input, out var record));
        Assert.Equal(Records.State, record.State);
        Assert.False(FeedCodec.TryRead(ref input, out _));
        Assert.True(input.IsEmpty);
    }

    [Fact]
    public void An_epoch_goes_on_with_no_later_ones_timeline()
    {
        var bytes = Records.Bytes(new FeedRecord(Records.TakenOver()));
        bytes[^1] = 7;
        var input = new ReadOnlySequence<byte>(bytes);
        Assert.Throws<FeedFormatException>(() => FeedCodec.TryRead(ref input, out _));
    }

    [Fact]
    public void The_preamble_is_asked_for_byte_by_byte()
    {
        for (var length = 0; length < FeedCodec.Preamble.Length; length++)
        {
            var part = new ReadOnlySequence<byte>(FeedCodec.Preamble[..length].ToArray());
            Assert.False(FeedCodec.TryReadPreamble(ref part));
            Assert.Equal(length, part.Length);
        }

        var whole = new ReadOnlySequence<byte>([.. FeedCodec.Preamble, 9]);
        Assert.True(FeedCodec.TryReadPreamble(ref whole));
        Assert.Equal(1, whole.Length);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("53434602")]
    [InlineData("3c68746d6c3e")]
    public void Another_preamble_is_not_a_feed(string hex)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(hex));
        Assert.Throws<FeedFormatException>(() => FeedCodec.TryReadPreamble(ref input));
    }

    [Theory]
    [InlineData("00000000 01", "no kind")]
    [InlineData("01000041 02", "over the longest record")]
    [InlineData("ffffffff 02", "over every record")]
    [InlineData("00000006 02 0101000000", "access unit within its fields")]
    [InlineData("00000017 02 01 02 000000000002bf20 00000000 0000000000000000", "unknown access unit flag")]
    [InlineData("00000017 02 01 01 800000000002bf20 00000000 0000000000000000", "negative decoding time")]
    [InlineData("0000000e 04 03 00000007 000000000384423f", "unknown activity")]
    [InlineData("0000000e 04 02 00000007 fffffffffffffffe", "edge below -1")]
    [InlineData("0000000f 04 02 00000007 000000000384423f 00", "state with a byte too many")]
    [InlineData("0000000d 04 02 00000007 00000000038442", "state with a byte too few")]
    public void A_field_out_of_range_is_refused(string hex, string why)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(hex.Replace(" ", "")));
        Assert.ThrowsAny<FeedFormatException>(() => FeedCodec.TryRead(ref input, out _));
        Assert.NotEmpty(why);
    }

    [Theory]
    [InlineData(35, 0x80, "a negative media sequence number")]
    [InlineData(43, 0x80, "a negative media time")]
    [InlineData(59, 0xff, "flags that nobody knows")]
    [InlineData(60, 0xff, "a stream name beyond the record")]
    [InlineData(62, 0xff, "a stream name that is not UTF-8")]
    [InlineData(71, 0xff, "more tracks than may be")]
    [InlineData(73, 0xff, "an unknown codec")]
    [InlineData(74, 0x7f, "a decoder configuration of 2 GB")]
    public void A_begin_with_a_wrong_field_is_refused(int at, byte value, string why)
    {
        var bytes = Records.Bytes(new FeedRecord(Records.Begin()));
        bytes[at] = value;
        var input = new ReadOnlySequence<byte>(bytes);
        Assert.ThrowsAny<FeedFormatException>(() => FeedCodec.TryRead(ref input, out _));
        Assert.NotEmpty(why);
    }

    [Fact]
    public void Any_bytes_are_records_or_a_format_error() =>
        Prop.ForAll<byte[]>(body =>
        {
            for (byte kind = 0; kind < 6; kind++)
            {
                var bytes = new byte[5 + body.Length];
                BinaryPrimitives.WriteInt32BigEndian(bytes, body.Length + 1);
                bytes[4] = kind;
                body.CopyTo(bytes, 5);
                ReadAll(bytes);
            }

            ReadAll(body);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_flipped_byte_is_a_record_or_a_format_error()
    {
        var bytes = Records.Bytes(Records.All);
        for (var at = 0; at < bytes.Length; at++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[at] ^= 0xff;
            ReadAll(damaged);
        }
    }

    private static void ReadAll(byte[] bytes)
    {
        var input = new ReadOnlySequence<byte>(bytes);
        try
        {
            while (FeedCodec.TryRead(ref input, out var record))
                Assert.True(record.Kind is >= FeedRecordKind.Begin and <= FeedRecordKind.State);
        }
        catch (FeedFormatException)
        {
        }
    }
}
