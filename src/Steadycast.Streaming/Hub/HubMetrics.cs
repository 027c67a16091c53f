using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Hub;

/// <summary>What the hub counts.</summary>
public sealed class HubMetrics(IMeterFactory meters)
{
    private readonly Meter meter = meters.Create("Steadycast.Hub");

    internal string Name => meter.Name;
}
