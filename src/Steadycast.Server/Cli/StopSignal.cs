using System.Runtime.InteropServices;

namespace Steadycast.Server.Cli;

/// <summary>Turns ctrl-c and SIGTERM into a token: the first asks to stop, a second one ends the process.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private long? _first;

    public StopSignal()
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP })
            _registrations.Add(PosixSignalRegistration.Create(signal, OnSignal));
    }

    public CancellationToken Token => _stop.Token;

    /// <summary>Stops as a signal would.</summary>
    public void Request() => _stop.Cancel();

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        // Left to itself a later signal does what signals do: it ends the process, with the system's exit code. One
        // that comes within a second is the same wish again: timeout(1) signals its child and then the group it is in.
        if (_first is { } first && TimeProvider.System.GetElapsedTime(first) > TimeSpan.FromSeconds(1))
            return;
        _first ??= TimeProvider.System.GetTimestamp();
        context.Cancel = true;
        _stop.Cancel();
    }
}
