using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Steadycast.Server.Lab;

/// <summary>What System.Diagnostics.Process cannot send: it only knows SIGKILL.</summary>
internal static partial class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    /// <summary>SIGSTOP is 19 on Linux and 17 on the BSDs and macOS.</summary>
    public static readonly int Freeze = OperatingSystem.IsLinux() ? 19 : 17;

    /// <summary>SIGCONT is 18 on Linux and 19 on the BSDs and macOS.</summary>
    public static readonly int Continue = OperatingSystem.IsLinux() ? 18 : 19;

    /// <summary>Asks a child to stop; one that was frozen (SIGSTOP) wakes up to hear it.</summary>
    public static void AskToStop(Process child)
    {
        Send(child, Terminate);
        Send(child, Continue);
    }

    public static void Send(Process child, int signal)
    {
        // The child is not reaped while its Process is ours to ask, so the number is still its own.
        if (!child.HasExited)
            _ = SendSignal(child.Id, signal);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
