using System.Diagnostics;

namespace Steadycast.Server.Tests.Segments;

/// <summary>
/// A real file system of a few hundred kilobytes: a tmpfs, mounted by root; null where that is not allowed.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Root = path;

    public string Root { get; }

    public static SmallDisk? TryMount(int kilobytes)
    {
        var path = Directory.CreateTempSubdirectory("steadycast-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k,mode=700", "steadycast-test", path))
            return new SmallDisk(path);
        Directory.Delete(path);
        return null;
    }

    /// <summary>
    /// Takes all the room that is left but <paramref name="spare"/> bytes; deleting the file gives it back.
    /// </summary>
    public string Fill(int spare = 0)
    {
        var path = Path.Combine(Root, "filler");
        using var file = File.Create(path, bufferSize: 1);
        var block = new byte[4096];
        try
        {
            while (true)
                file.Write(block);
        }
        catch (IOException)
        {
            file.SetLength(Math.Max(0, file.Length - spare));
        }

        return path;
    }

    public void Dispose()
    {
        Run("umount", Root);
        Directory.Delete(Root);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments);
            (start.UseShellExecute, start.RedirectStandardError) = (false, true);
            using var process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
