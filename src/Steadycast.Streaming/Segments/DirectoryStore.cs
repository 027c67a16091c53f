using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Segments;

/// <summary>
/// Segments in a folder, <c>DIR/&lt;stream&gt;/{index.m3u8,master.m3u8,index.json,init-*.mp4,&lt;msn&gt;.m4s|.ts}</c>,
/// shared by a packager and an origin in different processes; any web server can serve it too.
/// </summary>
/// <remarks>Thread-safe. One writer per stream over all processes; any number of readers.</remarks>
public sealed partial class DirectoryStore : ISegmentStore, IAsyncDisposable
{
    private const string Kind = "directory";

    /// <summary>Of one segment; a minute at 100 Mb/s is 750 MB.</summary>
    private const int MaxObjectBytes = 1 << 30;

    /// <summary>Two windows of 60 s at 4 Mb/s: viewers sit at the edge, and the kernel caches files too.</summary>
    private const long CacheBytes = 64 << 20;

    private static readonly EnumerationOptions EveryFolder = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 16,
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden,
    };

    private readonly string _root;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly SegmentsMetrics? _metrics;
    private readonly ConcurrentDictionary<string, StreamState> _streams = new(StringComparer.Ordinal);
    private readonly IndexBoard _board;
    private readonly ObjectCache _cache;
    private readonly FolderWatch _watch;
    private string? _lookFault;

    /// <exception cref="IOException">The folder is not there and cannot be made.</exception>
    public DirectoryStore(
        string path,
        TimeProvider clock,
        ILogger<DirectoryStore> logger,
        SegmentsMetrics? metrics = null)
    {
        _root = Path.GetFullPath(path);
        _clock = clock;
        _logger = logger;
        _metrics = metrics;
        _board = new IndexBoard(clock);
        _cache = new ObjectCache(CacheBytes, metrics);
        AsIOException(() => Directory.CreateDirectory(_root));
        _watch = new FolderWatch(_root, clock, Changed, LookRound, fault => Log.WatcherFailed(_logger, _root, fault));
        LookRound();
    }

    public IReadOnlyCollection<string> Streams => _board.Streams;

    public StreamIndex? Find(string stream) => _board.Find(stream);

    public ValueTask PutAsync(
        string stream,
        string name,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken)
    {
        ObjectName.Require(stream, name);
        return WriteAsync(
            stream,
            state =>
            {
                state.Folder!.Put(name, bytes.Span);
                _cache.Forget(PathOf(stream, name));
                _metrics?.Put(Kind, bytes.Length);
            },
            cancellationToken);
    }

    public ValueTask PublishAsync(StreamIndex index, CancellationToken cancellationToken)
    {
        ObjectName.Require(index.Stream);
        return WriteAsync(
            index.Stream,
            state =>
            {
                var json = StreamIndexJson.Write(index);
                state.Folder!.Publish(index, json);
                state.Json = json;
                _board.Set(index);
            },
            cancellationToken);
    }

    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(
        string stream,
        string name,
        CancellationToken cancellationToken)
    {
        if (!ObjectName.IsStream(stream) || !ObjectName.IsObject(name))
            return null;
        // The read is shared by all who ask, so no one's going away may end it.
        return await _cache.GetAsync(PathOf(stream, name), ReadFileAsync).WaitAsync(cancellationToken);
    }

    public ValueTask<StreamIndex?> WaitAsync(
        string stream,
        long edge,
        TimeSpan timeout,
        CancellationToken cancellationToken) =>
        _board.WaitAsync(stream, edge, timeout, cancellationToken);

    public ValueTask DisposeAsync() => _watch.DisposeAsync();

    /// <summary>Runs off the caller's thread: a disk may take its time.</summary>
    private async ValueTask WriteAsync(string stream, Action<StreamState> write, CancellationToken cancellationToken)
    {
        var state = _streams.GetOrAdd(stream, _ => new StreamState());
        try
        {
            await Task.Run(() => AsIOException(() => Write(stream, state, write)), cancellationToken);
        }
        catch (IOException)
        {
            _metrics?.WriteFailed(Kind);
            throw;
        }
    }

    private void Write(string stream, StreamState state, Action<StreamState> write)
    {
        lock (state.Gate)
        {
            state.Folder ??= new StreamFolder(FolderOf(stream), _board.Find(stream), _clock);
            try
            {
                write(state);
            }
            finally
            {
                // On failure too: a full disk may be full of what should have gone.
                foreach (var name in state.Folder.RemoveExpired())
                {
                    _cache.Forget(PathOf(stream, name));
                    _metrics?.Removed(Kind);
                }
            }
        }
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadFileAsync(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
            var length = RandomAccess.GetLength(file);
            if (length > MaxObjectBytes)
                throw new IOException($"{path}: {length} bytes are no segment");
            var bytes = new byte[length];
            var count = 0;
            while (count < bytes.Length)
            {
                var read = await RandomAccess.ReadAsync(file, bytes.AsMemory(count), count);
                if (read == 0)
                    throw new IOException($"{path}: ends at {count} of {length} bytes");
                count += read;
            }

            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private void LookRound()
    {
        try
        {
            foreach (var path in Directory.EnumerateFiles(_root, ObjectName.Index, EveryFolder))
                Refresh(path, evenIfSameStamp: false);
            foreach (var stream in _board.Streams)
                Refresh(PathOf(stream, ObjectName.Index), evenIfSameStamp: false);
            _lookFault = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Said once, not with each look: an unmounted disk may stay away for hours.
            if (Interlocked.Exchange(ref _lookFault, e.Message) != e.Message)
                Log.LookFailed(_logger, _root, e.Message);
        }
    }

    private void Changed(string path) => Refresh(path, evenIfSameStamp: true);

    /// <summary>
    /// Takes over what <paramref name="path"/> says now, unless this process wrote it or has read it already.
    /// </summary>
    private void Refresh(string path, bool evenIfSameStamp)
    {
        var stream = Path.GetRelativePath(_root, Path.GetDirectoryName(path)!);
        if (!ObjectName.IsStream(stream))
            return;
        var state = _streams.GetOrAdd(stream, _ => new StreamState());
        lock (state.Gate)
        {
            try
            {
                var file = new FileInfo(path);
                if (!file.Exists)
                {
                    _board.Remove(stream);
                    (state.Json, state.Stamp) = ([], default);
                    return;
                }

                var stamp = (file.LastWriteTimeUtc, file.Length);
                if (stamp == state.Stamp && !evenIfSameStamp)
                    return;
                if (file.Length > StreamIndexJson.MaxBytes)
                    throw new FormatException($"{file.Length} bytes");
                var json = File.ReadAllBytes(path);
                state.Stamp = stamp;
                if (json.AsSpan().SequenceEqual(state.Json))
                    return;
                state.Json = json;
                var index = StreamIndexJson.Read(json);
                if (index.Stream != stream)
                    throw new FormatException($"it is of the stream {index.Stream}");
                _board.Set(index);
            }
            catch (FormatException e)
            {
                _metrics?.IndexRejected();
                Log.IndexRejected(_logger, path, e.Message);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.LookFailed(_logger, path, e.Message);
            }
        }
    }

    private string FolderOf(string stream) => Path.Combine(_root, stream);

    private string PathOf(string stream, string name) => Path.Combine(_root, stream, name);

    /// <summary>
    /// "No right" is an exception of its own kind in .NET; for callers it is one more way that a disk says no.
    /// </summary>
    private static void AsIOException(Action act)
    {
        try
        {
            act();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    private sealed class StreamState
    {
        public Lock Gate { get; } = new();

        /// <summary>Only once this process has written to the stream.</summary>
        public StreamFolder? Folder { get; set; }

        /// <summary>The index as last written or read.</summary>
        public byte[] Json { get; set; } = [];

        public (DateTime, long) Stamp { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} is not a stream's index, ignored: {Reason}")]
        public static partial void IndexRejected(ILogger logger, string path, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot look at {Path}: {Reason}")]
        public static partial void LookFailed(ILogger logger, string path, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The system does not tell of changes in {Path}: {Reason}")]
        public static partial void WatcherFailed(ILogger logger, string path, string reason);
    }
}
