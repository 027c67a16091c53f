using System.Diagnostics.Metrics;

namespace Steadycast.Streaming.Transport;

/// <summary>What the transport counts.</summary>
public sealed class TransportMetrics
{
    private readonly UpDownCounter<long> connections;
    private readonly Counter<long> accepted;
    private readonly Counter<long> acceptErrors;
    private readonly Counter<long> aborts;
    private readonly Counter<long> tlsFailures;
    private readonly Counter<long> certificateReloads;
    private readonly Counter<long> bytesReceived;
    private readonly Counter<long> bytesSent;

    public TransportMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create("Steadycast.Transport");
        connections = meter.CreateUpDownCounter<long>("steadycast_transport_connections", "{connection}");
        accepted = meter.CreateCounter<long>("steadycast_transport_accepted_total", "{connection}");
        acceptErrors = meter.CreateCounter<long>("steadycast_transport_accept_errors_total", "{error}");
        aborts = meter.CreateCounter<long>("steadycast_transport_aborts_total", "{connection}");
        tlsFailures = meter.CreateCounter<long>("steadycast_transport_tls_failures_total", "{connection}");
        certificateReloads = meter.CreateCounter<long>("steadycast_transport_certificate_reloads_total", "{reload}");
        bytesReceived = meter.CreateCounter<long>("steadycast_transport_received_bytes_total", "By");
        bytesSent = meter.CreateCounter<long>("steadycast_transport_sent_bytes_total", "By");
    }

    internal void Opened() => connections.Add(1);

    internal void Closed() => connections.Add(-1);

    internal void Accepted() => accepted.Add(1);

    internal void AcceptFailed() => acceptErrors.Add(1);

    /// <param name="kind"><c>deadline</c>, <c>send_stalled</c>, <c>stopping</c>, or <c>closed</c> from above.</param>
    internal void Aborted(string kind) => aborts.Add(1, KeyValuePair.Create("kind", (object?)kind));

    internal void TlsFailed() => tlsFailures.Add(1);

    internal void CertificateReloaded(bool success) =>
        certificateReloads.Add(1, KeyValuePair.Create("outcome", (object?)(success ? "loaded" : "kept_old")));

    internal void Received(int bytes) => bytesReceived.Add(bytes);

    internal void Sent(int bytes) => bytesSent.Add(bytes);
}
