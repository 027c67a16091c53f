using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;
using static Steadycast.Server.Tests.Segments.TestSegments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>"A full disk is an error that loses no published segment", on a disk that is full.</summary>
/// <remarks>
/// Needs the right to mount (root in a virtual machine, on a CI runner); without it (root in a plain container) these
/// tests take a limit on file sizes instead, which shows the same promise for segments. Neither is ever passed over.
/// </remarks>
public sealed class FullDiskTests
{
    private readonly ManualTime _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_segment_that_does_not_fit_leaves_what_was_published_as_it_was()
    {
        using var disk = SmallDisk.TryMount(kilobytes: 256);
        using var limit = disk is null ? new FileSizeLimit(64 << 20) : null;
        var root = disk?.Root ?? Directory.CreateTempSubdirectory("steadycast-store-").FullName;
        try
        {
            await using var store = Open(root);
            var index = await PublishAsync(store, BaseMsn, BaseMsn + 3);
            var before = Contents(root);

            await Assert.ThrowsAnyAsync<IOException>(async () => await store.PutAsync(
                "live/show", $"{BaseMsn + 4}.m4s", new byte[disk is null ? (64 << 20) + 1 : 300_000], Token));

            Assert.Equal(before, Contents(root));
            Assert.Same(index, store.Find("live/show"));
            // What fits still goes in.
            await PublishAsync(store, BaseMsn + 4, BaseMsn + 4, index);
        }
        finally
        {
            if (disk is null)
                Directory.Delete(root, recursive: true);
        }
    }

    [Fact]
    public async Task A_full_disk_stops_the_playlist_and_harms_nothing_until_there_is_room_again()
    {
        using var disk = SmallDisk.TryMount(kilobytes: 256);
        if (disk is null)
        {
            // The limit cannot stop small files; the other test has shown what it can.
            await A_segment_that_does_not_fit_leaves_what_was_published_as_it_was();
            return;
        }

        await using var store = Open(disk.Root);
        var index = await PublishAsync(store, BaseMsn, BaseMsn + 3);
        // Room for one more small segment, not for the index after it.
        var filler = disk.Fill(spare: 4096);
        await store.PutAsync("live/show", $"{BaseMsn + 4}.m4s", BytesOf(BaseMsn + 4), Token);
        var before = Contents(disk.Root);
        var next = Index(from: BaseMsn + 4, count: 1, before: index);

        await Assert.ThrowsAnyAsync<IOException>(async () => await store.PublishAsync(next, Token));

        Assert.Equal(before, Contents(disk.Root));
        Assert.Same(index, store.Find("live/show"));
        await using (var reader = Open(disk.Root))
        {
            var seen = reader.Find("live/show")!;
            Assert.Equal(BaseMsn + 3, seen.Edge);
            foreach (var segment in seen.Segments)
            {
                var bytes = await reader.ReadAsync("live/show", segment.Uri, Token);
                Assert.Equal(segment.Sha256, Sha256(bytes!.Value.ToArray()));
            }
        }

        File.Delete(filler);
        await store.PublishAsync(next, Token);
        Assert.Equal(BaseMsn + 4, store.Find("live/show")!.Edge);
    }

    [Fact]
    public async Task Room_is_made_of_what_has_expired()
    {
        using var disk = SmallDisk.TryMount(kilobytes: 256);
        if (disk is null)
        {
            await A_segment_that_does_not_fit_leaves_what_was_published_as_it_was();
            return;
        }

        await using var store = Open(disk.Root);
        var bytes = new byte[150_000];
        await store.PutAsync("live/show", "1.m4s", bytes, Token);
        _time.Advance(TimeSpan.FromMinutes(5));
        await Assert.ThrowsAnyAsync<IOException>(async () => await store.PutAsync("live/show", "2.m4s", bytes, Token));
        await store.PutAsync("live/show", "2.m4s", bytes, Token);
        var files = Directory.EnumerateFiles(Path.Combine(disk.Root, "live/show"));
        Assert.Equal(["2.m4s"], files.Select(Path.GetFileName));
    }

    private DirectoryStore Open(string root) => new(root, _time, NullLogger<DirectoryStore>.Instance);

    private static List<string> Contents(string root) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(root, "live/show")).Order(StringComparer.Ordinal)
            .Select(f => $"{Path.GetFileName(f)} {Sha256(File.ReadAllBytes(f))}"),
    ];
}
