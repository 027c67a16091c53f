using System.Buffers.Binary;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Mp4;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;

namespace Steadycast.Server.Tests.Packaging;

/// <summary>Fragments say the times that the feed stamped, and nothing else.</summary>
public sealed class SegmentMuxerTests
{
    [Fact]
    public void Fragments_keep_every_time_and_every_byte()
    {
        var fragments = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            foreach (var segment in Segments(RandomFeed.Of(seed, lowerEpochs: false, everyCodec: true)))
            {
                var muxer = new SegmentMuxer(Container.Fmp4, segment.Begin.Tracks);
                var bytes = muxer.Write(segment);
                foreach (var track in muxer.Descriptions)
                {
                    var units = segment.AccessUnits.Where(unit => unit.TrackId == track.Config.TrackId).ToArray();
                    if (units.Length == 0) continue;
                    Require(Traf(bytes.Span, track.Config.TrackId), bytes.Span, units, track, segment);
                    fragments++;
                }
            }
        }

        Assert.True(fragments > 300);
    }

    [Fact]
    public void What_the_container_cannot_carry_is_refused_before_anything_is_written()
    {
        var opus = new TrackConfig(2, Codec.Opus, Convert.FromHexString("4F707573486561640102380180BB0000000000"));
        Assert.NotNull(new SegmentMuxer(Container.Fmp4, [opus]).Map);
        var refusal = Assert.Throws<CodecFormatException>(() => new SegmentMuxer(Container.Ts, [opus]));
        Assert.Contains("set the packager's container to fmp4", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<CodecFormatException>(() => new SegmentMuxer(Container.Fmp4, []));
        Assert.Throws<CodecFormatException>(() => new SegmentMuxer(Container.Fmp4, [opus, opus]));
    }

    private static void Require(
        ReadOnlySpan<byte> traf,
        ReadOnlySpan<byte> file,
        AccessUnit[] units,
        TrackDescription track,
        StampedSegment segment)
    {
        Assert.True(BoxReader.TryFind(traf, "tfdt", out var tfdt));
        Assert.True(BoxReader.TryFind(traf, "trun", out var trun));
        var isVideo = track.Config.IsVideo;
        long time = BinaryPrimitives.ReadInt64BigEndian(tfdt[4..]);
        var writesDurations = (trun[2] & 1) != 0;
        Assert.Equal(units.Length, BinaryPrimitives.ReadInt32BigEndian(trun[4..]));
        var media = BinaryPrimitives.ReadInt32BigEndian(trun[8..]);
        var at = 12;
        foreach (var unit in units)
        {
            Assert.Equal(isVideo ? unit.Dts : unit.SamplePosition, time);
            time += writesDurations ? Next(trun, ref at) : track.SamplesOf(unit.Payload.Span);
            var size = Next(trun, ref at);
            Assert.True(unit.Payload.Span.SequenceEqual(file.Slice(media, size)));
            media += size;
            if (!isVideo) continue;
            Assert.Equal(unit.IsKeyframe ? 0x02000000 : 0x01010000, Next(trun, ref at));
            Assert.Equal(unit.CompositionOffset, Next(trun, ref at));
        }

        Assert.Equal(trun.Length, at);
        if (isVideo) Assert.Equal(segment.Begin.Time + segment.End.Duration, time);
    }

    private static int Next(ReadOnlySpan<byte> trun, ref int at)
    {
        at += 4;
        return BinaryPrimitives.ReadInt32BigEndian(trun[(at - 4)..]);
    }

    private static ReadOnlySpan<byte> Traf(ReadOnlySpan<byte> file, byte trackId)
    {
        Assert.True(BoxReader.TryFind(file, "moof", out var moof));
        var reader = new BoxReader(moof);
        while (reader.TryRead(out var box))
        {
            if (BoxReader.TryFind(box.Body, "tfhd", out var tfhd) && tfhd[7] == trackId) return box.Body;
        }

        throw new FormatException($"No traf of track {trackId}");
    }

    private static List<StampedSegment> Segments(IReadOnlyList<FeedRecord> records)
    {
        using var assembler = new SegmentAssembler();
        var segments = new List<StampedSegment>();
        foreach (var record in records)
        {
            assembler.Add(record, out var segment);
            if (segment is not null) segments.Add(segment);
        }

        return segments;
    }
}
