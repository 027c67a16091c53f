using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Evidence;

/// <summary>
/// Writes down what a strict viewer sees: <c>log.txt</c>, <c>timeline.csv</c>, <c>segments/</c>, <c>playlists/</c>, and
/// at the end the report, the segments joined, and what ffprobe says of them.
/// </summary>
/// <remarks>One writer task owns every file; the viewer only queues.</remarks>
internal sealed class EvidenceFolder : IViewerWitness, IAsyncDisposable
{
    private const int MaxQueued = 4096;
    private const long MaxQueuedBytes = 256 << 20;

    private readonly string _path;
    private readonly EvidenceLimits _limits;
    private readonly TimeProvider _time;
    private readonly DateTimeOffset _startedAt;
    private readonly Channel<Action> _queue =
        Channel.CreateBounded<Action>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly KeptSegments _segments;
    private readonly StreamWriter _log;
    private readonly StreamWriter _timeline;
    private readonly Task _writing;
    private long _queuedBytes;
    private long _lost;
    private long? _edge;
    private byte[] _lastPlaylist = [];
    private string? _lastPlaylistFault;
    private int _versions;
    private int _removed;
    private int _seams;

    /// <exception cref="EvidenceException">The folder has something in it, or cannot be made.</exception>
    public EvidenceFolder(string path, EvidenceLimits limits, TimeProvider time)
    {
        (_path, _limits, _time, _startedAt) = (Path.GetFullPath(path), limits, time, time.GetUtcNow());
        _segments = new KeptSegments(limits.SegmentBytes);
        try
        {
            if (Directory.Exists(_path) && Directory.EnumerateFileSystemEntries(_path).Any())
                throw new EvidenceException($"{_path} is not empty; name a new folder for the evidence of this run");
            foreach (var sub in new[] { "segments", "playlists", "joined" })
                Directory.CreateDirectory(Path.Combine(_path, sub));
            _log = Open("log.txt");
            _timeline = Open("timeline.csv");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EvidenceException($"{_path} cannot be written: {e.Message}", e);
        }

        _timeline.WriteLine(
            "msn,at_seconds,arrived_at,program_date_time,duration_seconds,buffered_seconds,bytes,sha256," +
            "discontinuity,uri");
        _writing = Task.Run(WriteAsync);
    }

    public string FullPath => _path;

    /// <summary>Why some of it is missing; null when it is whole.</summary>
    public string? Fault { get; private set; }

    public void PlaylistArrived(ArrivedPlaylist playlist) => Queue(playlist.Body.Length, () => Write(playlist));

    public void MediaArrived(ArrivedMedia media) => Queue(media.Body.Length, () => Write(media));

    public void SeamFound(Seam seam)
    {
        _seams++;
        Queue(0, () => Write(seam));
    }

    /// <summary>Everything that is only known at the end; nothing is witnessed after this.</summary>
    /// <param name="ffprobe">The program; one that is not installed is said so in the log.</param>
    /// <returns>One line about what there is.</returns>
    public async Task<string> FinishAsync(ViewerReport report, string ffprobe, CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        await _writing;
        if (_lost > 0)
            Fail($"{_lost} things came faster than they could be written");
        var probed = "nothing to probe";
        try
        {
            // What goes on at the end is a seam of the report, too, that nobody was told of.
            foreach (var seam in report.Seams.Skip(_seams))
                Write(seam);
            await File.WriteAllTextAsync(Path.Combine(_path, "report.json"), report.ToJson() + "\n", cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(_path, "report.txt"), report.ToText(), cancellationToken);
            var files = await JoinedSegments.WriteAsync(_path, _segments, cancellationToken);
            if (files.Count > 0)
            {
                var probe = new Ffprobe(ffprobe, _time);
                probed = await probe.ReportAsync(Path.Combine(_path, "ffprobe.txt"), _path, files, cancellationToken);
            }

            Say(report.Seconds, probed);
            Say(report.Seconds, report.Seamless ? "end: seamless" : "end: not seamless");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e.Message);
        }

