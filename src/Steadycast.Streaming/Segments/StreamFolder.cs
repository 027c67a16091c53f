namespace Steadycast.Streaming.Segments;

/// <summary>The writing side of one stream's folder: whole files or none, and old ones removed in time.</summary>
/// <remarks>
/// Every file is written beside its place under a temporary name, then renamed. Callers hold the stream's lock.
/// </remarks>
internal sealed class StreamFolder
{
    private const string TempPrefix = ".tmp-";

    private readonly string _path;
    private readonly Retention _retention;
    private byte[] _master = [];
    private List<string> _media = [];

    /// <summary>Makes the folder if need be, and takes over what an earlier process left in it.</summary>
    /// <param name="published">
    /// The index that lies there: what it names stays, even if nothing is published again.
    /// </param>
    /// <exception cref="IOException">The folder cannot be made or read.</exception>
    public StreamFolder(string path, StreamIndex? published, TimeProvider clock)
    {
        _path = path;
        _retention = new Retention(clock);
        Directory.CreateDirectory(path);
        foreach (var file in Directory.EnumerateFiles(path))
        {
            var name = Path.GetFileName(file);
            if (name.StartsWith(TempPrefix, StringComparison.Ordinal))
                TryDelete(name);
            else if (ObjectName.IsObject(name))
                _retention.Stored(name);
            else if (ObjectName.IsMediaPlaylist(name))
                _media.Add(name);
        }

        if (published is not null)
            _retention.Published(published);
    }

    public void Put(string name, ReadOnlySpan<byte> bytes)
    {
        MoveInto(WriteTemp(bytes, durable: true), name);
        _retention.Stored(name);
    }

    /// <summary>
    /// All files are complete on the disk before the first is put in place: a full disk changes nothing.
    /// </summary>
    public void Publish(StreamIndex index, byte[] json)
    {
        var master = PlaylistBuilder.Multivariant(index);
        var masterChanged = !master.AsSpan().SequenceEqual(_master);
        var media = index.MediaPlaylists.ToList();
        var temps = new List<(string Temp, string Name)>(media.Count + 2);
        try
        {
            foreach (var playlist in media)
                temps.Add((WriteTemp(PlaylistBuilder.Media(index, playlist), durable: false), playlist));
            if (masterChanged)
                temps.Add((WriteTemp(master, durable: false), ObjectName.MultivariantPlaylist));
            // Last in place, because readers in other processes follow this one.
            temps.Add((WriteTemp(json, durable: true), ObjectName.Index));
        }
        catch
        {
            temps.ForEach(t => TryDelete(t.Temp));
            throw;
        }

        foreach (var (temp, name) in temps)
            MoveInto(temp, name);
        foreach (var playlist in _media.Except(media, StringComparer.Ordinal))
            TryDelete(playlist);
        (_master, _media) = (master, media);
        _retention.Published(index);
    }

    /// <summary>Deletes what has expired; what cannot be deleted is tried again next time. Returns the names.</summary>
    public List<string> RemoveExpired()
    {
        var expired = _retention.Expired();
        expired.RemoveAll(name => !TryDelete(name));
        expired.ForEach(_retention.Removed);
        return expired;
    }

    /// <param name="durable">
    /// Whether it must survive a power cut once its name does: segments that an index promises, and the index itself.
    /// Playlists are made anew from the index.
    /// </param>
    private string WriteTemp(ReadOnlySpan<byte> bytes, bool durable)
    {
        var temp = TempPrefix + Guid.NewGuid().ToString("N");
        try
        {
            using var file = File.OpenHandle(
                Path.Combine(_path, temp),
                FileMode.CreateNew,
                FileAccess.Write,
                FileShare.Read,
                preallocationSize: bytes.Length);
            RandomAccess.Write(file, bytes, fileOffset: 0);
            if (durable)
                RandomAccess.FlushToDisk(file);
            return temp;
        }
        catch (ArgumentOutOfRangeException e)
        {
            // What .NET 10 makes of EFBIG: the file is larger than the system's or the process's limit.
            TryDelete(temp);
            throw new IOException(e.Message, e);
        }
        catch
        {
            TryDelete(temp);
            throw;
        }
    }

    private void MoveInto(string temp, string name)
    {
        try
        {
            File.Move(Path.Combine(_path, temp), Path.Combine(_path, name), overwrite: true);
        }
        catch
        {
            TryDelete(temp);
            throw;
        }
    }

    private bool TryDelete(string name)
    {
        try
        {
            File.Delete(Path.Combine(_path, name));
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
