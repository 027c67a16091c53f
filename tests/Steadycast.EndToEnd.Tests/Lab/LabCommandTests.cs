using System.Diagnostics;
using System.Text.Json;
using Steadycast.EndToEnd.Tests.Drills;

namespace Steadycast.EndToEnd.Tests.Lab;

/// <summary>The command itself: what it says, what it leaves, who may take the picture's place.</summary>
public sealed class LabCommandTests(LabUnderTest lab) : IClassFixture<LabUnderTest>
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "steadycast");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_publisher_takes_the_pictures_place_and_the_picture_returns()
    {
        var publisherLog = Path.Combine(lab.Folder, "logs", "publisher.log");
        var onAirBefore = Count(publisherLog, ": on air");

        await ForeignProgram.RunAsync("ffmpeg",
            [
                "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
                "-f", "lavfi", "-i", "sine=sample_rate=44100", "-t", "7", "-c:v", "libx264", "-preset", "ultrafast",
                "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac", "-f", "flv",
                $"rtmp://127.0.0.1:{1935 + lab.PortOffset}/{LabUnderTest.Stream}",
            ], Cancel);

        Assert.NotEqual(0, Count(publisherLog, "not on air: NetStream.Publish.BadName"));
        await LabUnderTest.UntilAsync("the picture to return",
            () => Task.FromResult(Count(publisherLog, ": on air") > onAirBefore));
        var playlist = await lab.PlaylistTextAsync();
        Assert.Contains("#EXT-X-DISCONTINUITY\n", playlist, StringComparison.Ordinal);
        await lab.SettleAsync();
    }

    [Fact]
    public async Task A_second_lab_in_the_same_folder_is_told_so()
    {
        var (code, _, error) = await ForeignProgram.TryAsync(Program, ["lab", "--data", lab.Folder], Cancel);

        Assert.Equal(1, code);
        Assert.Contains($"another lab runs in {lab.Folder}", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_that_names_the_port_and_the_option()
    {
        using var folder = new TemporaryFolder();

        var (code, _, error) = await ForeignProgram.TryAsync(
            Program, ["lab", "--data", folder.Path, "--port-offset", $"{lab.PortOffset}"], Cancel);

        Assert.Equal(1, code);
        Assert.Equal(
            $"steadycast: port {1935 + lab.PortOffset} of ingest is in use by another program; " +
            $"stop that program, or use --port-offset {lab.PortOffset + 1000}\n",
            error.Replace(
                $"port {9101 + lab.PortOffset} of", $"port {1935 + lab.PortOffset} of", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_role_whose_port_is_in_use_names_the_port_and_the_key()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "origin.yaml");
        await File.WriteAllTextAsync(
            file, $"origin: {{ store: '{folder.Path}', listen_addr: '127.0.0.1:{8080 + lab.PortOffset}' }}", Cancel);

        var (code, _, error) = await ForeignProgram.TryAsync(Program, ["serve", "--config", file], Cancel);

        Assert.Equal(1, code);
        Assert.Equal(
            $"steadycast: port {8080 + lab.PortOffset} is in use by another program; " +
            "stop that program or change origin.listen_addr\n", error);
    }

    [Theory]
    [InlineData("ingest")]
    [InlineData("packager-primary")]
    [InlineData("origin-backup")]
    [InlineData("switch")]
    public async Task The_metrics_of_every_box_are_clean_under_promtool(string box)
    {
        await ForeignProgram.RunAsync(
            "sh", ["-c", $"curl -fsS {new Uri(lab.AddressOf(box), "/metrics")} | promtool check metrics"], Cancel);
    }

    [Fact]
    public async Task A_supervisor_that_is_killed_leaves_no_process_behind()
    {
        using var folder = new TemporaryFolder();
        using var supervisor = Process.Start(new ProcessStartInfo(
            Program, ["lab", "--data", folder.Path, "--port-offset", $"{lab.PortOffset + 500}", "--no-publisher"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        int[] pids = [];
        await LabUnderTest.UntilAsync("six boxes", () =>
        {
            pids = PidsIn(Path.Combine(folder.Path, "lab.json"));
            return Task.FromResult(pids.Length == 6);
        });

        supervisor.Kill();

        await LabUnderTest.UntilAsync("every box to end",
            () => Task.FromResult(!pids.Any(pid => Directory.Exists($"/proc/{pid}"))));
    }

    private static int[] PidsIn(string labFile)
    {
        if (!File.Exists(labFile))
            return [];
        using var file = JsonDocument.Parse(File.ReadAllText(labFile));
        return
        [
            .. file.RootElement.GetProperty("processes").EnumerateArray()
                .Select(p => p.GetProperty("pid"))
                .Where(p => p.ValueKind == JsonValueKind.Number)
                .Select(p => p.GetInt32()),
        ];
    }

    private static int Count(string log, string text) =>
        File.ReadLines(log).Count(l => l.Contains(text, StringComparison.Ordinal));

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("steadycast-lab-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
