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

    private readonly SeamLog _seams;
    private readonly PlaylistHistory _history;
    private readonly PlayHead _head = new();
    private readonly MediaContinuity _continuity;
    private readonly ViewerOptions _options;
    private readonly Dictionary<string, long> _numberOfHash = [];
    private readonly Queue<SeenSegment> _seen = [];
    private readonly Dictionary<Uri, ReadOnlyMemory<byte>> _maps = [];
    private TimeSpan? _reloadAt = TimeSpan.Zero;
    private TimeSpan _retryAt;
    private TimeSpan? _joinedAt;
    private long? _wanted;
    private int _tries;
    private bool _ended;
    private (ListedSegment Listed, TimeSpan At)? playing;

    public ViewerSession(Uri playlist, ViewerOptions options)
    {
        _options = options;
        _seams = new SeamLog(_options.SeamsKept);
        _history = new PlaylistHistory(playlist, _seams);
        _continuity = new MediaContinuity(_seams);
    }

    /// <summary>When to ask for the playlist (again); null when it has ended.</summary>
    public TimeSpan? ReloadAt => _reloadAt;

    /// <summary>Everything fetched, oldest first; the oldest are dropped beyond 10,000.</summary>
    public IReadOnlyCollection<SeenSegment> Seen => _seen;

    /// <summary>The seams found so far, the first ones of them.</summary>
    public IReadOnlyList<Seam> Seams => _seams.Kept;

    /// <summary>The last number listed; null before the first playlist.</summary>
    public long? Edge => _history.Edge;

    /// <summary>Media in hand that has not been played.</summary>
    public TimeSpan Buffered => _head.Buffered;

    /// <summary>Everything of an ended stream has been played.</summary>
    public bool Finished(TimeSpan now)
    {
        _head.Advance(now);
        return _ended && _wanted > _history.Edge && _head.Buffered <= TimeSpan.Zero;
    }

    /// <summary>What to fetch now; null when there is nothing that is wanted and due.</summary>
    public Wanted? NextWanted(TimeSpan now)
    {
        _head.Advance(now);
        while (now >= _retryAt && _wanted <= _history.Edge && _head.Buffered < _options.BufferAhead)
        {
            if (_history.Find(_wanted.Value) is not { } listed)
                _wanted++;
            else if (listed.Segment.Gap)
                GiveUp(listed, now, "EXT-X-GAP");
            else if (listed.MapAddress is { } map && !_maps.ContainsKey(map))
                return new Wanted(listed, map, listed.Segment.Map!.ByteRange, IsMap: true);
            else
                return new Wanted(listed, listed.Address, listed.Segment.ByteRange, IsMap: false);
        }

        return null;
    }

    /// <summary>Takes the answer to a playlist request that was sent at <paramref name="asked"/>.</summary>
    public void PlaylistArrived(in Fetched fetched, TimeSpan asked, TimeSpan now)
    {
        _head.Advance(now);
        Playlists++;
        var target = TimeSpan.FromSeconds(Math.Max(1, _history.TargetDurationSeconds));
        _reloadAt = Later(asked + target / 2, now);
        if (!fetched.Ok)
        {
            _seams.Add(SeamKind.HttpError, now, null, $"Playlist: {fetched}.");
            return;
        }

        MediaPlaylist playlist;
        try
        {
            playlist = PlaylistReader.ParseMedia(Encoding.UTF8.GetString(fetched.Body.Span));
        }
        catch (PlaylistFormatException e)
        {
            _seams.Add(SeamKind.Malformed, now, null, $"Playlist: {e.Message}.");
            return;
        }

        var moved = _history.Observe(playlist, now);
        // Section 6.3.4: after a change wait as long as the last segment lasts, else half a target duration.
        if (moved && !playlist.Segments.IsEmpty)
            _reloadAt = Later(asked + playlist.Segments[^1].Duration, now);
        if (playlist.EndList)
            (_reloadAt, _ended) = (null, true);
        if (!playlist.Segments.IsEmpty)
            Follow(playlist, now);
    }

    /// <summary>Takes the answer to what <see cref="NextWanted"/> wanted.</summary>
    public void MediaArrived(Wanted what, in Fetched fetched, TimeSpan now)
    {
        _head.Advance(now);
        if (!fetched.Ok)
        {
            _seams.Add(SeamKind.HttpError, now, what.Listed.Msn, $"{Name(what.Address)}: {fetched}.");
            _retryAt = now + RetryDelay;
            if (++_tries >= MaxTries)
                GiveUp(what.Listed, now, $"{_tries} requests failed");
            return;
        }

        _tries = 0;
        Bytes += fetched.Body.Length;
        if (what.IsMap)
        {
            if (_maps.Count >= MaxMaps)
                _maps.Clear();
            _maps[what.Address] = fetched.Body;
            return;
        }

        Play(what.Listed, fetched.Body, now);
        _wanted = what.Listed.Msn + 1;
    }

    public ViewerReport Report(Uri address, DateTimeOffset startedAt, TimeSpan now)
    {
        _head.Advance(now);
        var open = new SeamLog(_options.SeamsKept);
        if (_head.StallAt(now) is { } stall)
            open.Add(SeamKind.Stall, stall.At, playing?.Listed.Msn,
                $"Playback has stood still for {stall.Length.TotalSeconds:0.00} s.", stall.Length.TotalSeconds);
        if (_history.StaleAt(now) is { } stale)
            open.Add(SeamKind.StalePlaylist, stale.At, _history.Edge,
                $"The playlist has stood still for {stale.Length.TotalSeconds:0.0} s at number {_history.Edge}.",
                stale.Length.TotalSeconds);
        return new ViewerReport
        {
            Url = address.AbsoluteUri,
            StartedAt = startedAt,
            Seconds = Math.Round(now.TotalSeconds, 3),
            Seamless = _joinedAt is not null && _seams.Total + open.Total == 0,
            JoinSeconds = Seconds(_joinedAt),
            PlayedSeconds = Math.Round(_head.Position.TotalSeconds, 3),
            StalledSeconds = Math.Round(StalledSeconds + (_head.StallAt(now)?.Length.TotalSeconds ?? 0), 3),
            LatencySeconds = Latency(startedAt, now),
            LeastBufferSeconds = Seconds(_head.LeastBuffered),
            PlaylistGapMaxSeconds = Math.Round(_history.LongestGap.TotalSeconds, 3),
            TargetDurationSeconds = _history.TargetDurationSeconds,
            Container = _continuity.Container,
            Ended = _ended,
            Playlists = Playlists,
            Segments = Segments,
            Bytes = Bytes,
            FirstMsn = FirstMsn,
            LastMsn = playing?.Listed.Msn,
            Counts = Enum.GetValues<SeamKind>().ToDictionary(k => k, k => _seams.Count(k) + open.Count(k)),
            Seams = [.. _seams.Kept, .. open.Kept],
        };
    }

    private int Playlists { get; set; }

    private int Segments { get; set; }

    private long Bytes { get; set; }

    private long? FirstMsn { get; set; }

    private double StalledSeconds { get; set; }

    private void Follow(MediaPlaylist playlist, TimeSpan now)
    {
        _wanted ??= _ended ? playlist.MediaSequence : JoinAt(playlist);
        if (playlist.MediaSequence + playlist.SkippedSegments is var first && first > _wanted)
        {
            _seams.Add(SeamKind.Hole, now, _wanted,
                $"Numbers {_wanted} to {first - 1} left the playlist before they could be fetched.");
            _wanted = first;
            _continuity.Break();
        }
        else if (playing is { } last && playlist.NextMediaSequence < last.Listed.Msn - playlist.Segments.Length)
        {
            // The numbers have started again far below: a player that does not follow sees nothing any more.
            _wanted = JoinAt(playlist);
            _continuity.Break();
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
        if (_numberOfHash.TryGetValue(hash, out var number) && number != listed.Msn)
            _seams.Add(SeamKind.Repeat, now, listed.Msn, $"The same bytes as number {number}.");
        _numberOfHash[hash] = listed.Msn;
        _seen.Enqueue(new SeenSegment(listed.Msn, listed.Address, hash, bytes.Length, listed.Segment.Duration, now));
        if (_seen.Count > MaxHashes)
            _numberOfHash.Remove(_seen.Dequeue().Sha256);
        if (listed.Segment.Discontinuity && FirstMsn is not null)
            _seams.Add(SeamKind.Discontinuity, now, listed.Msn,
                $"EXT-X-DISCONTINUITY; discontinuity sequence number {listed.DiscontinuitySequence}.");
        _continuity.Check(listed, listed.MapAddress is { } map ? _maps[map] : default, bytes, now);

        if (_head.Append(listed.Segment.Duration, now) is { } stall)
        {
            StalledSeconds += stall.Length.TotalSeconds;
            _seams.Add(SeamKind.Stall, stall.At, listed.Msn,
                $"Playback stood still for {stall.Length.TotalSeconds:0.00} s before number {listed.Msn} came.",
                stall.Length.TotalSeconds);
        }

        _joinedAt ??= now;
        FirstMsn ??= listed.Msn;
        Segments++;
        playing = (listed, _head.BufferedTo - listed.Segment.Duration);
        _head.Ended = _ended && listed.Msn >= _history.Edge;
    }

    private void GiveUp(ListedSegment listed, TimeSpan now, string why)
    {
        _seams.Add(SeamKind.Hole, now, listed.Msn, $"Number {listed.Msn} is missing: {why}.",
            listed.Segment.Duration.TotalSeconds);
        (_wanted, _tries) = (listed.Msn + 1, 0);
        _continuity.Break();
    }

    /// <summary>From the moment that the picture on screen was taken, as its programme date says, until now.</summary>
    private double? Latency(DateTimeOffset startedAt, TimeSpan now) =>
        playing is { Listed.Segment.ProgramDateTime: { } date } segment
            ? Math.Round((startedAt + now - date - (_head.Position - segment.At)).TotalSeconds, 3)
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
