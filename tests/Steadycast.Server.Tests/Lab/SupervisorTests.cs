using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Steadycast.Server.Hosting;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Tests.Lab;

public sealed class SupervisorTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-lab-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(string Name, int Pid)> _starts = Channel.CreateUnbounded<(string, int)>();
    private readonly StringWriter _output = new();
    private Task _running = Task.CompletedTask;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_is_killed_is_started_again_and_the_file_says_so()
    {
        Start(Script("one", "exec sleep 600"));
        var first = await NextStartAsync();

        Process.GetProcessById(first.Pid).Kill();
        var second = await NextStartAsync();

        Assert.NotEqual(first.Pid, second.Pid);
        var entry = Processes().Single();
        Assert.Equal((second.Pid, 1), (entry.GetProperty("pid").GetInt32(), entry.GetProperty("restarts").GetInt32()));
        await StopAsync();
        Assert.Contains("died of signal 9", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_ends_by_itself_is_started_again()
    {
        Start(Script("one", "echo hello; exit 3"));

        await NextStartAsync();
        await NextStartAsync();
        await NextStartAsync();

        await StopAsync();
        Assert.Contains("ended with exit code 3", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_go_to_the_terminal_under_the_name_and_to_the_log()
    {
        Start(Script("one", "echo out; echo err >&2; exec sleep 600"), Script("two", "echo other; exec sleep 600"));
        await LogHoldsAsync("one", "err");
        await LogHoldsAsync("one", "out");
        await LogHoldsAsync("two", "other");

        await StopAsync();

        Assert.Contains("one              out\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("two              other\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_ends_every_child_also_a_frozen_one()
    {
        Start(Script("one", "exec sleep 600"), Script("two", "exec sleep 600"));
        var (first, second) = (await NextStartAsync(), await NextStartAsync());
        Signal("STOP", second.Pid);

        await StopAsync();

        Assert.False(IsAlive(first.Pid));
        Assert.False(IsAlive(second.Pid));
        Assert.All(Processes(), e => Assert.Equal(JsonValueKind.Null, e.GetProperty("pid").ValueKind));
    }

    [Fact]
    public void Only_one_lab_has_a_folder()
    {
        using (LabFolder.Take(_folder))
        {
            var fault = Assert.Throws<StartException>(() => LabFolder.Take(_folder));
            Assert.Contains("another lab runs in", fault.Message, StringComparison.Ordinal);
        }

        LabFolder.Take(_folder).Dispose();
    }

    [Fact]
    public void A_log_is_bounded_and_its_newest_part_is_kept()
    {
        var path = Path.Combine(_folder, "box.log");
        using (var log = new BoxLog(path, maxBytes: 100))
        {
            for (var i = 0; i < 100; i++)
                log.Write($"line {i}");
        }

        Assert.InRange(new FileInfo(path).Length + new FileInfo(path + ".1").Length, 90, 220);
        Assert.EndsWith("line 99\n", File.ReadAllText(path + ".1") + File.ReadAllText(path), StringComparison.Ordinal);
    }

    private static Box Script(string name, string script) =>
        new(name, "test", null, null, "/bin/sh", ["-c", script], [], null);

    private void Start(params Box[] boxes)
    {
        Backoff Quick() => new(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(10));
        _output.NewLine = "\n";
        var supervisor = new Supervisor(
            boxes, LogOf, new LabFile(Path.Combine(_folder, "lab.json"), "http://localhost/"),
            new LabTerminal(_output, colour: false), Quick, TimeProvider.System, (name, pid) =>
                _starts.Writer.TryWrite((name, pid)));
        _running = supervisor.RunAsync(_stop.Token);
    }

    private string LogOf(Box box) => Path.Combine(_folder, box.Name + ".log");

    private async Task<(string Name, int Pid)> NextStartAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _starts.Reader.ReadAsync(patience.Token);
    }

    private async Task LogHoldsAsync(string name, string line)
    {
        using var patience = new CancellationTokenSource(Patience);
        var path = Path.Combine(_folder, name + ".log");
        while (!File.Exists(path) || !File.ReadAllLines(path).Contains(line))
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, patience.Token);
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
    }

    private JsonElement[] Processes() =>
        [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "lab.json"))).RootElement.GetProperty("processes")
            .EnumerateArray()];

    private static void Signal(string signal, int pid)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {pid}"]);
        kill.WaitForExit();
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
