using System.Diagnostics;

namespace Steadycast.Server.Lab;

/// <summary>What a drill may do to one box, whichever process is the box at the moment.</summary>
/// <remarks>Thread-safe. What lasts (frozen, held, a fault inside) lasts over restarts until it is lifted.</remarks>
internal sealed class BoxHandle
{
    private readonly Lock _gate = new();
    private Process? _child;
    private TaskCompletionSource? _held;
    private bool _frozen;
    private string? _fault;

    /// <summary>Completed unless the box is to stay away.</summary>
    public Task Released
    {
        get
        {
            lock (_gate)
                return _held?.Task ?? Task.CompletedTask;
        }
    }

    /// <summary>A process is the box from now on.</summary>
    public void Started(Process child)
    {
        lock (_gate)
        {
            _child = child;
            if (_fault is not null)
                Write(_fault);
            if (_frozen)
                Signals.Send(child, Signals.Freeze);
        }
    }

    /// <summary>The process has ended, or is no longer ours to touch.</summary>
    public void Ended()
    {
        lock (_gate)
            _child = null;
    }

    public void Signal(int signal)
    {
        lock (_gate)
        {
            if (_child is not null)
                Signals.Send(_child, signal);
        }
    }

    public void Freeze()
    {
        lock (_gate)
        {
            _frozen = true;
            if (_child is not null)
                Signals.Send(_child, Signals.Freeze);
        }
    }

    /// <summary>Ends the process and starts no other.</summary>
    public void Hold()
    {
        lock (_gate)
        {
            _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_child is not null)
                Signals.Send(_child, Signals.Kill);
        }
    }

    /// <summary>Tells the process of a fault to make itself; see the room Faults.</summary>
    public void Inject(string fault)
    {
        lock (_gate)
        {
            _fault = fault;
            Write(fault);
        }
    }

    /// <summary>Everything that lasts ends.</summary>
    public void Lift()
    {
        lock (_gate)
        {
            if (_fault is not null)
                Write("none");
            if (_frozen && _child is not null)
                Signals.Send(_child, Signals.Continue);
            (_frozen, _fault) = (false, null);
            _held?.TrySetResult();
            _held = null;
        }
    }

    /// <summary>A line on the tether: nobody else can write there.</summary>
    private void Write(string line)
    {
        try
        {
            _child?.StandardInput.WriteLine(line);
            _child?.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It is dying; its successor is told when it starts.
        }
    }
}
