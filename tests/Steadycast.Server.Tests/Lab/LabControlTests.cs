using System.Text.Json;
using System.Threading.Channels;
using Steadycast.Server.Drills;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Tests.Lab;

/// <summary>The lab's control socket, with real processes behind it.</summary>
public sealed class LabControlTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-lab-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<int> _starts = Channel.CreateUnbounded<int>();
    private Task _running = Task.CompletedTask;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Socket => LabControl.PathIn(_folder)!;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience, Cancel);
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_killed_box_is_started_again()
    {
        Start("exec sleep 600");
        var first = await NextStartAsync();
        using var control = await ConnectAsync();

        await control.DoAsync(new ControlRequest("kill", "one"), Cancel);

        Assert.NotEqual(first, await NextStartAsync());
    }

    [Fact]
    public async Task A_held_box_stays_away_until_the_connection_ends()
    {
        Start("exec sleep 600");
        await NextStartAsync();
        using (var control = await ConnectAsync())
        {
            await control.DoAsync(new ControlRequest("hold", "one"), Cancel);
            await UntilAsync(() => BoxPid() is null);
            // Twenty times what the backoff of this lab would wait.
            await Task.Delay(TimeSpan.FromMilliseconds(400), TimeProvider.System, Cancel);
            Assert.False(_starts.Reader.TryPeek(out _));
        }

        await NextStartAsync();
    }

    [Fact]
    public async Task A_frozen_box_goes_on_when_the_connection_ends()
    {
        Start("exec sleep 600");
        var pid = await NextStartAsync();
        using (var control = await ConnectAsync())
        {
            await control.DoAsync(new ControlRequest("freeze", "one"), Cancel);
            await UntilAsync(() => StateOf(pid) == 'T');
        }

        await UntilAsync(() => StateOf(pid) == 'S');
    }

    [Fact]
    public async Task A_fault_is_told_to_the_box_and_to_its_successor_and_withdrawn()
    {
        Start("while read line; do echo \"told $line\"; done");
        await NextStartAsync();
        using (var control = await ConnectAsync())
        {
            await control.DoAsync(new ControlRequest("inject", "one", "media corrupt"), Cancel);
            await LogHoldsAsync("told media corrupt", times: 1);
            await control.DoAsync(new ControlRequest("kill", "one"), Cancel);
            await LogHoldsAsync("told media corrupt", times: 2);
        }

        await LogHoldsAsync("told none", times: 1);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused_and_the_connection_goes_on()
    {
        Start("exec sleep 600");
        await NextStartAsync();
        using var control = await ConnectAsync();

        var noBox = await Assert.ThrowsAsync<DrillException>(
            () => control.DoAsync(new ControlRequest("kill", "two"), Cancel));
        var noAction = await Assert.ThrowsAsync<DrillException>(
            () => control.DoAsync(new ControlRequest("burn", "one"), Cancel));

        Assert.Contains("there is no box two", noBox.Message, StringComparison.Ordinal);
        Assert.Contains("burn is not an action", noAction.Message, StringComparison.Ordinal);
        await control.DoAsync(new ControlRequest("lift"), Cancel);
    }

    [Fact]
    public async Task Only_the_owner_can_open_the_socket_and_it_goes_with_the_lab()
    {
        Start("exec sleep 600");
        using (await ConnectAsync())
        {
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
        }

        await _stop.CancelAsync();
        await _running.WaitAsync(Patience, Cancel);

        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public void A_path_that_is_too_long_for_a_socket_has_none() =>
        Assert.Null(LabControl.PathIn("/" + new string('x', 100)));

    private void Start(string script)
    {
        Backoff Quick() => new(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(10));
        var box = new Box("one", "test", null, null, "/bin/sh", ["-c", script], [], null);
        var supervisor = new Supervisor(
            [box], _ => Path.Combine(_folder, "one.log"),
            new LabFile(Path.Combine(_folder, "lab.json"), "http://localhost/", Socket),
            new LabTerminal(TextWriter.Null, colour: false), Quick, TimeProvider.System,
            (_, pid) => _starts.Writer.TryWrite(pid));
        _running = Task.WhenAll(
            supervisor.RunAsync(_stop.Token), new LabControl(Socket, supervisor.Handles).RunAsync(_stop.Token));
    }

    private async Task<int> NextStartAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _starts.Reader.ReadAsync(patience.Token);
    }

    private Task<ControlClient> ConnectAsync() => ControlClient.ConnectAsync(Socket, TimeProvider.System, Cancel);

    private int? BoxPid()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "lab.json")));
        var pid = json.RootElement.GetProperty("processes")[0].GetProperty("pid");
        return pid.ValueKind == JsonValueKind.Number ? pid.GetInt32() : null;
    }

    private Task LogHoldsAsync(string line, int times) => UntilAsync(() =>
        File.ReadAllLines(Path.Combine(_folder, "one.log")).Count(l => l == line) >= times);

    /// <summary>The letter in /proc: R, S, T, Z.</summary>
    private static char StateOf(int pid) => File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0];

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, patience.Token);
    }
}
