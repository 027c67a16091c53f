using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Rtmp;

/// <summary>How long an RTMP door waits for whom, and what it takes from a peer.</summary>
public sealed record RtmpOptions
{
    /// <summary>
    /// From accept to C2, in all. Default 5 s: three round trips of the worst satellite link, and an end to peers that
    /// send a byte a second.
    /// </summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// From the handshake to an accepted publish or play. Default 10 s, as above with a few commands more.
    /// </summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a publisher may complete no message before it is closed and loses its name. Default 8 s: the promise is
    /// 10, and no live encoder is silent for so long.
    /// </summary>
    public TimeSpan PublisherSilence { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>
    /// How long one send to a peer may take, a player that takes nothing above all. Default 10 s; the hub moves a slow
    /// player on long before.
    /// </summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What one connection may send. Default: see there.</summary>
    public RtmpLimits Limits { get; init; } = RtmpLimits.Default;
}
