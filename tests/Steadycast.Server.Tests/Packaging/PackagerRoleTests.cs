using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Packaging;

public sealed class PackagerRoleTests : IAsyncLifetime
{
    private const string Stream = "live/show";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-packager").FullName;
    private readonly TestMeters _meters = new();
    private FakeIngest _ingest = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _ingest = await FakeIngest.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _ingest.DisposeAsync();
        _meters.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Streams_that_the_ingest_lists_are_packaged_into_the_store()
    {
        await using var stores = Stores();
        await using var role = Role(stores, "memory");
        await role.StartAsync(Cancel);
        var store = stores.Open("memory");
        foreach (var stream in (string[])["live/a", "b"])
        {
            var records = RandomFeed.Of(stream.Length, lowerEpochs: false);
            _ingest.Append(stream, Renamed(records, stream));
            await RequireAsync(store, stream, Packaged(Renamed(records, stream)));
        }

        Assert.Empty(role.Health().Reasons);
        Assert.Equal(["b", "live/a"], ((Dictionary<string, object?>)role.Health().Summary["packager_streams"]!).Keys);
    }

    [Fact]
    public async Task A_restarted_packager_continues_behind_what_the_store_has()
    {
        var records = RandomFeed.Of(3, lowerEpochs: false);
        var middle = FirstBegin(records, records.Count / 2);
        _ingest.Append(Stream, records.Take(middle));
        await RunAsync(Packaged([.. records.Take(middle)]));
        _ingest.Append(Stream, records.Skip(middle));
        var expected = Packaged(records);
        await RunAsync(expected);

        Assert.Equal([0, records[middle].Begin!.Msn], _ingest.Asked.Select(asked => asked.From));

        async Task RunAsync(List<PackagedSegment> made)
        {
            await using var stores = Stores();
            await using var role = Role(stores, _folder, Stream);
            await role.StartAsync(Cancel);
            await RequireAsync(stores.Open(_folder), Stream, made);
            await role.StopAsync(Cancel);
        }
    }

    [Fact]
    public async Task Connections_that_break_cost_nothing()
    {
        await using var stores = Stores();
        await using var role = Role(stores, "memory", Stream);
        await role.StartAsync(Cancel);
        var records = RandomFeed.Of(5, lowerEpochs: false);
        for (var at = 0; at < records.Count; at += 150)
        {
            _ingest.Append(Stream, records.Skip(at).Take(150));
            await _ingest.DropConnectionsAsync();
        }

        await RequireAsync(stores.Open("memory"), Stream, Packaged(records));
    }

    [Fact]
    public async Task A_segment_that_arrives_damaged_is_asked_for_again()
    {
        var records = RandomFeed.Of(7, lowerEpochs: false);
        var victim = records.Where(record => record.End is not null).ElementAt(2).End!;
        var distorted = 0;
        _ingest.Distort = record => ReferenceEquals(record.End, victim) && Interlocked.Increment(ref distorted) == 1
            ? new FeedRecord(victim with { Hash = new byte[32] })
            : record;
        _ingest.Append(Stream, records);
        await using var stores = Stores();
        await using var role = Role(stores, "memory", Stream);
        await role.StartAsync(Cancel);

        await RequireAsync(stores.Open("memory"), Stream, Packaged(records));
        Assert.Equal([0, victim.Msn], _ingest.Asked.Select(asked => asked.From));
        Assert.Equal(1, _meters.Sum("steadycast_packaging_dropped_total", "reason=damaged"));
    }

    [Fact]
    public async Task Tracks_that_the_container_does_not_carry_are_counted_and_said_once_with_what_to_do()
    {
        var logs = new TestLogs();
        await using var stores = Stores();
        await using var role = new PackagerRole(
            new PackagerOptions { Feed = [_ingest.Url], Container = Container.Ts, Streams = [Stream] },
            stores, TimeProvider.System, logs, _meters);
        await role.StartAsync(Cancel);
        var track = new TrackConfig(1, Codec.Av1, Convert.FromHexString("81000c000a0b000000043d06d402f80040"));
        _ingest.Append(Stream, Enumerable.Range(1, 3).SelectMany(msn => OneSegment(msn, track)));
        await UntilAsync(() => _meters.Sum("steadycast_packaging_dropped_total", "reason=unsupported") == 3);

        var warning = Assert.Single(logs.At(LogLevel.Warning));
        Assert.Contains(Stream, warning, StringComparison.Ordinal);
        Assert.Contains("Av1: MPEG-TS does not carry it: set the packager's container to fmp4", warning,
            StringComparison.Ordinal);
        Assert.Null(stores.Open("memory").Find(Stream));
    }

