using System.Text;
using Steadycast.Protocols.Hls;
using Steadycast.Protocols.Mp4;
using Steadycast.Protocols.MpegTs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Packaging;

/// <summary>
/// The promise that the whole failover rests on: two packagers never write different bytes under one number.
/// </summary>
public sealed class BitIdenticalTests
{
    private const int Seeds = 250;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(Container.Fmp4, false)]
    [InlineData(Container.Fmp4, true)]
    [InlineData(Container.Ts, false)]
    [InlineData(Container.Ts, true)]
    public void Packagers_that_come_and_go_write_the_same_bytes(Container container, bool extraTracks)
    {
        var restarts = 0;
        var segments = 0;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            foreach (var resumes in (bool[])[false, true])
            {
                // One without memory cannot know that an epoch is over; one with a store can.
                var records = RandomFeed.Of(seed, resumes, everyCodec: container == Container.Fmp4, extraTracks);
                var expected = FromTheStart(records, container);
                segments += expected.Count;
                restarts += Compare(seed, expected, ComingAndGoing(records, container, random, resumes), all: resumes);
            }
        }

        Assert.True(restarts > 5 * Seeds, $"{restarts} restarts over {segments} segments");
    }

    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public void Every_segment_is_whole_and_the_index_is_that_of_the_records(Container container)
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var ts = new TsReader();
            StreamIndex? index = null;
            var records = RandomFeed.Of(seed, lowerEpochs: true, everyCodec: container == Container.Fmp4);
            foreach (var segment in FromTheStart(records, container).Values)
            {
                index = segment.AppendTo(index, Window);
                Assert.Equal(segment.Record.Msn, index.Edge);
                Assert.Equal(segment.Bytes.Length, segment.Record.Bytes);
                if (container == Container.Ts) ts.Read(segment.Bytes.Span);
                else Assert.True(MediaFragment.IsWhole(segment.Bytes.Span));
            }

            Assert.Equal((0, 0, 0), (ts.ContinuityErrors, ts.SyncErrors, ts.DamagedPackets));
        }
    }

    /// <summary>What each playlist names is media by itself, and all of them say the same of each number.</summary>
    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public void Every_playlist_s_part_is_whole(Container container)
    {
        var (parts, silent) = (0, 0);
        for (var seed = 0; seed < Seeds; seed++)
        {
            StreamIndex? index = null;
            var readers = new Dictionary<string, TsReader>(StringComparer.Ordinal);
            var records = RandomFeed.Of(seed, lowerEpochs: true, container == Container.Fmp4, extraTracks: true);
            foreach (var segment in FromTheStart(records, container).Values)
            {
                index = StreamIndexJson.Read(StreamIndexJson.Write(segment.AppendTo(index, Window)));
                // Behind a gap counters begin anew.
                foreach (var lost in readers.Keys.Where(name => segment.Record.Parts?.Find(name) is null).ToList())
                {
                    readers.Remove(lost, out var ts);
                    RequireSilent(ts!);
                }

                foreach (var part in segment.Record.Parts ?? Enumerable.Empty<SegmentPart>())
                {
                    var bytes = segment.Bytes.Span.Slice(part.Offset, part.Bytes);
                    if (container == Container.Fmp4)
                        Assert.True(MediaFragment.IsWhole(bytes), $"seed {seed}: {part}");
                    else
                        Reader(readers, part.Playlist).Read(bytes);
                    parts++;
                }

                var sounds = segment.Record.Parts?.Where(part => part.Playlist != ObjectName.MediaPlaylist).ToList();
                silent += sounds is null ? 0 : sounds.Count - sounds.DistinctBy(part => part.Offset).Count();
                foreach (var playlist in index.MediaPlaylists)
                    PlaylistReader.ParseMedia(Encoding.UTF8.GetString(PlaylistBuilder.Media(index, playlist)));
            }

            Assert.All(readers.Values, RequireSilent);
        }

        Assert.True(parts > 1000 && silent > 100, $"{parts} parts, {silent} silent");

        static void RequireSilent(TsReader ts) =>
            Assert.Equal((0, 0, 0), (ts.ContinuityErrors, ts.SyncErrors, ts.DamagedPackets));

        static TsReader Reader(Dictionary<string, TsReader> readers, string playlist)
        {
            if (!readers.TryGetValue(playlist, out var reader))
                readers[playlist] = reader = new TsReader();
            return reader;
        }
    }

    private static SortedDictionary<long, PackagedSegment> FromTheStart(
        IReadOnlyList<FeedRecord> records, Container container)
    {
        using var packager = new HlsPackager(container);
        var made = new SortedDictionary<long, PackagedSegment>();
        foreach (var record in records)
        {
            if (packager.Add(record, out var segment) == PackagingStep.Packaged) made.Add(segment!.Record.Msn, segment);
            else Assert.Null(segment);
        }

        return made;
    }

    /// <summary>
    /// Kills the packager at random records. The next one reads on from there, so that it joins at the next begin; or
    /// it resumes as the role does: from the ring, behind what the store has.
    /// </summary>
    private static (List<PackagedSegment> Made, int Restarts) ComingAndGoing(
        IReadOnlyList<FeedRecord> records, Container container, Random random, bool resumes)
    {
        var made = new List<PackagedSegment>();
        var restarts = 0;
        StreamIndex? index = null;
        var packager = new HlsPackager(container);
        for (var at = 0; at < records.Count; at++)
        {
            if (random.Next(330) == 0)
            {
                packager.Dispose();
                packager = new HlsPackager(container, resumes ? index : null);
                restarts++;
                if (resumes) at = FirstBegin(records, packager.LastMsn + 1);
            }

            packager.Add(records[at], out var segment);
            if (segment is null) continue;
            made.Add(segment);
            index = segment.AppendTo(index, Window);
        }

        packager.Dispose();
        return (made, restarts);
    }

    private static int FirstBegin(IReadOnlyList<FeedRecord> records, long msn)
    {
        for (var i = 0; i < records.Count; i++)
        {
            if (records[i].Begin is { } begin && begin.Msn >= msn) return i;
        }

        return records.Count - 1;
    }

    private static int Compare(
        int seed,
        SortedDictionary<long, PackagedSegment> expected,
        (List<PackagedSegment> Made, int Restarts) actual,
        bool all)
    {
        var count = actual.Made.Count;
        Assert.True(!all || count == expected.Count, $"seed {seed}: {count} of {expected.Count}");
        foreach (var segment in actual.Made)
        {
            Assert.True(expected.TryGetValue(segment.Record.Msn, out var other), $"seed {seed}: {segment.Record.Msn}");
            Assert.Equal(other.Record, segment.Record);
            Assert.Equal(other.Maps.Select(map => map.Record), segment.Maps.Select(map => map.Record));
            foreach (var (a, b) in other.Maps.Zip(segment.Maps)) Assert.True(a.Bytes.Span.SequenceEqual(b.Bytes.Span));
            Assert.Equal(other.Variant, segment.Variant);
            Assert.True(segment.Bytes.Span.SequenceEqual(other.Bytes.Span), $"seed {seed}: {segment.Record.Msn}");
        }

        return actual.Restarts;
    }
}
