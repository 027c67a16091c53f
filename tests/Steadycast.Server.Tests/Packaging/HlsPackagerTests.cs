using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;

namespace Steadycast.Server.Tests.Packaging;

public sealed class HlsPackagerTests
{
    private static readonly TrackConfig Video = new(
        1,
        Codec.H264,
        Convert.FromHexString(
            "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800"));

    private static readonly TrackConfig Audio = new(2, Codec.Aac, new byte[] { 0x12, 0x10 });

    [Fact]
    public void A_segment_carries_all_that_its_index_needs()
    {
        using var packager = new HlsPackager(Container.Fmp4);
        Assert.Equal(PackagingStep.Packaged, Add(packager, Segment(7, [Video, Audio]), out var segment));
        var record = segment!.Record;
        Assert.Equal((7L, "7.m4s", 90_000L, 180_000L), (record.Msn, record.Uri, record.Time, record.Duration));
        // 1 s above the anchor.
        Assert.Equal(1_900_000_001_000, record.ProgramDateTimeMs);
        Assert.Equal(segment.Map!.Uri, record.MapUri);
        Assert.Equal(
            ("avc1.64000d,mp4a.40.2", 322, 182, 29.97),
            (segment.Variant.Codecs, segment.Variant.Width, segment.Variant.Height, segment.Variant.FrameRate));
        var index = segment.AppendTo(null, TimeSpan.FromMinutes(1));
        Assert.Equal((7L, 7L, 4), (index.First, index.Edge, index.TargetDurationSeconds));
        Assert.True(index.Variant.Bandwidth > 0);
    }

    [Fact]
    public void A_number_is_never_given_twice()
    {
        using var packager = new HlsPackager(Container.Fmp4);
        Add(packager, Segment(7, [Video]), out _);
        Assert.Equal(PackagingStep.Repeated, Add(packager, Segment(7, [Audio]), out var segment));
        Assert.Null(segment);
        Assert.Equal(PackagingStep.Repeated, Add(packager, Segment(6, [Video]), out _));
        Assert.Equal(PackagingStep.Packaged, Add(packager, Segment(8, [Video]), out _));
    }

    [Fact]
    public void What_the_store_has_is_continued_and_its_epoch_is_the_fence()
    {
        using var first = new HlsPackager(Container.Ts);
        Add(first, Segment(7, [Video], epoch: 5), out var segment);
        using var second = new HlsPackager(Container.Ts, segment!.AppendTo(null, TimeSpan.FromMinutes(1)));
        Assert.Equal(7, second.LastMsn);
        Assert.Equal(PackagingStep.Repeated, Add(second, Segment(7, [Video], epoch: 5), out _));
        Assert.Equal(PackagingStep.Accepted, Add(second, Segment(8, [Video], epoch: 4), out _));
        Assert.Equal(PackagingStep.Packaged, Add(second, Segment(8, [Video], epoch: 5), out _));
    }

    [Fact]
    public void What_cannot_be_written_keeps_its_number_as_a_gap()
    {
        using var packager = new HlsPackager(Container.Ts);
        // A NAL unit that says it is longer than its access unit.
        var broken = Segment(7, [Video], payload: [0, 0, 0, 9, 0x65]);
        Assert.Equal(PackagingStep.Gap, Add(packager, broken, out var segment));
        Assert.True(segment!.Record.Gap);
        Assert.Equal((0, "7.ts"), (segment.Record.Bytes, segment.Record.Uri));
        Assert.Contains("past the end", packager.LastFault);
        Assert.Equal(PackagingStep.Packaged, Add(packager, Segment(8, [Video]), out var next));
        var index = next!.AppendTo(segment.AppendTo(null, TimeSpan.FromMinutes(1)), TimeSpan.FromMinutes(1));
        Assert.Equal((7L, 8L), (index.First, index.Edge));
    }

    [Fact]
    public void Tracks_that_the_container_cannot_carry_are_said()
    {
        using var packager = new HlsPackager(Container.Fmp4);
        var vp9 = new TrackConfig(1, Codec.Vp9, default);
        Assert.Equal(PackagingStep.Unsupported, Add(packager, Segment(7, [vp9]), out _));
        Assert.Contains("Vp9", packager.LastFault);
        Assert.Equal(-1, packager.LastMsn);
    }

