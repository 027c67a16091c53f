using System.Runtime.InteropServices;
using System.Text;

namespace Steadycast.Server.Cli;

/// <summary>
/// Ties a child to its supervisor: it leaves the supervisor's process group, so that ctrl-c reaches the supervisor
/// only, and stops when its standard input ends, which happens however the supervisor dies, kill -9 included.
/// </summary>
internal static partial class Tether
{
    /// <summary>More than any fault needs; what is longer is cut into pieces that make no sense.</summary>
    private const int LongestLine = 256;

    /// <param name="onLine">Told of what the supervisor writes; null: nobody is.</param>
    public static void Attach(StopSignal stop, Action<string>? onLine = null)
    {
        if (!OperatingSystem.IsWindows())
            _ = SetProcessGroup(0, 0);
        // A thread of its own: a read from a pipe cannot be cancelled, and the process ends without waiting for it.
        new Thread(() => AwaitEnd(stop, onLine)) { IsBackground = true, Name = "tether" }.Start();
    }

    private static void AwaitEnd(StopSignal stop, Action<string>? onLine)
    {
        var input = Console.OpenStandardInput();
        var line = new List<byte>();
        try
        {
            for (var next = input.ReadByte(); next >= 0; next = input.ReadByte())
            {
                if (next != '\n' && line.Count < LongestLine)
                {
                    line.Add((byte)next);
                    continue;
                }

                onLine?.Invoke(Encoding.UTF8.GetString([.. line]));
                line.Clear();
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
