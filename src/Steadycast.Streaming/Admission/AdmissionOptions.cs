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
    /// Of those, from one address (IPv6: from one /64); Default
    /// 64: a venue's encoders that all come back at once behind one address.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWaitingPerAddress { get; init; } = 64;

    /// <summary>
    /// New connections of one address in a second, over time. Default 50: more than any encoder's retries, and not
    /// worth a scanner's while.
    /// </summary>
    [Range(0.001, 100_000)]
    public double MaxArrivalsPerSecond { get; init; } = 50;

    /// <summary>New connections of one address at once. Default 200: four seconds' worth.</summary>
    [Range(1, 100_000)]
    public int ArrivalBurst { get; init; } = 200;

    /// <summary>Connections of one address, whatever they do. Default: as many as there may be in all.</summary>
    [Range(1, 1_000_000)]
    public int MaxPerAddress { get; init; } = 1_000_000;

    /// <summary>
    /// Whether loopback has the limits of an address too. Default false: a proxy may stand behind it.
    /// </summary>
    public bool LimitsLoopback { get; init; }
}
