namespace Steadycast.Streaming.Segments;

/// <summary>
/// Tells when an <c>index.json</c> below a folder changes: at once by the kernel's word, and by a slow look round.
/// </summary>
/// <remarks>
/// The look round catches what the kernel does not tell: a file made before its new folder was watched, an overflown
/// event queue, a network file system. Without any watcher (inotify instances are few) it is all there is, and quicker.
/// </remarks>
internal sealed class FolderWatch : IAsyncDisposable
{
    private static readonly TimeSpan SlowPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FastPoll = TimeSpan.FromMilliseconds(50);

    private readonly FileSystemWatcher? _watcher;
    private readonly PeriodicTimer _timer;
    private readonly Task _polling;

    /// <param name="changed">Called with the full path of an index file; must not throw.</param>
    /// <param name="lookRound">Called now and then; must not throw.</param>
    public FolderWatch(
        string root,
        TimeProvider clock,
        Action<string> changed,
        Action lookRound,
        Action<string> watcherFailed)
    {
        try
        {
            _watcher = new FileSystemWatcher(root, ObjectName.Index)
            {
                IncludeSubdirectories = true,
                NotifyFilter = NotifyFilters.FileName,
            };
            _watcher.Created += (_, e) => changed(e.FullPath);
            _watcher.Renamed += (_, e) => changed(e.FullPath);
            _watcher.Deleted += (_, e) => changed(e.FullPath);
            _watcher.Error += (_, e) =>
            {
                watcherFailed(e.GetException().Message);
                lookRound();
            };
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            watcherFailed(e.Message);
            _watcher?.Dispose();
            _watcher = null;
        }

        _timer = new PeriodicTimer(_watcher is null ? FastPoll : SlowPoll, clock);
        _polling = PollAsync(lookRound);
    }

    public async ValueTask DisposeAsync()
    {
        _watcher?.Dispose();
        _timer.Dispose();
        await _polling;
    }

    private async Task PollAsync(Action lookRound)
    {
        // Not on the thread that makes the store.
        await Task.Yield();
        while (await _timer.WaitForNextTickAsync())
            lookRound();
    }
}
