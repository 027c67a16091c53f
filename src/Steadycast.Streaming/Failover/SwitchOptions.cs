using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Failover;

/// <summary>The <c>switch</c> section: many origins in, one playlist that never goes back out.</summary>
public sealed record SwitchOptions
{
    /// <summary>Where viewers come. Default <c>:8080</c>, streaming-lab's switcher.</summary>
    public string ListenAddr { get; init; } = ":8080";

    /// <summary>
    /// streaming-lab's PRIMARY_BASE_URL: <c>http://origin-primary/hls</c>. Short for an origin named primary.
    /// </summary>
    public string? PrimaryBaseUrl { get; init; }

    /// <summary>streaming-lab's BACKUP_BASE_URL. Short for an origin named backup.</summary>
    public string? BackupBaseUrl { get; init; }

    /// <summary>
    /// Any number of origins, in order of preference; beside or instead of the two above. A zone or weights, if there
    /// are any, come before this order.
    /// </summary>
    public IReadOnlyList<SwitchOrigin> Origins { get; init; } = [];

    /// <summary>
    /// streaming-lab's PLAYLIST_PATH, below each base URL. A folder in it (<c>mystream/index.m3u8</c>) is the one
    /// stream to follow; streams that Steadycast packaged are followed by their <c>index.json</c> beside it.
    /// </summary>
    public string PlaylistPath { get; init; } = "index.m3u8";

    /// <summary>
    /// How origins are followed. <c>index</c>: by Steadycast's <c>index.json</c>, all of them in lockstep.
    /// <c>playlist</c>: by the playlists of whatever they are (ffmpeg behind nginx, a packager of another make, a CDN),
    /// media or multivariant, one at a time, with a discontinuity where another takes over. Default <c>auto</c>: asks
    /// the origins which of the two they have; set it where both kinds are mixed.
    /// </summary>
    public FollowMode Follow { get; init; }

    /// <summary>Where this switch stands: origins of the same zone are preferred to all others.</summary>
    public string? Zone { get; init; }

    /// <summary>
    /// The other switches that the same viewers come to. What one of them has published is published here as it is,
    /// and a playlist older than a peer's is held back up to 0.3 s: viewers may be sent to any of them.
    /// </summary>
    public IReadOnlyList<SwitchOrigin> Peers { get; init; } = [];

    /// <summary>How often freshness is judged, 0.1 to 60 s. Default 0.5; segments are followed without it.</summary>
    [Range(0.1, 60)]
    public double CheckIntervalSeconds { get; init; } = 0.5;

    /// <summary>
    /// No progress for this long, while another origin has some, is stale. Default: 1.5 target durations.
    /// </summary>
    [Range(0.5, 600)]
    public double? SegmentAgeThresholdSeconds { get; init; }

    /// <summary>
    /// Consecutive good checks before the preferred origin is active again. Default 60: half a minute.
    /// </summary>
    [Range(1, 10000)]
    public int RequiredWindows { get; init; } = 60;

    /// <summary>Which streams; empty: every stream that an origin lists.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>The stream behind <c>/hls/index.m3u8</c>; absent: the only one there is.</summary>
    public string? DefaultStream { get; init; }

    /// <summary>
    /// Where the published playlist, its segments and pinned origins are kept over restarts; absent: memory only.
    /// </summary>
    public string? StateDir { get; init; }

    /// <summary>
    /// Bytes of segments in memory, 16 MiB to 1 TiB. Default 512 MiB: two minutes of eight streams at 4 Mb/s. Above it
    /// the oldest go, and are read again from the state directory or an origin.
    /// </summary>
    [Range(16L << 20, 1L << 40)]
    public long MaxCacheBytes { get; init; } = 512L << 20;

    /// <summary>
    /// Who sends it as <c>Authorization: Bearer</c> may pin an origin. Absent: only requests from this machine may.
    /// </summary>
    [MinLength(16)]
    public string? ApiToken { get; init; }

