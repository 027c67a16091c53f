using Steadycast.Server.Hosting;

namespace Steadycast.Server.Lab;

/// <summary>The folder of one lab: held by one supervisor at a time, however the one before ended.</summary>
internal sealed class LabFolder : IDisposable
{
    private readonly FileStream _lock;

    private LabFolder(string path, FileStream held) => (Path, _lock) = (path, held);

    public string Path { get; }

    public string LabFile => System.IO.Path.Combine(Path, "lab.json");

    /// <summary>Takes the folder, making it when it is not there.</summary>
    /// <exception cref="StartException">Another lab has it, or it cannot be written.</exception>
    public static LabFolder Take(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            foreach (var sub in new[] { "lab", "logs", "hls", "state" })
                Directory.CreateDirectory(System.IO.Path.Combine(full, sub));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{full} cannot be written ({e.Message}); name another folder with --data DIR", e);
        }

        try
        {
            // The system gives the lock back however its holder dies, so there is no stale one.
            var held = new FileStream(
                System.IO.Path.Combine(full, "lab.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new LabFolder(full, held);
        }
        catch (IOException e)
        {
            throw new StartException(
                $"another lab runs in {full}; stop it, or start this one with --data DIR --port-offset 1000", e);
        }
    }

    public void Dispose()
    {
        File.Delete(LabFile);
        _lock.Dispose();
    }
}
