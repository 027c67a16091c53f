using Steadycast.Server.Evidence;
using Steadycast.Server.Tests.Viewing;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Tests.Evidence;

public sealed class EvidenceFolderTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"steadycast-evidence-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(_path))
            Directory.Delete(_path, recursive: true);
    }

    [Fact]
    public async Task A_folder_with_something_in_it_is_refused()
    {
        Directory.CreateDirectory(_path);
        await File.WriteAllTextAsync(Path.Combine(_path, "log.txt"), "of another run", Cancel);

        var e = Assert.Throws<EvidenceException>(
            () => new EvidenceFolder(_path, new EvidenceLimits(), TimeProvider.System));

        Assert.Contains("is not empty", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Segments_are_kept_joined_at_each_break_and_written_down()
    {
        var evidence = new EvidenceFolder(_path, new EvidenceLimits(), TimeProvider.System);
        evidence.MediaArrived(Media(7, "init", isMap: true));
        foreach (var (msn, body) in new[] { (7, "seven"), (8, "eight") })
            evidence.MediaArrived(Media(msn, body));
        evidence.MediaArrived(Media(9, "nine", discontinuity: true));
        evidence.MediaArrived(Media(11, "eleven"));

        var line = await FinishAsync(evidence);

        Assert.Equal(["11-11.mp4", "7-8.mp4", "9-9.mp4"], Names("joined"));
        Assert.Equal("initseveneight", await ReadAsync("joined", "7-8.mp4"));
        Assert.Equal("initnine", await ReadAsync("joined", "9-9.mp4"));
        Assert.Equal(5, (await File.ReadAllLinesAsync(Path.Combine(_path, "timeline.csv"), Cancel)).Length);
        Assert.Contains("ffprobe is not installed", line, StringComparison.Ordinal);
        Assert.Contains("ffprobe is not installed", await ReadAsync("ffprobe.txt"), StringComparison.Ordinal);
        Assert.Contains("ffprobe is not installed", await ReadAsync("log.txt"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_oldest_segments_go_when_there_are_too_many_bytes_and_the_log_says_so()
    {
        var evidence = new EvidenceFolder(_path, new EvidenceLimits(SegmentBytes: 25), TimeProvider.System);
        for (var msn = 1; msn <= 6; msn++)
            evidence.MediaArrived(Media(msn, "ten bytes."));

        await FinishAsync(evidence);

        Assert.Equal(["5.m4s", "6.m4s"], Names("segments").Where(f => !f.StartsWith("init", StringComparison.Ordinal)));
        Assert.Contains("the oldest go", await ReadAsync("log.txt"), StringComparison.Ordinal);
        Assert.Equal(7, (await File.ReadAllLinesAsync(Path.Combine(_path, "timeline.csv"), Cancel)).Length);
    }

    [Fact]
    public async Task Each_version_of_the_playlist_is_kept_once_and_a_failing_one_is_said_when_it_begins_and_ends()
    {
        var evidence = new EvidenceFolder(_path, new EvidenceLimits(Playlists: 2), TimeProvider.System);
        foreach (var (at, body) in new[] { (1, "a"), (2, "a"), (3, "b"), (4, ""), (5, ""), (6, "c") })
            evidence.PlaylistArrived(new ArrivedPlaylist(
                TimeSpan.FromSeconds(at), body.Length == 0 ? "HTTP 503" : null, at, Bytes(body)));

        await FinishAsync(evidence);

        Assert.Equal(["00001-0001.000s.m3u8", "00002-0003.000s.m3u8"], Names("playlists"));
        var log = await ReadAsync("log.txt");
        Assert.Equal(2, log.Split("playlist fails: HTTP 503").Length);
        Assert.Contains("playlist answers again", log, StringComparison.Ordinal);
        Assert.Contains("playlist version 3: up to number 6 (+3)", log, StringComparison.Ordinal);
        Assert.Contains("2 playlists are kept, the later ones are not", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_seam_is_a_line_of_the_log_and_those_of_the_end_too()
    {
        var report = SimulatedViewer.Watch(new Broadcast { SayOf = (_, n, s) => s with { Gap = n == 106 } });
        Assert.NotEmpty(report.Seams);
        var evidence = new EvidenceFolder(_path, new EvidenceLimits(), TimeProvider.System);
        evidence.SeamFound(report.Seams[0]);

        await evidence.FinishAsync(report, "no-such-program", Cancel);
        await evidence.DisposeAsync();

        var seams = (await File.ReadAllLinesAsync(Path.Combine(_path, "log.txt"), Cancel))
            .Where(l => l.Contains("SEAM", StringComparison.Ordinal)).ToArray();
        Assert.Equal(report.Seams.Count, seams.Length);
        Assert.Contains("SEAM hole: Number 106 is missing: EXT-X-GAP.", seams[0], StringComparison.Ordinal);
        Assert.Equal(report.ToJson() + "\n", await ReadAsync("report.json"));
    }

    [Fact]
    public async Task A_disk_that_fails_is_said_and_does_not_stop_the_viewer()
    {
        var evidence = new EvidenceFolder(_path, new EvidenceLimits(), TimeProvider.System);
        Directory.Delete(Path.Combine(_path, "segments"), recursive: true);

        evidence.MediaArrived(Media(1, "lost"));
        await FinishAsync(evidence);

        Assert.NotNull(evidence.Fault);
    }

    private static async Task<string> FinishAsync(EvidenceFolder evidence)
    {
        var line = await evidence.FinishAsync(SimulatedViewer.Watch(new Broadcast()), "no-such-program", Cancel);
        await evidence.DisposeAsync();
        return line;
    }

    private static ArrivedMedia Media(long msn, string body, bool isMap = false, bool discontinuity = false) => new(
        msn, isMap, new Uri(isMap ? "http://origin/init.mp4" : $"http://origin/{msn}.m4s"),
        new Uri("http://origin/init.mp4"), TimeSpan.FromSeconds(2), null, discontinuity, TimeSpan.FromSeconds(msn),
        TimeSpan.FromSeconds(6), null, Bytes(body));

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private IEnumerable<string> Names(string folder) => Directory.EnumerateFiles(Path.Combine(_path, folder))
        .Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    private Task<string> ReadAsync(params string[] parts) =>
        File.ReadAllTextAsync(Path.Combine([_path, .. parts]), Cancel);
}
