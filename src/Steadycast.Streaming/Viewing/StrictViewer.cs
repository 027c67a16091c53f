using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Viewing;

/// <summary>
/// Watches an HLS stream as a careful player does, and reports every seam: the engine of <c>steadycast watch</c>.
/// </summary>
/// <remarks>One viewer per instance and per call; the client is the caller's and is not disposed.</remarks>
/// <param name="witness">Told of everything that comes; null: nobody is.</param>
public sealed class StrictViewer(
    HttpClient http, TimeProvider time, ViewerOptions options, IViewerWitness? witness = null)
{
    /// <summary>The longest sleep between looks at what is due.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);

    /// <summary>Everything fetched by the last <see cref="WatchAsync"/>, oldest first, at most 10,000.</summary>
    public IReadOnlyCollection<SeenSegment> Seen { get; private set; } = [];

    /// <summary>Watches a media playlist, or the best variant of a multivariant one.</summary>
    /// <param name="address">Absolute http or https address.</param>
    /// <param name="cancellationToken">Ends the watching early; the report is made nevertheless.</param>
    public async Task<ViewerReport> WatchAsync(Uri address, CancellationToken cancellationToken)
    {
        var fetch = new ViewerFetch(http, time, options);
        var startedAt = time.GetUtcNow();
        var started = time.GetTimestamp();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var playlist = address;
        ViewerSession session;
        var first = await fetch.GetAsync(address, null, options.MaxPlaylistBytes, ending.Token);
        if (first.Ok && BestVariant(first.Body) is { } variant)
        {
            witness?.PlaylistArrived(new ArrivedPlaylist(time.GetElapsedTime(started), null, null, first.Body));
            playlist = new Uri(address, variant);
            session = new ViewerSession(playlist, options);
        }
        else
        {
            session = new ViewerSession(playlist, options);
            session.PlaylistArrived(first, TimeSpan.Zero, time.GetElapsedTime(started));
            Tell(first, session, time.GetElapsedTime(started));
        }

        var told = TellSeams(session, 0);
        Task<Fetched>? loading = null;
        var asked = TimeSpan.Zero;
        (Wanted What, Task<Fetched> Task)? fetching = null;
        while (!cancellationToken.IsCancellationRequested)
        {
            var now = time.GetElapsedTime(started);
            if (now >= options.WatchFor || session.Finished(now))
                break;
            if (loading is null && session.ReloadAt <= now)
                (asked, loading) = (now, fetch.GetAsync(playlist, null, options.MaxPlaylistBytes, ending.Token));
            if (fetching is null && session.NextWanted(now) is { } wanted)
            {
                var segment = fetch.GetAsync(wanted.Address, wanted.Range, options.MaxSegmentBytes, ending.Token);
                fetching = (wanted, segment);
            }

            var tick = Task.Delay(Tick, time, CancellationToken.None);
            await Task.WhenAny(loading ?? tick, fetching?.Task ?? tick, tick);
            now = time.GetElapsedTime(started);
            if (loading is { IsCompleted: true } && !cancellationToken.IsCancellationRequested)
            {
                session.PlaylistArrived(await loading, asked, now);
                Tell(await loading, session, now);
                loading = null;
            }

            if (fetching is { Task.IsCompleted: true } got && !cancellationToken.IsCancellationRequested)
            {
                session.MediaArrived(got.What, await got.Task, now);
                Tell(got.What, await got.Task, session, now);
                fetching = null;
            }

            told = TellSeams(session, told);
        }

        var end = time.GetElapsedTime(started);
        await ending.CancelAsync();
        if (loading is not null)
            await loading;
        if (fetching is { } last)
            await last.Task;
        TellSeams(session, told);
        Seen = session.Seen;
        return session.Report(address, startedAt, end);
    }

    private void Tell(in Fetched fetched, ViewerSession session, TimeSpan now) => witness?.PlaylistArrived(
        new ArrivedPlaylist(now, fetched.Ok ? null : fetched.ToString(), session.Edge, fetched.Body));

    private void Tell(Wanted what, in Fetched fetched, ViewerSession session, TimeSpan now)
    {
        var (listed, segment) = (what.Listed, what.Listed.Segment);
        witness?.MediaArrived(new ArrivedMedia(
            listed.Msn, what.IsMap, what.Address, listed.MapAddress, segment.Duration, segment.ProgramDateTime,
            segment.Discontinuity, now, session.Buffered, fetched.Ok ? null : fetched.ToString(), fetched.Body));
    }

    private int TellSeams(ViewerSession session, int told)
    {
        if (witness is null)
            return told;
        for (; told < session.Seams.Count; told++)
            witness.SeamFound(session.Seams[told]);
        return told;
    }

    private static string? BestVariant(ReadOnlyMemory<byte> body)
    {
        try
        {
            return PlaylistReader.Parse(Encoding.UTF8.GetString(body.Span)) is MultivariantPlaylist multivariant
                ? multivariant.Variants.MaxBy(v => v.Bandwidth)?.Uri
                : null;
        }
        catch (PlaylistFormatException)
        {
            // The session meets the same text and reports it.
            return null;
        }
    }
}