    [Theory]
    [InlineData(Container.Fmp4, "video.m3u8", "audio-0.m3u8", "video.m3u8,audio-0.m3u8,index.m3u8,audio-1.m3u8,audio-3.m3u8")]
    [InlineData(Container.Ts, "index.m3u8", null, "index.m3u8,audio-1.m3u8,audio-3.m3u8")]
    public void Every_audio_track_has_a_playlist(Container container, string variant, string? first, string playlists)
    {
        using var packager = new HlsPackager(container);
        Add(packager, Segment(7, [Video, Audio, Audio with { TrackId = 3 }, Audio with { TrackId = 5 }]), out var segment);
        Assert.Equal(playlists, string.Join(',', segment!.Record.Parts!.Select(part => part.Playlist)));
        Assert.Equal(variant, segment.Audio!.VariantUri);
        Assert.Equal([first, "audio-1.m3u8", "audio-3.m3u8"], segment.Audio.Renditions.Select(r => r.Uri));
        Assert.Equal(["Audio 1", "Audio 2", "Audio 4"], segment.Audio.Renditions.Select(r => r.Name));
        Assert.Equal("avc1.64000d,mp4a.40.2", segment.Variant.Codecs);
        // Tracks of one configuration have one initialisation section.
        Assert.Equal(container == Container.Fmp4 ? 3 : 0, segment.Maps.Length);
        Assert.Equal(segment.Bytes.Length, segment.Record.Parts!.Max(part => part.Offset + part.Bytes));
    }

    [Fact]
    public void A_track_that_the_container_cannot_carry_beside_the_first_one_is_left_out()
    {
        using var packager = new HlsPackager(Container.Ts);
        var opus = new TrackConfig(3, Codec.Opus, Convert.FromHexString("4F707573486561640102380180BB0000000000"));
        using var plain = new HlsPackager(Container.Ts);
        Add(plain, Segment(7, [Video, Audio]), out var expected);
        Assert.Equal(PackagingStep.Packaged, Add(packager, Segment(7, [Video, Audio, opus]), out var segment));
        Assert.Equal([opus], packager.LeftOut);
        Assert.Null(segment!.Audio);
        Assert.True(segment.Bytes.Span.SequenceEqual(expected!.Bytes.Span));
        Assert.Equal(expected.Record, segment.Record);
    }

    [Fact]
    public void A_segment_without_length_is_not_published()
    {
        using var packager = new HlsPackager(Container.Fmp4);
        Assert.Equal(PackagingStep.Damaged, Add(packager, Segment(7, [Video], duration: 0), out _));
    }

    [Theory]
    [InlineData(29.97, 30000 / 1001.0)]
    [InlineData(29.97, 29.99)]
    [InlineData(15, 15)]
    [InlineData(60, 60)]
    [InlineData(59.94, 60000 / 1001.0)]
    [InlineData(12.5, 12.5)]
    public void The_frame_rate_is_declared_or_measured(double expected, double actual)
    {
        // The SPS declares 29.97.
        using var packager = new HlsPackager(Container.Fmp4);
        Add(packager, Segment(7, [Video], rate: actual), out var segment);
        Assert.Equal(expected, segment!.Variant.FrameRate);
    }

    private static List<FeedRecord> Segment(
        long msn,
        ImmutableArray<TrackConfig> tracks,
        uint epoch = 1,
        long duration = 180_000,
        byte[]? payload = null,
        double rate = 30000 / 1001.0)
    {
        var begin = new SegmentBegin(
            new StreamEpoch("live/show", epoch, Guid.Empty, 1_900_000_000_000, 4),
            msn,
            90_000,
            Discontinuity: false,
            0,
            Independent: true,
            AllIndependent: true,
            tracks);
        var records = new List<FeedRecord> { new(begin) };
        using var hash = new FeedHash();
        hash.Begin(begin);
        foreach (var track in tracks)
        {
            for (var i = 0; i < (track.IsVideo ? rate * 2 : 1); i++)
            {
                var dts = 90_000 + (90 * (long)Math.Round(i * 1000 / rate));
                var bytes = track.IsVideo ? payload ?? [0, 0, 0, 2, 0x65, 0x88] : [0x21, 0x10];
                var unit = new AccessUnit(track.TrackId, dts, 0, 44_100, i == 0, bytes);
                hash.Append(unit);
                records.Add(new FeedRecord(unit));
            }
        }

        records.Add(new FeedRecord(new SegmentEnd(msn, duration, records.Count - 1, hash.End(), false)));
        return records;
    }

    private static PackagingStep Add(HlsPackager packager, List<FeedRecord> records, out PackagedSegment? segment)
    {
        var step = PackagingStep.Accepted;
        segment = null;
        foreach (var record in records) step = packager.Add(record, out segment);
        return step;
    }
}
