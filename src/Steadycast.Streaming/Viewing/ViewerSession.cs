using System.Security.Cryptography;
using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Viewing;

/// <summary>
/// A careful player without its sockets: says what to fetch and when, is told what came, and notes every seam.
/// </summary>
/// <remarks>
/// Not thread-safe. All times are since the viewer started and must not go back. At most one playlist request and one
/// media request may be under way; each <see cref="NextWanted"/> that returned something must be answered by
/// <see cref="MediaArrived"/>.
/// </remarks>
internal sealed class ViewerSession
{
    /// <summary>Section 6.3.3: not to start closer to the end than three target durations.</summary>
    private const int JoinTargetDurations = 3;

    /// <summary>hls.js retries a fragment six times; four tries a second apart are half of a usual buffer.</summary>
    private const int MaxTries = 4;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Hashes remembered to see media that comes twice.</summary>
    private const int MaxHashes = 10_000;

    private const int MaxMaps = 32;

    private readonly SeamLog seams;
    private readonly PlaylistHistory history;
    private readonly PlayHead head = new();
    private readonly MediaContinuity continuity;
    private readonly ViewerOptions options;
    private readonly Dictionary<string, long> numberOfHash = [];
    private readonly Queue<SeenSegment> seen = [];
    private readonly Dictionary<Uri, ReadOnlyMemory<byte>> maps = [];
    private TimeSpan? reloadAt = TimeSpan.Zero;
    private TimeSpan retryAt;
    private TimeSpan? joinedAt;
    private long? wanted;
    private int tries;
    private bool ended;
    private (ListedSegment Listed, TimeSpan At)? playing;

    public ViewerSession(Uri playlist, ViewerOptions options)
    {
        this.options = options;
        seams = new SeamLog(options.SeamsKept);
        history = new PlaylistHistory(playlist, seams);
        continuity = new MediaContinuity(seams);
    }

    /// <summary>When to ask for the playlist (again); null when it has ended.</summary>
    public TimeSpan? ReloadAt => reloadAt;

    /// <summary>Everything fetched, oldest first; the oldest are dropped beyond 10,000.</summary>
    public IReadOnlyCollection<SeenSegment> Seen => seen;

    /// <summary>Everything of an ended stream has been played.</summary>
    public bool Finished(TimeSpan now)
    {
        head.Advance(now);
        return ended && wanted > history.Edge && head.Buffered <= TimeSpan.Zero;
    }

    /// <summary>What to fetch now; null when there is nothing that is wanted and due.</summary>
    public Wanted? NextWanted(TimeSpan now)
    {
        head.Advance(now);
        while (now >= retryAt && wanted <= history.Edge && head.Buffered < options.BufferAhead)
        {
            if (history.Find(wanted.Value) is not { } listed)
                wanted++;
            else if (listed.Segment.Gap)
                GiveUp(listed, now, "EXT-X-GAP");
            else if (listed.MapAddress is { } map && !maps.ContainsKey(map))
                return new Wanted(listed, map, listed.Segment.Map!.ByteRange, IsMap: true);
            else
                return new Wanted(listed, listed.Address, listed.Segment.ByteRange, IsMap: false);
        }

        return null;
    }

    /// <summary>Takes the answer to a playlist request that was sent at <paramref name="asked"/>.</summary>
    public void PlaylistArrived(in Fetched fetched, TimeSpan asked, TimeSpan now)
    {
        head.Advance(now);
        Playlists++;
        var target = TimeSpan.FromSeconds(Math.Max(1, history.TargetDurationSeconds));
        reloadAt = Later(asked + target / 2, now);
        if (!fetched.Ok)
        {
            seams.Add(SeamKind.HttpError, now, null, $"Playlist: {fetched}.");
            return;
        }

        MediaPlaylist playlist;
        try
        {
            playlist = PlaylistReader.ParseMedia(Encoding.UTF8.GetString(fetched.Body.Span));
        }
        catch (PlaylistFormatException e)
        {
            seams.Add(SeamKind.Malformed, now, null, $"Playlist: {e.Message}.");
            return;
        }

        var moved = history.Observe(playlist, now);
        // Section 6.3.4: after a change wait as long as the last segment lasts, else half a target duration.
        if (moved && !playlist.Segments.IsEmpty)
            reloadAt = Later(asked + playlist.Segments[^1].Duration, now);
        if (playlist.EndList)
            (reloadAt, ended) = (null, true);
        if (!playlist.Segments.IsEmpty)
            Follow(playlist, now);
    }

