namespace Steadycast.Server.Lab;

/// <summary>
/// A box's log file: bounded, since a lab runs for weeks; the part before the newest is kept beside it.
/// </summary>
internal sealed class BoxLog : IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly long _maxBytes;
    private StreamWriter _file;

    /// <param name="maxBytes">Of one file; there are at most two.</param>
    public BoxLog(string path, long maxBytes = 8 << 20)
    {
        (_path, _maxBytes) = (path, maxBytes);
        _file = Open();
    }

    /// <summary>A full disk costs lines, not the lab.</summary>
    public void Write(string line)
    {
        lock (_gate)
        {
            try
            {
                _file.WriteLine(line);
                if (_file.BaseStream.Length < _maxBytes)
                    return;
                _file.Dispose();
                File.Move(_path, _path + ".1", overwrite: true);
                _file = Open();
            }
            catch (IOException)
            {
                // Written to the terminal anyway.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }

    private StreamWriter Open() => new(new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read))
    {
        AutoFlush = true,
        NewLine = "\n",
    };
}
