namespace Steadycast.Streaming.Feed;

/// <summary>How patiently a feed is followed. The defaults are made for a house network.</summary>
public sealed record FeedClientOptions
{
    /// <summary>For the TCP connection. Default 1 s: an ingest in the same site answers in milliseconds.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Silence after which the ingest is taken for dead or frozen. Default 3 s: three missed state records, and still
    /// far below a packager's window.
    /// </summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The first pause before connecting again; doubles up to <see cref="MaxBackoff"/>. Default 50 ms.
    /// </summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Default 1 s: a restarted ingest is found within the viewer's buffer.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1);
}
