using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Admission;

/// <summary>How many connections a door takes in, and from whom.</summary>
public sealed record AdmissionOptions
{
    /// <summary>
    /// Connections in all. 1 to 1,000,000; default 10,000, what one process carries on a large machine.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; init; } = 10_000;

    /// <summary>
    /// Connections that neither publish nor play yet; one more puts out the oldest of them, since an honest one is
    /// done in a second. Default 1,000: a tenth of all.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWaiting { get; init; } = 1_000;

    /// <summary>
    /// Of those, from one address (IPv6: from one /64); not asked of loopback, behind which a proxy may stand. Default
    /// 64: a venue's encoders that all come back at once behind one address.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWaitingPerAddress { get; init; } = 64;

    /// <summary>
    /// New connections of one address in a second, over time; four times as many in a burst; not asked of loopback.
    /// Default 50: more than any encoder's retries, and not worth a scanner's while.
    /// </summary>
    [Range(1, 100_000)]
    public int MaxArrivalsPerSecond { get; init; } = 50;
}