    [Fact]
    public async Task Sound_that_Chromium_does_not_play_is_said_once()
    {
        var logs = new TestLogs();
        await using var stores = Stores();
        await using var role = new PackagerRole(
            new PackagerOptions { Feed = [_ingest.Url], Streams = [Stream] }, stores, TimeProvider.System, logs, _meters);
        await role.StartAsync(Cancel);
        var track = new TrackConfig(2, Codec.Mp3, new byte[] { 0xFF, 0xFB, 0, 0 });
        _ingest.Append(Stream, Enumerable.Range(1, 3).SelectMany(msn => OneSegment(msn, track)));
        await stores.Open("memory").WaitAsync(Stream, 2, Patience, Cancel);
        Assert.Contains("set the packager's container to ts", Assert.Single(logs.At(LogLevel.Warning)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_takes_nothing_is_said_and_tried_again_and_nothing_is_lost()
    {
        // A file where the folder has to be: what a full disk or a wrong owner is to the store.
        await File.WriteAllTextAsync(Path.Combine(_folder, "live"), "in the way", Cancel);
        var records = RandomFeed.Of(9, lowerEpochs: false);
        _ingest.Append(Stream, records);
        await using var stores = Stores();
        await using var role = Role(stores, _folder, Stream);
        await role.StartAsync(Cancel);

        await UntilAsync(() => role.Health().Reasons.Any(reason => reason.Contains("takes nothing of live/show")));
        Assert.True(_meters.Sum("steadycast_packaging_store_failures_total") > 0);
        File.Delete(Path.Combine(_folder, "live"));

        await RequireAsync(stores.Open(_folder), Stream, Packaged(records));
        await UntilAsync(() => role.Health().Ready);
    }

    [Fact]
    public async Task An_ingest_out_of_reach_is_said()
    {
        await using var stores = Stores();
        await using var role = new PackagerRole(
            new PackagerOptions { Feed = ["http://127.0.0.1:1"] },
            stores,
            TimeProvider.System,
            NullLoggerFactory.Instance,
            _meters);
        Assert.False(role.Health().Ready);
        await role.StartAsync(Cancel);
        await UntilAsync(() => role.Health().Reasons.Any(reason => reason.Contains("does not list its streams")));
    }

    [Fact]
    public async Task Names_that_cannot_be_folders_are_refused()
    {
        _ingest.Append("live/show", RandomFeed.Of(1, lowerEpochs: false));
        await using var stores = Stores();
        await using var role = Role(stores, "memory", "../up", "live/show");
        await role.StartAsync(Cancel);
        await UntilAsync(() => stores.Open("memory").Streams.Count > 0);
        Assert.Equal(["live/show"], _ingest.Asked.Select(asked => asked.Stream).Distinct());
    }

    private static List<FeedRecord> OneSegment(long msn, TrackConfig track)
    {
        using var hash = new FeedHash();
        var epoch = new StreamEpoch(Stream, 1, Guid.Empty, 1_900_000_000_000, 2);
        var begin = new SegmentBegin(epoch, msn, msn * 180_000, false, 0, true, true, [track]);
        var unit = new AccessUnit(track.TrackId, begin.Time, 0, msn * 96_000, true, new byte[] { 0x32, 1, 0x10 });
        hash.Begin(begin);
        hash.Append(unit);
        var end = new SegmentEnd(msn, 180_000, 1, hash.End(), IsShort: false);
        return [new FeedRecord(begin), new FeedRecord(unit), new FeedRecord(end)];
    }

    private SegmentStores Stores() => new(TimeProvider.System, NullLoggerFactory.Instance, _meters);

    private PackagerRole Role(SegmentStores stores, string store, params string[] streams) => new(
        new PackagerOptions { Feed = [_ingest.Url], Store = store, Streams = streams, WindowSeconds = 600 },
        stores,
        TimeProvider.System,
        NullLoggerFactory.Instance,
        _meters);

    /// <summary>
    /// Waits for the last segment and compares all that is in the window with what a packager makes alone.
    /// </summary>
    private static async Task RequireAsync(ISegmentStore store, string stream, List<PackagedSegment> expected)
    {
        var edge = expected[^1].Record.Msn;
        var index = await store.WaitAsync(stream, edge - 1, Patience, Cancel);
        Assert.NotNull(index);
        Assert.Equal(edge, index.Edge);
        Assert.Equal(expected.Select(segment => segment.Record), index.Segments);
        foreach (var segment in expected)
        {
            var bytes = await store.ReadAsync(stream, segment.Record.Uri, Cancel);
            Assert.True(bytes!.Value.Span.SequenceEqual(segment.Bytes.Span));
            var map = await store.ReadAsync(stream, segment.Map!.Uri, Cancel);
            Assert.True(map!.Value.Span.SequenceEqual(segment.MapBytes.Span));
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < Patience);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancel);
        }
    }

    private static List<PackagedSegment> Packaged(IReadOnlyList<FeedRecord> records)
    {
        using var packager = new HlsPackager(Container.Fmp4);
        var made = new List<PackagedSegment>();
        foreach (var record in records)
        {
            packager.Add(record, out var segment);
            if (segment is not null) made.Add(segment);
        }

        return made;
    }

    private static int FirstBegin(IReadOnlyList<FeedRecord> records, int from)
    {
        while (records[from].Kind != FeedRecordKind.Begin) from++;
        return from;
    }

    /// <summary>The same media under another stream's name, its hashes made anew.</summary>
    private static List<FeedRecord> Renamed(IReadOnlyList<FeedRecord> records, string stream)
    {
        using var hash = new FeedHash();
        var renamed = new List<FeedRecord>();
        foreach (var record in records)
        {
            if (record.Begin is { } begin)
            {
                begin = begin with { Epoch = begin.Epoch with { Stream = stream } };
                hash.Begin(begin);
                renamed.Add(new FeedRecord(begin));
                continue;
            }

            if (record.Kind == FeedRecordKind.AccessUnit) hash.Append(record.AccessUnit);
            renamed.Add(record.End is { } end ? new FeedRecord(end with { Hash = hash.End() }) : record);
        }

        return renamed;
    }
}
