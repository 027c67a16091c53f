using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Admission;

/// <summary>What the doors counted of those who came.</summary>
public sealed class AdmissionMetrics
{
    private readonly UpDownCounter<long> _waiting;
    private readonly Counter<long> _connectionRefusals;
    private readonly Counter<long> _publishVerdicts;

    public AdmissionMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create("Steadycast.Admission");
        _waiting = meter.CreateUpDownCounter<long>("steadycast_admission_waiting_connections", "{connection}");
        _connectionRefusals =
            meter.CreateCounter<long>("steadycast_admission_connection_refusals_total", "{connection}");
        _publishVerdicts = meter.CreateCounter<long>("steadycast_admission_publish_verdicts_total", "{request}");
    }

    internal void Entered() => _waiting.Add(1);

    internal void WaitingEnded() => _waiting.Add(-1);

    internal void Refused(EntryRefusal reason) => _connectionRefusals.Add(1, Tag("reason", reason switch
    {
        EntryRefusal.TooManyConnections => "too_many_connections",
        EntryRefusal.TooManyFromAddress => "too_many_from_address",
        EntryRefusal.TooFast => "too_fast",
        _ => "put_out",
    }));

    public void Judged(PublishVerdict verdict) => _publishVerdicts.Add(1, Tag("verdict", verdict switch
    {
        PublishVerdict.Allowed => "allowed",
        PublishVerdict.UnknownStream => "unknown_stream",
        PublishVerdict.NoKey => "no_key",
        _ => "wrong_key",
    }));

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}
