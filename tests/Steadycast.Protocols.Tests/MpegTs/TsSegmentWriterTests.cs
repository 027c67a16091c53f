using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.MpegTs;
using static Steadycast.Protocols.Tests.MpegTs.TestTracks;

namespace Steadycast.Protocols.Tests.MpegTs;

public sealed class TsSegmentWriterTests
{
    [Fact]
    public void A_small_segment_is_these_bytes()
    {
        var segment = Write(
            0x1234,
            3600,
            [
                new TsAccessUnit(1, 0, 0, true, Nals([0x65, 1, 2, 3])),
                new TsAccessUnit(2, 0, 0, true, new byte[] { 9, 8, 7 }),
            ],
            Video,
            Audio);

        // 2 tables, 16 packets of video, 16 of audio.
        Assert.Equal((2 + 16 + 16) * 188, segment.Length);
        Assert.Equal(
            "474000" + "14" + "00" + "00b00d0001c10000" + "0001f000" + "2ab104b2",
            Convert.ToHexStringLower(segment[..21]));
        Assert.Equal(
            "475000" + "14" + "00" + "02b0170001c10000" + "e100f000" + "1be100f000" + "0fe101f000" + "2f44b99b",
            Convert.ToHexStringLower(segment[188..219]));
        // Unit start, PID 0x100, adaptation and payload, counter 0; adaptation with random access and PCR 0.7 s.
        Assert.StartsWith("474100" + "30", Convert.ToHexStringLower(segment[376..380]), StringComparison.Ordinal);
        Assert.Equal("50" + "00007b0c7e00", Convert.ToHexStringLower(segment[381..388]));
        var reader = new TsReader();
        reader.Read(segment);
        var packets = reader.Flush();
        Assert.Equal([[0x09, 0xF0], Sps, Pps, [0x65, 1, 2, 3]], Split(packets[0].Payload));
        Assert.Equal("fff14c80015ffc" + "090807", Convert.ToHexStringLower(packets[1].Payload.Span));
        Assert.True(packets[0] is { Pts: 126_000, Dts: 126_000, RandomAccess: true });
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Joined_segments_have_no_continuity_error_whoever_wrote_them(bool video, bool audio)
    {
        var tracks = new[] { (video, Video), (audio, Audio) }.Where(t => t.Item1).Select(t => t.Item2).ToArray();
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var reader = new TsReader();
            var maxSize = random.Next(2, 6000);
            var pictures = 0;
            for (var msn = 40L + seed; msn < 50 + seed; msn++)
            {
                // Every call stands alone: nothing of the segment before is known to it.
                var units = TwoSeconds(random, msn * 180_000, video, audio, maxSize);
                var read = reader.Read(Write(msn, (msn + 1) * 180_000, units, tracks)).Concat(reader.Flush());
                pictures += read.Count(p => p.StreamType == TsStreamType.H264);
            }

            Assert.Equal((0, 0, 0), (reader.ContinuityErrors, reader.SyncErrors, reader.DamagedPackets));
            Assert.Equal(video ? 500 : 0, pictures);
            Assert.InRange(reader.MaxPcrStep, 1, 2_700_000);
        }
    }

