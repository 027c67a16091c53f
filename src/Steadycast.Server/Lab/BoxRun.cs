using System.ComponentModel;
using System.Diagnostics;

namespace Steadycast.Server.Lab;

/// <summary>One box's life: started, its lines passed on, started again when it dies, until the lab stops.</summary>
internal sealed class BoxRun(
    Box box,
    BoxLog log,
    LabTerminal terminal,
    LabFile file,
    BoxHandle handle,
    Backoff backoff,
    TimeProvider time,
    Action<string, int> onStarted)
{
    /// <summary>A role stops within 10 s by itself; a child that does not is killed.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(11);

    /// <summary>A grandchild may hold the pipe open after its parent died.</summary>
    private static readonly TimeSpan DrainGrace = TimeSpan.FromSeconds(1);

    public async Task RunAsync(CancellationToken stop)
    {
        for (var restarts = 0; !stop.IsCancellationRequested; restarts++)
        {
            var begun = time.GetTimestamp();
            await LiveOnceAsync(restarts, stop);
            if (stop.IsCancellationRequested)
                return;
            var wait = backoff.After(time.GetElapsedTime(begun));
            try
            {
                await handle.Released.WaitAsync(stop);
                Say($"starting again in {wait.TotalSeconds:0.0} s");
                await Task.Delay(wait, time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task LiveOnceAsync(int restarts, CancellationToken stop)
    {
        using var child = new Process { StartInfo = StartInfo() };
        try
        {
            child.Start();
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            Say($"cannot start: {e.Message}");
            return;
        }

        handle.Started(child);
        file.Started(box.Name, child.Id, restarts);
        onStarted(box.Name, child.Id);
        var lines = Task.WhenAll(PassOnAsync(child.StandardOutput), PassOnAsync(child.StandardError));
        try
        {
            await child.WaitForExitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(child);
        }

        handle.Ended();
        await Task.WhenAny(lines, Task.Delay(DrainGrace, time, CancellationToken.None));
        file.Exited(box.Name);
        if (!stop.IsCancellationRequested)
            Say(Ending(child.ExitCode));
    }

    private async Task StopAsync(Process child)
    {
        Signals.AskToStop(child);
        using var grace = new CancellationTokenSource(StopGrace, time);
        try
        {
            await child.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            Say("did not stop in time and is killed");
            child.Kill(entireProcessTree: true);
            await child.WaitForExitAsync(CancellationToken.None);
        }
    }

    private async Task PassOnAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            {
                log.Write(line);
                terminal.Line(box.Name, line);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The child is gone, and its lines with it.
        }
    }

    private void Say(string text)
    {
        log.Write("lab: " + text);
        terminal.Line(box.Name, text);
    }

    private ProcessStartInfo StartInfo()
    {
        // Standard input is the tether: its end is what a child waits for; only drills write there.
        var info = new ProcessStartInfo(box.Program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in box.Arguments)
            info.ArgumentList.Add(argument);
        return info;
    }

    /// <summary>.NET reports a death by signal as 128 and the signal's number, as the shell does.</summary>
    private static string Ending(int code) =>
        code > 128 ? $"died of signal {code - 128}" : $"ended with exit code {code}";
}
