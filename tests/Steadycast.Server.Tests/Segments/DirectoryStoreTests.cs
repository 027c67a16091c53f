using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>What a folder adds: other processes, restarts, and a disk that says no.</summary>
public sealed class DirectoryStoreTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _root = Directory.CreateTempSubdirectory("steadycast-store-").FullName;
    private readonly ManualTime _time = new();
    private readonly TestMeters _meters = new();
    private readonly List<DirectoryStore> _opened = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_root, "live", "show");

    [Fact]
    public async Task The_folder_holds_what_any_web_server_can_serve()
    {
        var index = await PublishAsync(Open(), BaseMsn, BaseMsn + 1);
        Assert.Equal(
            ["54321000.m4s", "54321001.m4s", "index.json", "index.m3u8", "init-1a2b3c4d.mp4", "master.m3u8"],
            Directory.EnumerateFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(PlaylistBuilder.Media(index), await FileBytesAsync("index.m3u8"));
        Assert.Equal(PlaylistBuilder.Multivariant(index), await FileBytesAsync("master.m3u8"));
        Assert.Equal(StreamIndexJson.Write(index), await FileBytesAsync("index.json"));
    }

    [Fact]
    public async Task The_folder_holds_every_playlist_of_the_index_and_no_other()
    {
        var index = RenditionTests.Changing();
        await Open().PublishAsync(index, Token);
        string[] playlists = ["index.m3u8", "video.m3u8", "audio-0.m3u8", "audio-1.m3u8", "audio-2.m3u8"];
        foreach (var name in playlists)
            Assert.Equal(PlaylistBuilder.Media(index, name), await FileBytesAsync(name));

        // By another process, after all of them have gone.
        await Open().PublishAsync(Index(from: index.Edge + 10), Token);
        Assert.Equal(
            ["index.json", "index.m3u8", "master.m3u8"],
            Directory.EnumerateFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>Two stores on one folder know nothing of each other: to each, the other is another process.</summary>
    [Fact]
    public async Task Another_process_sees_a_stream_appear_and_grow()
    {
        var reader = Open(TimeProvider.System);
        var appears = reader.WaitAsync("live/show", -1, Patience, Token).AsTask();
        var writer = Open();
        var index = await PublishAsync(writer, BaseMsn, BaseMsn);
        Assert.Equal(BaseMsn, (await appears)!.Edge);
        Assert.Equal(["live/show"], reader.Streams);

        for (var msn = BaseMsn + 1; msn < BaseMsn + 20; msn++)
        {
            var grows = reader.WaitAsync("live/show", msn - 1, Patience, Token).AsTask();
            index = await PublishAsync(writer, msn, msn, index);
            var seen = await grows;
            Assert.Equal(msn, seen!.Edge);
            Assert.NotNull(await reader.ReadAsync("live/show", seen.Segments[^1].Uri, Token));
        }
    }

    [Fact]
    public async Task A_folder_that_is_removed_is_a_stream_no_more()
    {
        var store = Open(TimeProvider.System);
        await PublishAsync(Open(), BaseMsn, BaseMsn);
        Assert.NotNull(await store.WaitAsync("live/show", -1, Patience, Token));
        Directory.Delete(Path.Combine(_root, "live"), recursive: true);
        await UntilAsync(() => store.Streams.Count == 0);
    }

    [Fact]
    public async Task An_index_that_cannot_be_believed_changes_nothing()
    {
        var writer = Open();
        var index = await PublishAsync(writer, BaseMsn, BaseMsn);
        var reader = Open(TimeProvider.System);
        foreach (var bad in (string[])["", "{", Encoding.UTF8.GetString(StreamIndexJson.Write(Index("live/other")))])
        {
            var before = _meters.Sum("steadycast_segments_index_rejected_total");
            await File.WriteAllTextAsync(Path.Combine(Folder, "x"), bad, Token);
            File.Move(Path.Combine(Folder, "x"), Path.Combine(Folder, "index.json"), overwrite: true);
            await UntilAsync(() => _meters.Sum("steadycast_segments_index_rejected_total") > before);
            Assert.Equal(BaseMsn, reader.Find("live/show")!.Edge);
        }

        var grows = reader.WaitAsync("live/show", BaseMsn, Patience, Token).AsTask();
        await PublishAsync(writer, BaseMsn + 1, BaseMsn + 1, index);
        Assert.Equal(BaseMsn + 1, (await grows)!.Edge);
    }

    [Fact]
    public async Task What_an_earlier_process_left_goes_in_time_and_its_window_stays()
    {
        var index = await PublishAsync(Open(), BaseMsn, BaseMsn + 11); // the first two have left the window
        await File.WriteAllBytesAsync(Path.Combine(Folder, ".tmp-0123"), new byte[9], Token);
        await File.WriteAllBytesAsync(Path.Combine(Folder, "17.m4s"), new byte[9], Token);

        var store = Open();
        index = await PublishAsync(store, BaseMsn + 12, BaseMsn + 12, index);
        Assert.False(File.Exists(Path.Combine(Folder, ".tmp-0123")));
        Assert.True(File.Exists(Path.Combine(Folder, "17.m4s")));
        Assert.True(File.Exists(Path.Combine(Folder, $"{BaseMsn}.m4s")));

        _time.Advance(TimeSpan.FromSeconds(70));
        index = await PublishAsync(store, BaseMsn + 13, BaseMsn + 13, index);
        Assert.False(File.Exists(Path.Combine(Folder, "17.m4s")));
        Assert.False(File.Exists(Path.Combine(Folder, $"{BaseMsn}.m4s")));
        Assert.All(index.Segments, s => Assert.True(File.Exists(Path.Combine(Folder, s.Uri))));
        Assert.Equal(2.0 + 1 + 1, _meters.Sum("steadycast_segments_removed_total"));
    }

    [Fact]
    public async Task A_restarted_packager_that_only_stores_removes_nothing_that_is_still_listed()
    {
        var index = await PublishAsync(Open(), BaseMsn, BaseMsn + 3);
        var store = Open();
        await store.PutAsync("live/show", "1.m4s", new byte[1], Token);
        _time.Advance(TimeSpan.FromHours(1));
        await store.PutAsync("live/show", "2.m4s", new byte[1], Token);
        Assert.All(index.Segments, s => Assert.True(File.Exists(Path.Combine(Folder, s.Uri))));
        Assert.False(File.Exists(Path.Combine(Folder, "1.m4s")));
    }

    [Fact]
    public async Task Whoever_reads_while_it_is_written_sees_whole_files_only()
    {
        var store = Open();
        var first = await PublishAsync(store, BaseMsn, BaseMsn);
        var writing = Task.Run(() => PublishAsync(store, BaseMsn + 1, BaseMsn + 150, first), Token);
        var reads = 0;
        while (!writing.IsCompleted || reads == 0)
        {
            var index = StreamIndexJson.Read(await FileBytesAsync("index.json"));
            foreach (var segment in index.Segments)
                Assert.Equal(segment.Sha256, Sha256(await FileBytesAsync(segment.Uri)));
            reads++;
        }

        await writing;
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_an_IOException()
    {
        var file = Path.Combine(_root, "file");
        await File.WriteAllTextAsync(file, "", Token);
        Assert.ThrowsAny<IOException>(() => new DirectoryStore(
            Path.Combine(file, "x"), _time, NullLogger<DirectoryStore>.Instance));

        var store = Open();
        var index = await PublishAsync(store, BaseMsn, BaseMsn);
        Directory.CreateDirectory(Path.Combine(Folder, $"{BaseMsn + 1}.m4s"));
        await Assert.ThrowsAnyAsync<IOException>(() => PublishAsync(store, BaseMsn + 1, BaseMsn + 1, index));
        Assert.Equal(1, _meters.Sum("steadycast_segments_write_failures_total", "store=directory"));
        Assert.Empty(Directory.EnumerateFiles(Folder, ".tmp-*"));
    }

    [Fact]
    public async Task Links_out_of_the_folder_are_not_followed_in_search_of_streams()
    {
        var outside = Directory.CreateTempSubdirectory("steadycast-outside-").FullName;
        try
        {
            await using (var other = new DirectoryStore(outside, _time, NullLogger<DirectoryStore>.Instance))
                await PublishAsync(other, BaseMsn, BaseMsn, stream: "secret");
            Directory.CreateSymbolicLink(Path.Combine(_root, "link"), outside);
            Assert.Empty(Open().Streams);
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task The_stores_of_a_process_are_opened_once()
    {
        await using var stores = new SegmentStores(_time, NullLoggerFactory.Instance, _meters);
        Assert.Same(stores.Open("memory"), stores.Open("memory"));
        Assert.Same(stores.Open(_root), stores.Open(_root + "/"));
        Assert.Same(stores.Open(_root), stores.Open(Path.Combine(_root, "x", "..")));
        Assert.NotSame(stores.Open(_root), stores.Open(Path.Combine(_root, "x")));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _opened)
            await store.DisposeAsync();
        Directory.Delete(_root, recursive: true);
        _meters.Dispose();
    }

    private DirectoryStore Open(TimeProvider? time = null)
    {
        var store = new DirectoryStore(
            _root, time ?? _time, NullLogger<DirectoryStore>.Instance, new SegmentsMetrics(_meters));
        _opened.Add(store);
        return store;
    }

    private Task<byte[]> FileBytesAsync(string name) => File.ReadAllBytesAsync(Path.Combine(Folder, name), Token);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(Patience, TimeProvider.System);
        while (!condition())
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, deadline.Token);
    }
}
