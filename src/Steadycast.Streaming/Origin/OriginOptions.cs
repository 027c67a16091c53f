namespace Steadycast.Streaming.Origin;

/// <summary>The <c>origin</c> section: serves a store to viewers, caches and switches.</summary>
public sealed record OriginOptions
{
    /// <summary>Where <c>/hls/</c> is served. Default <c>:8081</c>, streaming-lab's primary origin.</summary>
    public string ListenAddr { get; init; } = ":8081";

    /// <summary><c>memory</c> (the packager is in the same process) or the directory that a packager writes.</summary>
    public string Store { get; init; } = "memory";

    /// <summary>Access-Control-Allow-Origin; empty sends none. Default <c>*</c>: players live on other sites.</summary>
    public string Cors { get; init; } = "*";

    /// <summary>The stream behind <c>/hls/index.m3u8</c>; absent: the only one there is.</summary>
    public string? DefaultStream { get; init; }
}
