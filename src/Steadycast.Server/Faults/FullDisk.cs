using System.Runtime.InteropServices;

namespace Steadycast.Server.Faults;

/// <summary>
/// No file of this process can grow: RLIMIT_FSIZE of 0, so that it is the kernel that refuses and every line of ours
/// from there on is the one of a disk that is full. Pipes, sockets and what is read stay as they are.
/// </summary>
internal static partial class FullDisk
{
    private const int FileSize = 1; // RLIMIT_FSIZE, on Linux, the BSDs and macOS

    private const PosixSignal FileSizeExceeded = (PosixSignal)25; // SIGXFSZ, which would end the process

    private static readonly Lock Gate = new();
    private static PosixSignalRegistration? ignoring;
    private static Limit? before;

    /// <exception cref="IOException">The system has no such limit, or refuses it.</exception>
    public static void Set(bool full)
    {
        lock (Gate)
        {
            if (full == (before is not null))
                return;
            if (OperatingSystem.IsWindows())
                throw new IOException("Windows has no limit for the size of files");
            if (full)
            {
                ignoring ??= PosixSignalRegistration.Create(FileSizeExceeded, context => context.Cancel = true);
                Check(GetLimit(FileSize, out var limit));
                // The soft limit only, so that it can be lifted again.
                Check(SetLimit(FileSize, limit with { Soft = 0 }));
                before = limit;
            }
            else
            {
                Check(SetLimit(FileSize, before!.Value));
                before = null;
            }
        }
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new IOException($"the limit cannot be set: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Limit(ulong Soft, ulong Hard);
}