    /// <summary>Access-Control-Allow-Origin; empty sends none.</summary>
    public string Cors { get; init; } = "*";

    /// <summary>
    /// In order of preference: those of our zone, by weight, then the two named ones and the list as they stand.
    /// </summary>
    internal IEnumerable<SwitchOrigin> AllOrigins() => NamedOrigins()
        .OrderByDescending(origin => Zone is { Length: > 0 } && origin.Zone == Zone)
        .ThenByDescending(origin => origin.Weight);

    /// <summary>The streams that are followed whatever origins list; empty: what they list.</summary>
    internal IReadOnlyList<string> NamedStreams() => AllStreams() is { Count: > 0 } named
        ? named
        : Follow == FollowMode.Playlist || AllOrigins().Any(o => o.IsPlaylist()) ? [NameOfTheOne] : [];

    /// <summary>What the one stream of origins that name none is called.</summary>
    internal string NameOfTheOne => DefaultStream ?? "live";

    /// <summary>Where an origin should have the media or multivariant playlist of a stream.</summary>
    internal Uri PlaylistOf(SwitchOrigin origin, string stream)
    {
        if (origin.IsPlaylist())
            return new Uri(origin.Url);
        var file = PlaylistPath[(PlaylistPath.LastIndexOf('/') + 1)..];
        var path = AllStreams().Count > 0 ? $"{stream}/{file}" : PlaylistPath.TrimStart('/');
        return new Uri($"{origin.Url.TrimEnd('/')}/{path}");
    }

    private IEnumerable<SwitchOrigin> NamedOrigins()
    {
        if (PrimaryBaseUrl is { Length: > 0 } primary)
            yield return new SwitchOrigin { Name = "primary", Url = primary };
        if (BackupBaseUrl is { Length: > 0 } backup)
            yield return new SwitchOrigin { Name = "backup", Url = backup };
        foreach (var origin in Origins)
            yield return origin;
    }

    /// <summary>The configured streams; none: every one that an origin lists.</summary>
    internal IReadOnlyList<string> AllStreams()
    {
        if (Streams.Count > 0)
            return Streams;
        var slash = PlaylistPath.LastIndexOf('/');
        return slash > 0 && PlaylistPath[..slash].Trim('/') is { Length: > 0 } folder ? [folder] : [];
    }
}

/// <summary>One origin of the switch, or another switch.</summary>
public sealed record SwitchOrigin
{
    /// <summary>What it is called in metrics, health and logs: <c>primary</c>.</summary>
    [Required]
    public string Name { get; init; } = "";

    /// <summary>
    /// Up to and with <c>/hls</c>; or a whole media or multivariant playlist of any make:
    /// <c>https://cdn.example/show/master.m3u8?token=…</c>.
    /// </summary>
    [Required]
    public string Url { get; init; } = "";

    /// <summary>
    /// Origins with a higher weight are preferred, 0 to 1000. Default 1; those alike in the order of the list.
    /// </summary>
    [Range(0, 1000)]
    public int Weight { get; init; } = 1;

    /// <summary>Where it stands; see the switch's own zone.</summary>
    public string? Zone { get; init; }

    /// <summary>Whether the address is that of a playlist, to which nothing is appended.</summary>
    public bool IsPlaylist() => Uri.TryCreate(Url, UriKind.Absolute, out var url)
        && (url.AbsolutePath.EndsWith(".m3u8", StringComparison.OrdinalIgnoreCase)
            || url.AbsolutePath.EndsWith(".m3u", StringComparison.OrdinalIgnoreCase));
}

/// <summary>How a stream's origins are followed.</summary>
public enum FollowMode
{
    /// <summary>As the origins turn out to be.</summary>
    Auto,

    /// <summary>By <c>index.json</c>, in lockstep.</summary>
    Index,

    /// <summary>By their playlists, one at a time.</summary>
    Playlist,
}