    /// <summary>Takes the answer to what <see cref="NextWanted"/> wanted.</summary>
    public void MediaArrived(Wanted what, in Fetched fetched, TimeSpan now)
    {
        head.Advance(now);
        if (!fetched.Ok)
        {
            seams.Add(SeamKind.HttpError, now, what.Listed.Msn, $"{Name(what.Address)}: {fetched}.");
            retryAt = now + RetryDelay;
            if (++tries >= MaxTries)
                GiveUp(what.Listed, now, $"{tries} requests failed");
            return;
        }

        tries = 0;
        Bytes += fetched.Body.Length;
        if (what.IsMap)
        {
            if (maps.Count >= MaxMaps)
                maps.Clear();
            maps[what.Address] = fetched.Body;
            return;
        }

        Play(what.Listed, fetched.Body, now);
        wanted = what.Listed.Msn + 1;
    }

    public ViewerReport Report(Uri address, DateTimeOffset startedAt, TimeSpan now)
    {
        head.Advance(now);
        var open = new SeamLog(options.SeamsKept);
        if (head.StallAt(now) is { } stall)
            open.Add(SeamKind.Stall, stall.At, playing?.Listed.Msn,
                $"Playback has stood still for {stall.Length.TotalSeconds:0.00} s.", stall.Length.TotalSeconds);
        if (history.StaleAt(now) is { } stale)
            open.Add(SeamKind.StalePlaylist, stale.At, history.Edge,
                $"The playlist has stood still for {stale.Length.TotalSeconds:0.0} s at number {history.Edge}.",
                stale.Length.TotalSeconds);
        return new ViewerReport
        {
            Url = address.AbsoluteUri,
            StartedAt = startedAt,
            Seconds = Math.Round(now.TotalSeconds, 3),
            Seamless = joinedAt is not null && seams.Total + open.Total == 0,
            JoinSeconds = Seconds(joinedAt),
            PlayedSeconds = Math.Round(head.Position.TotalSeconds, 3),
            StalledSeconds = Math.Round(StalledSeconds + (head.StallAt(now)?.Length.TotalSeconds ?? 0), 3),
            LatencySeconds = Latency(startedAt, now),
            LeastBufferSeconds = Seconds(head.LeastBuffered),
            PlaylistGapMaxSeconds = Math.Round(history.LongestGap.TotalSeconds, 3),
            TargetDurationSeconds = history.TargetDurationSeconds,
            Container = continuity.Container,
            Ended = ended,
            Playlists = Playlists,
            Segments = Segments,
            Bytes = Bytes,
            FirstMsn = FirstMsn,
            LastMsn = playing?.Listed.Msn,
            Counts = Enum.GetValues<SeamKind>().ToDictionary(k => k, k => seams.Count(k) + open.Count(k)),
            Seams = [.. seams.Kept, .. open.Kept],
        };
    }

    private int Playlists { get; set; }

    private int Segments { get; set; }

    private long Bytes { get; set; }

    private long? FirstMsn { get; set; }

    private double StalledSeconds { get; set; }

