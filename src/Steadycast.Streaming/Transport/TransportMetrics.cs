using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Transport;

/// <summary>What the transport counts.</summary>
public sealed class TransportMetrics(IMeterFactory meters)
{
    private readonly Meter meter = meters.Create("Steadycast.Transport");

    internal string Name => meter.Name;
}