    [Fact]
    public void Every_access_unit_comes_back_as_it_was() => Prop.ForAll(
        ArbMap.Default.ArbFor<PositiveInt>(),
        ArbMap.Default.ArbFor<NonNegativeInt>(),
        (seed, msn) =>
        {
            var random = new Random(seed.Get);
            var units = TwoSeconds(random, msn.Get * 180_000L, maxSize: 1 + random.Next(4000));
            var reader = new TsReader();
            var segment = Write(msn.Get, (msn.Get + 1) * 180_000L, units, Video, Audio);
            var read = reader.Read(segment).Concat(reader.Flush()).ToList();

            var pictures = read.Where(p => p.StreamType == TsStreamType.H264).ToList();
            var sent = units.Where(u => u.TrackId == 1).ToList();
            Assert.Equal(sent.Count, pictures.Count);
            for (var i = 0; i < sent.Count; i++)
            {
                Assert.Equal((sent[i].Dts + 126_000) & 0x1FFFFFFFF, pictures[i].Dts);
                Assert.Equal((sent[i].Dts + sent[i].CompositionOffset + 126_000) & 0x1FFFFFFFF, pictures[i].Pts);
                Assert.Equal(sent[i].IsKeyframe, pictures[i].RandomAccess);
                var nal = sent[i].Payload.Span[4..];
                Assert.True(pictures[i].Payload.Span.EndsWith(nal));
            }

            var frames = read.Where(p => p.StreamType == TsStreamType.AacAdts).SelectMany(p => AdtsFrames(p.Payload));
            Assert.Equal(
                units.Where(u => u.TrackId == 2).Select(u => Convert.ToHexString(u.Payload.Span)),
                frames.Select(f => Convert.ToHexString(f.Span)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_media_PID_has_a_multiple_of_sixteen_payload_packets() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(),
        seed =>
        {
            var all = TwoSeconds(new Random(seed), 0, maxSize: 2000);
            var units = all.Where((_, i) => i % 2 == seed % 2 || i < 3).ToList();
            var segment = Write(7, 180_000, units, Video, Audio);
            foreach (var pid in (int[])[0x100, 0x101])
            {
                var counters = segment.Chunk(188).Where(p => ((p[1] & 0x1F) << 8 | p[2]) == pid && (p[3] & 0x10) != 0)
                    .Select(p => p[3] & 15).ToList();
                Assert.Equal(0, counters.Count % 16);
                Assert.Equal(Enumerable.Range(0, counters.Count).Select(i => i % 16), counters);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Delimiters_and_repeated_parameter_sets_go_and_changed_ones_stay()
    {
        byte[] otherPps = [0x68, 0xCB, 0x83, 0xCB, 0x21];
        byte[] sei = [0x06, 5, 1, 0];
        byte[] slice = [0x65, 1, 2];
        var payload = OnlyPicture(new TsAccessUnit(1, 0, 0, true, Nals([0x09, 0x10], Sps, Pps, otherPps, sei, slice)));
        Assert.Equal([[0x09, 0xF0], Sps, Pps, otherPps, sei, slice], Split(payload));

        payload = OnlyPicture(new TsAccessUnit(1, 0, 0, false, Nals([0x09, 0x10], Sps, Pps, [0x41, 7])));
        Assert.Equal([[0x09, 0xF0], [0x41, 7]], Split(payload));
    }

    [Fact]
    public void HEVC_has_its_own_delimiter_and_descriptor()
    {
        var config = new TrackConfig(1, Codec.H265, HevcRecord());
        var picture = Nals([0x46, 0x01, 0x30], [0x26, 0x01, 0xAF]);
        var segment = Write(1, 3600, [new TsAccessUnit(1, 0, 0, true, picture)], config);
        var reader = new TsReader();
        reader.Read(segment);
        var nals = Split(reader.Flush()[0].Payload);
        Assert.Equal(TsStreamType.H265, reader.Program!.Streams[0].StreamType);
        Assert.Equal([0x46, 0x01, 0x50], nals[0]);
        Assert.Equal([0x40, 0x42, 0x44, 0x26], nals[1..].Select(n => n[0]));
        Assert.Contains("0504" + "48455643", Convert.ToHexStringLower(segment), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(45_000)] // 2 fps
    [InlineData(900_000)] // one picture in ten seconds
    public void A_slow_camera_has_a_clock_every_tenth_of_a_second(int step)
    {
        var reader = new TsReader();
        var random = new Random(1);
        for (var msn = 0; msn < 4; msn++)
        {
            var start = msn * 900_000L;
            var numbers = Enumerable.Range(0, 900_000 / step);
            var units = numbers.Select(i => Picture(random, start + i * step, i == 0, 500)).ToList();
            reader.Read(Write(msn, start + 900_000, units, Video));
        }

        Assert.Equal(2_700_000, reader.MaxPcrStep);
        Assert.Equal(0, reader.ContinuityErrors);
    }

    [Fact]
    public void Times_wrap_at_33_bits_without_a_step()
    {
        var reader = new TsReader();
        var random = new Random(2);
        var read = new List<TsPes>();
        const long wrap = 1L << 33;
        for (var msn = 0; msn < 6; msn++)
        {
            var start = wrap - 126_000 - 540_000 + msn * 180_000L;
            read.AddRange(reader.Read(Write(msn, start + 180_000, TwoSeconds(random, start), Video, Audio)));
            read.AddRange(reader.Flush());
        }

        Assert.InRange(reader.MaxPcrStep, 1, 2_700_000);
        Assert.Contains(read, p => p.Dts < 180_000);
        Assert.Contains(read, p => p.Dts > wrap - 180_000);
    }

    [Fact]
    public void A_negative_composition_offset_brings_the_DTS_down()
    {
        var segment = Write(1, 3600, [new TsAccessUnit(1, 9000, -3000, true, Nals([0x65, 1]))], Video);
        var reader = new TsReader();
        reader.Read(segment);
        var picture = Assert.Single(reader.Flush());
        Assert.Equal((132_000L, 132_000L), (picture.Pts!.Value, picture.Dts!.Value));
    }

    [Fact]
    public void What_cannot_be_carried_is_refused()
    {
        Assert.False(TsSegmentWriter.CanCarry(Codec.Opus));
        Assert.Throws<ArgumentException>(() => Write(1, 1, [], new TrackConfig(1, Codec.Av1, new byte[4])));
        Assert.Throws<ArgumentException>(() => Write(1, 1, []));
        Assert.Throws<ArgumentException>(() => Write(1, 1, [new TsAccessUnit(3, 0, 0, true, new byte[9])], Video));
        var cut = new TsAccessUnit(1, 0, 0, true, new byte[] { 0, 0, 0, 9, 1 });
        Assert.Throws<CodecFormatException>(() => Write(1, 1, [cut], Video));
        var large = new TsAccessUnit(2, 0, 0, true, new byte[8185]);
        Assert.Throws<CodecFormatException>(() => Write(1, 1, [large], Audio));
    }

    private static ReadOnlyMemory<byte> OnlyPicture(TsAccessUnit unit)
    {
        var reader = new TsReader();
        reader.Read(Write(1, 3600, [unit], Video));
        return Assert.Single(reader.Flush()).Payload;
    }

    private static List<byte[]> Split(ReadOnlyMemory<byte> annexB)
    {
        var hex = Convert.ToHexStringLower(annexB.Span);
        return [.. hex.Split("00000001", StringSplitOptions.RemoveEmptyEntries).Select(Hex.Bytes)];
    }

    private static IEnumerable<ReadOnlyMemory<byte>> AdtsFrames(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var header = bytes.Span;
            var length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5;
            yield return bytes[7..length];
            bytes = bytes[length..];
        }
    }

    /// <summary>hvcC around one parameter set of each kind.</summary>
    private static byte[] HevcRecord()
    {
        byte[] vps = [0x40, 0x01, 0x0C];
        var sps = Hex.Bytes("42010101600000030090000003000003003ca00a480b9c9596566924caf01680800001f480003a9804");
        byte[] pps = [0x44, 0x01, 0xC1];
        var record = new List<byte>([1, .. new byte[20], 0xFF, 3]);
        foreach (var (type, set) in (ReadOnlySpan<(byte, byte[])>)[(32, vps), (33, sps), (34, pps)])
            record.AddRange([type, 0, 1, 0, (byte)set.Length, .. set]);
        return [.. record];
    }
}
