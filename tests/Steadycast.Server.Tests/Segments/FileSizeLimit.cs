using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Steadycast.Server.Tests.Segments;

/// <summary>
/// RLIMIT_FSIZE for this process: the kernel refuses to grow a file beyond it. What can be had of a full disk without
/// the right to mount one; far above what other tests write meanwhile.
/// </summary>
internal sealed class FileSizeLimit : IDisposable
{
    private const PosixSignal FileSizeExceeded = (PosixSignal)25; // SIGXFSZ, which would end the process

    private readonly PosixSignalRegistration _ignoring =
        PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true);

    public FileSizeLimit(long bytes) => Set(bytes.ToString(System.Globalization.CultureInfo.InvariantCulture));

    public void Dispose()
    {
        Set("unlimited");
        _ignoring.Dispose();
    }

    /// <summary>Only the soft limit, so that it can be lifted again.</summary>
    private static void Set(string limit)
    {
        using var process = Process.Start("prlimit", ["--pid", $"{Environment.ProcessId}", $"--fsize={limit}:"]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
