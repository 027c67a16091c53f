using System.Diagnostics;

namespace Steadycast.EndToEnd.Tests;

/// <summary>A process of a test's own that runs until it is killed; never asked.</summary>
internal sealed class RunningProgram : IDisposable
{
    private readonly Process _process;

    /// <param name="heard">Gets each line of its standard output; null: read and forgotten.</param>
    public RunningProgram(string name, string arguments, Action<string>? heard = null)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(name, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += (_, line) => heard?.Invoke(line.Data ?? "");
        _process.Start();

        // A full pipe would stop the program.
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process.HasExited;

    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
    }

    /// <summary>STOP freezes it, CONT lets it go on.</summary>
    public Task SignalAsync(string signal, CancellationToken cancellationToken) =>
        ForeignProgram.RunAsync("kill", ["-" + signal, $"{_process.Id}"], cancellationToken);

    public void Dispose()
    {
        Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
