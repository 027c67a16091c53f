using System.Text;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.MpegTs;
using static Steadycast.Protocols.Tests.MpegTs.TestTracks;

namespace Steadycast.Protocols.Tests.MpegTs;

public sealed class TsReaderTests
{
    [Theory]
    [InlineData("", 0xFFFFFFFFu)]
    [InlineData("123456789", 0x0376E6E7u)] // the catalogue's check value of CRC-32/MPEG-2
    public void The_checksum_is_CRC_32_MPEG_2(string text, uint expected) =>
        Assert.Equal(expected, Crc32.Compute(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData(Codec.Aac, "1190", 0x0F)]
    [InlineData(Codec.Aac, "eb8a0800", 0x0F)]
    [InlineData(Codec.Mp3, "FFFB0400", 0x03)]
    [InlineData(Codec.Mp3, "FFF300C0", 0x04)] // 22.05 kHz is of ISO/IEC 13818-3
    public void The_program_says_what_kind_of_sound_it_has(Codec codec, string record, byte streamType)
    {
        var frame = new TsAccessUnit(2, 0, 0, true, new byte[100]);
        var reader = new TsReader();
        reader.Read(Write(3, 1920, [frame], new TrackConfig(2, codec, Hex.Bytes(record))));
        Assert.Equal(streamType, Assert.Single(reader.Program!.Streams).StreamType);
    }

    [Fact]
    public void Pieces_of_any_size_read_like_the_whole()
    {
        var segment = Write(3, 180_000, TwoSeconds(new Random(3), 0, maxSize: 300), Video, Audio);
        var whole = new TsReader();
        var expected = Describe(whole.Read(segment), whole.Flush());
        foreach (var size in (int[])[1, 2, 3, 100, 187, 188, 189, 1000])
        {
            var reader = new TsReader();
            var read = segment.Chunk(size).SelectMany(piece => reader.Read(piece)).ToList();
            Assert.Equal(expected, Describe(read, reader.Flush()));
            Assert.Equal((0, 0, 0), (reader.ContinuityErrors, reader.SyncErrors, reader.DamagedPackets));
        }
    }

    [Fact]
    public void A_lost_packet_is_one_continuity_error()
    {
        var packets = Write(3, 180_000, TwoSeconds(new Random(4), 0), Video, Audio).Chunk(188).ToList();
        packets.RemoveAt(packets.FindIndex(20, p => (p[3] & 0x10) != 0));
        var reader = new TsReader();
        reader.Read(packets.SelectMany(p => p).ToArray());
        Assert.Equal(1, reader.ContinuityErrors);
    }

    [Fact]
    public void A_packet_sent_twice_is_allowed_and_a_third_time_is_an_error()
    {
        var packets = Write(3, 180_000, TwoSeconds(new Random(5), 0), Video, Audio).Chunk(188).ToList();
        packets.Insert(20, packets[20]);
        var reader = new TsReader();
        reader.Read(packets.SelectMany(p => p).ToArray());
        Assert.Equal(0, reader.ContinuityErrors);

        packets.Insert(20, packets[20]);
        reader = new TsReader();
        reader.Read(packets.SelectMany(p => p).ToArray());
        Assert.Equal(1, reader.ContinuityErrors);
    }

    [Fact]
    public void Garbage_in_front_is_passed_over()
    {
        var segment = Write(3, 180_000, TwoSeconds(new Random(6), 0), Video, Audio);
        var reader = new TsReader();
        reader.Read([1, 2, 3, .. segment]);
        Assert.Equal((3, 0), (reader.SyncErrors, reader.ContinuityErrors));
        Assert.NotNull(reader.Program);
    }

    [Fact]
    public void A_table_with_a_wrong_checksum_is_not_believed()
    {
        var segment = Write(3, 180_000, TwoSeconds(new Random(7), 0), Video, Audio);
        segment[188 + 10] ^= 1;
        var reader = new TsReader();
        Assert.Empty(reader.Read(segment));
        Assert.Null(reader.Program);
        Assert.Equal(1, reader.DamagedPackets);
    }

    [Fact]
    public void Bytes_of_any_kind_never_throw()
    {
        var good = Write(3, 180_000, TwoSeconds(new Random(8), 0, maxSize: 400), Video, Audio);
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])good.Clone();
            switch (seed % 4)
            {
                case 0:
                    random.NextBytes(bytes);
                    break;
                case 1: // noise behind good packet starts
                    random.NextBytes(bytes);
                    for (var i = 0; i < bytes.Length; i += 188)
                        (bytes[i], bytes[i + 1]) = (0x47, (byte)(bytes[i + 1] & 0x41));
                    break;
                case 2:
                    for (var i = 0; i < 200; i++)
                        bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    break;
                default:
                    bytes = bytes[..random.Next(bytes.Length)];
                    break;
            }

            var reader = new TsReader();
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(random.Next(1, 5000), bytes.Length - at);
                reader.Read(bytes.AsSpan(at, size));
                at += size;
            }

            reader.Flush();
        }
    }

    private static List<string> Describe(params IEnumerable<TsPes>[] parts) =>
    [
        .. parts.SelectMany(p => p).OrderBy(p => p.Pid).ThenBy(p => p.Dts)
            .Select(p => $"{p.Pid} {p.Pts} {p.Dts} {Convert.ToHexString(p.Payload.Span)}"),
    ];
}