    private void Follow(MediaPlaylist playlist, TimeSpan now)
    {
        wanted ??= ended ? playlist.MediaSequence : JoinAt(playlist);
        if (playlist.MediaSequence + playlist.SkippedSegments is var first && first > wanted)
        {
            seams.Add(SeamKind.Hole, now, wanted,
                $"Numbers {wanted} to {first - 1} left the playlist before they could be fetched.");
            wanted = first;
            continuity.Break();
        }
        else if (playing is { } last && playlist.NextMediaSequence < last.Listed.Msn - playlist.Segments.Length)
        {
            // The numbers have started again far below: a player that does not follow sees nothing any more.
            wanted = JoinAt(playlist);
            continuity.Break();
        }
    }

    private static long JoinAt(MediaPlaylist playlist)
    {
        var msn = playlist.NextMediaSequence;
        var distance = TimeSpan.FromSeconds(JoinTargetDurations * playlist.TargetDurationSeconds);
        var fromEnd = TimeSpan.Zero;
        for (var i = playlist.Segments.Length - 1; i >= 0 && fromEnd < distance; i--)
        {
            fromEnd += playlist.Segments[i].Duration;
            msn--;
        }

        return msn;
    }

    private void Play(ListedSegment listed, ReadOnlyMemory<byte> bytes, TimeSpan now)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        if (numberOfHash.TryGetValue(hash, out var number) && number != listed.Msn)
            seams.Add(SeamKind.Repeat, now, listed.Msn, $"The same bytes as number {number}.");
        numberOfHash[hash] = listed.Msn;
        seen.Enqueue(new SeenSegment(listed.Msn, listed.Address, hash, bytes.Length, listed.Segment.Duration, now));
        if (seen.Count > MaxHashes)
            numberOfHash.Remove(seen.Dequeue().Sha256);
        if (listed.Segment.Discontinuity && FirstMsn is not null)
            seams.Add(SeamKind.Discontinuity, now, listed.Msn,
                $"EXT-X-DISCONTINUITY; discontinuity sequence number {listed.DiscontinuitySequence}.");
        continuity.Check(listed, listed.MapAddress is { } map ? maps[map] : default, bytes, now);

        if (head.Append(listed.Segment.Duration, now) is { } stall)
        {
            StalledSeconds += stall.Length.TotalSeconds;
            seams.Add(SeamKind.Stall, stall.At, listed.Msn,
                $"Playback stood still for {stall.Length.TotalSeconds:0.00} s before number {listed.Msn} came.",
                stall.Length.TotalSeconds);
        }

        joinedAt ??= now;
        FirstMsn ??= listed.Msn;
        Segments++;
        playing = (listed, head.BufferedTo - listed.Segment.Duration);
        head.Ended = ended && listed.Msn >= history.Edge;
    }

    private void GiveUp(ListedSegment listed, TimeSpan now, string why)
    {
        seams.Add(SeamKind.Hole, now, listed.Msn, $"Number {listed.Msn} is missing: {why}.",
            listed.Segment.Duration.TotalSeconds);
        (wanted, tries) = (listed.Msn + 1, 0);
        continuity.Break();
    }

    /// <summary>From the moment that the picture on screen was taken, as its programme date says, until now.</summary>
    private double? Latency(DateTimeOffset startedAt, TimeSpan now) =>
        playing is { Listed.Segment.ProgramDateTime: { } date } segment
            ? Math.Round((startedAt + now - date - (head.Position - segment.At)).TotalSeconds, 3)
            : null;

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static double? Seconds(TimeSpan? time) => time is { } t ? Math.Round(t.TotalSeconds, 3) : null;

    private static string Name(Uri address) => address.AbsolutePath[(address.AbsolutePath.LastIndexOf('/') + 1)..];
}

/// <summary>What a viewer wants to have: a segment, or the initialisation section that it needs first.</summary>
internal sealed record Wanted(ListedSegment Listed, Uri Address, ByteRange? Range, bool IsMap);

/// <summary>A segment that was fetched.</summary>
/// <param name="Sha256">Lower-case hex.</param>
/// <param name="At">When it had arrived in full, since the viewer started.</param>
public sealed record SeenSegment(long Msn, Uri Address, string Sha256, int Bytes, TimeSpan Duration, TimeSpan At);
