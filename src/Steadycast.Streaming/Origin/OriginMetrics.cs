using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Origin;

/// <summary>What an origin counts.</summary>
internal sealed class OriginMetrics
{
    private readonly Counter<long> _storeFaults;

    public OriginMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Steadycast.Streaming.Origin");
        Door = new DoorMetrics(meter, "steadycast_origin");
        _storeFaults = meter.CreateCounter<long>(
            "steadycast_origin_store_faults_total", "{fault}", "Objects in the store that could not be served.");
    }

    public DoorMetrics Door { get; }

    public void Corrupt() => _storeFaults.Add(1, new KeyValuePair<string, object?>("reason", "corrupt"));

    public void Unreadable() => _storeFaults.Add(1, new KeyValuePair<string, object?>("reason", "unreadable"));
}