        var playlists = Math.Min(_versions, _limits.Playlists);
        return $"{_segments.All.Count} segments, {playlists} playlists in {_path}; {probed}";
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        try
        {
            await _log.DisposeAsync();
            await _timeline.DisposeAsync();
        }
        catch (IOException e)
        {
            Fail(e.Message);
        }
    }

    private void Queue(int bytes, Action write)
    {
        if (Interlocked.Add(ref _queuedBytes, bytes) <= MaxQueuedBytes && _queue.Writer.TryWrite(Release))
            return;
        Interlocked.Add(ref _queuedBytes, -bytes);
        _lost++;

        void Release()
        {
            write();
            Interlocked.Add(ref _queuedBytes, -bytes);
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var write in _queue.Reader.ReadAllAsync())
        {
            try
            {
                write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Fail(e.Message);
            }
        }
    }

    private void Write(ArrivedPlaylist playlist)
    {
        if (playlist.Fault is { } fault)
        {
            // A server that is away for minutes is two lines: when it went and when it was back.
            if (fault != _lastPlaylistFault)
                Say(playlist.At.TotalSeconds, $"playlist fails: {fault}");
            _lastPlaylistFault = fault;
            return;
        }

        if (_lastPlaylistFault is not null)
            Say(playlist.At.TotalSeconds, "playlist answers again");
        _lastPlaylistFault = null;
        if (playlist.Body.Span.SequenceEqual(_lastPlaylist))
            return;
        _lastPlaylist = playlist.Body.ToArray();
        _versions++;
        Say(playlist.At.TotalSeconds, playlist.Edge is { } edge
            ? $"playlist version {_versions}: up to number {edge}{(_edge is { } b ? $" ({edge - b:+0;-0;0})" : "")}"
            : $"playlist version {_versions}: multivariant");
        _edge = playlist.Edge ?? _edge;
        if (_versions == _limits.Playlists + 1)
            Say(playlist.At.TotalSeconds, $"{_limits.Playlists} playlists are kept, the later ones are not");
        if (_versions <= _limits.Playlists)
            File.WriteAllBytes(
                Path.Combine(_path, "playlists", $"{_versions:00000}-{playlist.At.TotalSeconds:0000.000}s.m3u8"),
                _lastPlaylist);
    }

    private void Write(ArrivedMedia media)
    {
        var what = media.IsMap ? "initialisation section of" : "segment";
        if (media.Fault is { } fault)
        {
            Say(media.At.TotalSeconds, $"{what} {media.Msn} fails: {fault}");
            return;
        }

        var uri = media.Address.AbsoluteUri.Replace("\"", "%22", StringComparison.Ordinal);
        var hash = Convert.ToHexStringLower(SHA256.HashData(media.Body.Span));
        Say(media.At.TotalSeconds, $"{what} {media.Msn}: {media.Body.Length} bytes, sha256 {hash[..16]}…");
        if (media.IsMap)
        {
            File.WriteAllBytes(Path.Combine(_path, "segments", _segments.MapFile(media.Address)), media.Body.ToArray());
            return;
        }

        _timeline.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{media.Msn},{media.At.TotalSeconds:0.000},{_startedAt + media.At:O},{media.ProgramDateTime:O}," +
            $"{media.Duration.TotalSeconds:0.000},{media.Buffered.TotalSeconds:0.000},{media.Body.Length},{hash}," +
            $"{(media.Discontinuity ? 1 : 0)},\"{uri}\""));
        var tooOld = _segments.Add(media, out var kept);
        foreach (var gone in tooOld)
        {
            File.Delete(Path.Combine(_path, "segments", gone.File));
            if (_removed++ == 0)
                Say(media.At.TotalSeconds, $"more than {_limits.SegmentBytes} bytes of segments: the oldest go");
        }

        using var file = File.Create(Path.Combine(_path, "segments", kept.File));
        file.Write(media.Body.Span);
    }

    private void Write(Seam seam) =>
        Say(seam.AtSeconds, $"SEAM {ViewerReport.NameOf(seam.Kind)}: {seam.Detail}");

    private void Say(double seconds, string text) => _log.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{_startedAt + TimeSpan.FromSeconds(seconds):yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {seconds,9:0.000} s  {text}"));

    private void Fail(string reason) => Fault ??= reason;

    private StreamWriter Open(string name) =>
        new(Path.Combine(_path, name), append: false, new UTF8Encoding(false)) { AutoFlush = true, NewLine = "\n" };
}

/// <summary>How much is kept.</summary>
/// <param name="SegmentBytes">1 GiB is half an hour at 4 Mb/s; joined, it is on the disk twice.</param>
/// <param name="Playlists">10,000 versions are five hours of 2 s segments.</param>
internal sealed record EvidenceLimits(long SegmentBytes = 1L << 30, int Playlists = 10_000);
