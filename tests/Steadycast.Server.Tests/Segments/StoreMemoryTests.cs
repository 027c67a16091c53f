using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>Hours of segments leave no more behind than a window's worth.</summary>
[Collection(nameof(WholeProcess))]
public sealed class StoreMemoryTests
{
    private const int Segments = 10_000;
    private const int SegmentBytes = 1000;

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Ten_thousand_segments_in_memory_take_no_more_than_the_first_thousand() =>
        await PublishForHoursAsync(new MemoryStore(_time));

    [Fact]
    public async Task Ten_thousand_segments_in_a_folder_take_no_more_than_the_first_thousand()
    {
        // Memory as a disk, where there is one: this is about what stays, not about how fast a disk flushes.
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var root = Path.Combine(parent, "steadycast-store-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(root);
        try
        {
            await using var store = new DirectoryStore(root, _time, NullLogger<DirectoryStore>.Instance);
            await PublishForHoursAsync(store);
            // 10 in the window, 70 s of them after it, one map, three index files.
            Assert.Equal(10 + 35 + 1 + 3, Directory.EnumerateFiles(Path.Combine(root, "live/show")).Count());
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private async Task PublishForHoursAsync(ISegmentStore store)
    {
        var token = TestContext.Current.CancellationToken;
        var bytes = new byte[SegmentBytes];
        StreamIndex? index = null;
        long early = 0;
        await store.PutAsync("live/show", Map.Uri, InitBytes, token);
        for (var i = 0; i < Segments; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            var record = Record(BaseMsn + i, i * 180_000L, bytes: SegmentBytes);
            await store.PutAsync("live/show", record.Uri, bytes, token);
            await store.PublishAsync(index = Append(index, record), token);
            if (i == 1000)
                early = GC.GetTotalMemory(forceFullCollection: true);
        }

        var grown = GC.GetTotalMemory(forceFullCollection: true) - early;
        // 9,000 segments of 1,000 bytes would be 9 MB; other tests of this process allocate meanwhile.
        Assert.True(grown < 4_000_000, $"grown by {grown} bytes");
        Assert.Null(await store.ReadAsync("live/show", $"{BaseMsn}.m4s", token));
        Assert.Equal(BaseMsn + Segments - 1, store.Find("live/show")!.Edge);
    }
}
