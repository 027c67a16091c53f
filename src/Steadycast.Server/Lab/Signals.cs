using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Steadycast.Server.Lab;

/// <summary>What System.Diagnostics.Process cannot send: it only knows SIGKILL.</summary>
internal static partial class Signals
{
    private const int Terminate = 15;

    /// <summary>SIGCONT is 18 on Linux and 19 on the BSDs and macOS.</summary>
    private static readonly int Continue = OperatingSystem.IsLinux() ? 18 : 19;

    /// <summary>Asks a child to stop; one that was frozen (SIGSTOP) wakes up to hear it.</summary>
    public static void AskToStop(Process child)
    {
        // The child is not reaped while its Process is ours to ask, so the number is still its own.
        if (child.HasExited)
            return;
        _ = Kill(child.Id, Terminate);
        _ = Kill(child.Id, Continue);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
