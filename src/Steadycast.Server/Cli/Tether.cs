using System.Runtime.InteropServices;

namespace Steadycast.Server.Cli;

/// <summary>
/// Ties a child to its supervisor: it leaves the supervisor's process group, so that ctrl-c reaches the supervisor
/// only, and stops when its standard input ends, which happens however the supervisor dies, kill -9 included.
/// </summary>
internal static partial class Tether
{
    public static void Attach(StopSignal stop)
    {
        if (!OperatingSystem.IsWindows())
            _ = SetProcessGroup(0, 0);
        // A thread of its own: a read from a pipe cannot be cancelled, and the process ends without waiting for it.
        new Thread(() => AwaitEnd(stop)) { IsBackground = true, Name = "tether" }.Start();
    }

    private static void AwaitEnd(StopSignal stop)
    {
        var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        try
        {
            while (input.Read(buffer) > 0)
            {
                // Nobody writes; whatever comes is not for us.
            }
        }
        catch (IOException)
        {
            // As good as the end.
        }

        try
        {
            stop.Request();
        }
        catch (ObjectDisposedException)
        {
            // Stopped already.
        }
    }

    [LibraryImport("libc", EntryPoint = "setpgid")]
    private static partial int SetProcessGroup(int process, int group);
}
