namespace Steadycast.Streaming.Viewing;

/// <summary>How a strict viewer behaves.</summary>
public sealed record ViewerOptions
{
    /// <summary>How long to watch; default 30 s. Null: until cancelled, or the stream ends.</summary>
    public TimeSpan? WatchFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a whole answer may take; default 10 s, what Apple's player allows.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How far the viewer fetches ahead of its play head; default 60 s: more than any live player.</summary>
    public TimeSpan BufferAhead { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Seams kept with their words; beyond this they are only counted. Default 1000.</summary>
    public int SeamsKept { get; init; } = 1000;

    /// <summary>The largest playlist read, in bytes; default 4 MiB.</summary>
    public int MaxPlaylistBytes { get; init; } = 4 << 20;

    /// <summary>The largest segment read, in bytes; default 128 MiB: 10 s at 100 Mbit/s.</summary>
    public int MaxSegmentBytes { get; init; } = 128 << 20;
}
