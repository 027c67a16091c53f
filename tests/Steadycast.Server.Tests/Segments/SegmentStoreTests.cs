using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>What both stores promise.</summary>
public sealed class SegmentStoreTests : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("steadycast-store-").FullName;
    private readonly ManualTime _time = new();
    private readonly List<DirectoryStore> _opened = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task A_published_segment_can_be_read(string kind)
    {
        var store = Open(kind);
        var index = await PublishAsync(store, BaseMsn, BaseMsn + 2);

        Assert.Equal(["live/show"], store.Streams);
        Assert.Same(index, store.Find("live/show"));
        foreach (var segment in index.Segments)
        {
            var bytes = await store.ReadAsync("live/show", segment.Uri, Token);
            Assert.Equal(segment.Sha256, Sha256(bytes!.Value.ToArray()));
        }
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task What_is_not_there_is_null(string kind)
    {
        var store = Open(kind);
        await PublishAsync(store, BaseMsn, BaseMsn);

        Assert.Null(store.Find("live/other"));
        Assert.Null(await store.ReadAsync("live/show", "1.m4s", Token));
        Assert.Null(await store.ReadAsync("live/other", "1.m4s", Token));
        Assert.Null(await store.ReadAsync("../live/show", $"{BaseMsn}.m4s", Token));
        Assert.Null(await store.ReadAsync("live/show", "../show/index.json", Token));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task A_segment_that_left_the_window_stays_for_two_windows_and_thirty_seconds(string kind)
    {
        var store = Open(kind);
        var index = await PublishAsync(store, BaseMsn, BaseMsn + 10); // ten of 2 s fit into 20 s: the first has left
        Assert.Equal(BaseMsn + 1, index.First);

        _time.Advance(TimeSpan.FromSeconds(69));
        index = await PublishAsync(store, BaseMsn + 11, BaseMsn + 11, index);
        Assert.NotNull(await store.ReadAsync("live/show", $"{BaseMsn}.m4s", Token));

        _time.Advance(TimeSpan.FromSeconds(1));
        index = await PublishAsync(store, BaseMsn + 12, BaseMsn + 12, index);
        Assert.Null(await store.ReadAsync("live/show", $"{BaseMsn}.m4s", Token));
        Assert.NotNull(await store.ReadAsync("live/show", $"{BaseMsn + 1}.m4s", Token));
        Assert.NotNull(await store.ReadAsync("live/show", Map.Uri, Token));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task Publishing_wakes_who_waits(string kind)
    {
        var store = Open(kind);
        var forFirst = store.WaitAsync("live/show", -1, TimeSpan.FromSeconds(10), Token).AsTask();
        var index = await PublishAsync(store, BaseMsn, BaseMsn);
        Assert.Same(index, await forFirst);

        var forNext = store.WaitAsync("live/show", BaseMsn, TimeSpan.FromSeconds(10), Token).AsTask();
        Assert.False(forNext.IsCompleted);
        index = await PublishAsync(store, BaseMsn + 1, BaseMsn + 1, index);
        Assert.Same(index, await forNext);
        Assert.Same(index, await store.WaitAsync("live/show", BaseMsn, TimeSpan.Zero, Token));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task Waiting_ends_with_null_when_the_time_is_up(string kind)
    {
        var store = Open(kind);
        await PublishAsync(store, BaseMsn, BaseMsn);
        var known = store.WaitAsync("live/show", BaseMsn, TimeSpan.FromSeconds(10), Token).AsTask();
        var unknown = store.WaitAsync("live/other", BaseMsn, TimeSpan.FromSeconds(10), Token).AsTask();

        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Null(await known);
        Assert.Null(await unknown);
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("directory")]
    public async Task Waiting_ends_when_cancelled(string kind)
    {
        using var stop = new CancellationTokenSource();
        var waiting = Open(kind).WaitAsync("live/show", 0, TimeSpan.FromSeconds(10), stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Theory]
    [InlineData("memory", "../escape", "1.m4s")]
    [InlineData("directory", "../escape", "1.m4s")]
    [InlineData("directory", "live/../../escape", "1.m4s")]
    [InlineData("directory", "/etc", "1.m4s")]
    [InlineData("directory", "live/show", "../1.m4s")]
    [InlineData("directory", "live/show", "index.json")]
    [InlineData("directory", "live/show", ".tmp-1")]
    [InlineData("directory", "live//show", "1.m4s")]
    [InlineData("directory", "live/show/1.m4s", "1.m4s")]
    [InlineData("directory", "live/sh\0ow", "1.m4s")]
    [InlineData("directory", "live/sh%2fow", "1.m4s")]
    public async Task A_name_that_could_lead_elsewhere_is_refused(string kind, string stream, string name)
    {
        var store = Open(kind);
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.PutAsync(stream, name, new byte[1], Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _opened)
            await store.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private ISegmentStore Open(string kind)
    {
        if (kind == "memory")
            return new MemoryStore(_time);
        var store = new DirectoryStore(_root, _time, NullLogger<DirectoryStore>.Instance);
        _opened.Add(store);
        return store;
    }
}
