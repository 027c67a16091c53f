using System.Globalization;
using System.Net.Sockets;

namespace Steadycast.Compare;

/// <summary>
/// Viewers of one playlist, each on a connection of its own: they begin three segments from the end and ask as players
/// do, a target duration after a playlist that was new, half of one after a playlist that was not (RFC 8216, 6.3.4).
/// </summary>
internal sealed class HlsViewers : IAsyncDisposable
{
    /// <summary>For a playlist and the segments that are new in it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly CancellationTokenSource stop;
    private readonly List<Task> tasks = [];
    private readonly string playlist;
    private long bytes;
    private long segments;
    private long failures;

    private HlsViewers(string playlist, CancellationToken cancellationToken)
    {
        this.playlist = playlist;
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>Of segments only.</summary>
    public long BytesReceived => Interlocked.Read(ref bytes);

    public long SegmentsReceived => Interlocked.Read(ref segments);

    public long Failures => Interlocked.Read(ref failures);

    /// <param name="playlist">The path of a media playlist.</param>
    public static HlsViewers Start(int port, string playlist, int count, CancellationToken cancellationToken)
    {
        var all = new HlsViewers(playlist, cancellationToken);
        for (int i = 0; i < count; i++)
            all.tasks.Add(all.WatchAsync(port, (double)i / count));
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(tasks);
        stop.Dispose();
    }

    /// <param name="phase">When in a target duration of 2 s it joins, from 0 to 1: no two come at once.</param>
    private async Task WatchAsync(int port, double phase)
    {
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(2 * phase), TimeProvider.System, stop.Token);
            using var connection = new HlsConnection();
            await connection.ConnectAsync(port, stop.Token);
            for (long? next = null; ;)
            {
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                deadline.CancelAfter(Patience);
                (double target, long first, List<string> uris) =
                    Read(await connection.GetTextAsync(playlist, deadline.Token));
                next = Math.Max(first, next ?? first + uris.Count - 3);
                bool isNew = next < first + uris.Count;
                for (; next < first + uris.Count; next++)
                {
                    string uri = playlist[..(playlist.LastIndexOf('/') + 1)] + uris[(int)(next.Value - first)];
                    Interlocked.Add(ref bytes, await connection.GetSegmentAsync(uri, deadline.Token));
                    Interlocked.Increment(ref segments);
                }

                await Task.Delay(TimeSpan.FromSeconds(isNew ? target : target / 2), TimeProvider.System, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run is over.
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            if (Interlocked.Increment(ref failures) <= 3)
                await Console.Error.WriteLineAsync($"a viewer failed: {e.Message}");
        }
    }

    private static (double Target, long First, List<string> Uris) Read(string text)
    {
        var (target, first, uris) = (2.0, 0L, new List<string>());
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("#EXT-X-TARGETDURATION:", StringComparison.Ordinal))
                target = double.Parse(line[22..], CultureInfo.InvariantCulture);
            else if (line.StartsWith("#EXT-X-MEDIA-SEQUENCE:", StringComparison.Ordinal))
                first = long.Parse(line[22..], CultureInfo.InvariantCulture);
            else if (line.Length > 0 && line[0] != '#')
                uris.Add(line);
        }

        return (target, first, uris);
    }
}
