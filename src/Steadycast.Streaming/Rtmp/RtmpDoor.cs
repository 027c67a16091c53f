using System.Net;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>
/// Where publishers and players of RTMP come in: listeners, and one <see cref="RtmpConnection"/> for each peer.
/// </summary>
/// <remarks>The transport owns listeners and connections: stopping it stops the door.</remarks>
public sealed partial class RtmpDoor(
    RtmpOptions options,
    SocketTransport transport,
    StreamHub hub,
    ConnectionGate connections,
    PublishGate publishers,
    RtmpMetrics metrics,
    AdmissionMetrics admission,
    ILogger<RtmpDoor> log,
    IPublishRoute? route = null)
{
    internal RtmpOptions Options => options;

    internal StreamHub Hub => hub;

    internal PublishGate Publishers => publishers;

    internal RtmpMetrics Metrics => metrics;

    internal AdmissionMetrics Admission => admission;

    internal ILogger Log => log;

    internal IPublishRoute? Route => route;

    /// <summary>Binds, and serves who comes until the transport stops.</summary>
    /// <param name="tls">The certificate, for RTMPS.</param>
    /// <param name="configurationKey">The key to name when the address cannot be bound.</param>
    /// <exception cref="IOException">It cannot be bound.</exception>
    public TransportListener Listen(ListenAddress address, TlsCertificateOptions? tls, string configurationKey) =>
        transport.Listen(address, tls, configurationKey, ServeAsync);

    private async Task ServeAsync(TransportConnection connection)
    {
        using ConnectionGate.Entry? entry = connections.TryEnter(
            connection.RemoteEndPoint, () => connection.Abort("others wait to come in"), out EntryRefusal refusal);
        if (entry is null)
        {
            metrics.Closed("not_admitted");
            LogNotAdmitted(connection.RemoteEndPoint, refusal);
            connection.Abort("not admitted");
            return;
        }

        using var story = new RtmpConnection(this, connection, entry);
        await story.RunAsync();
    }

    [LoggerMessage(LogLevel.Debug, "{RemoteEndPoint} was not taken in: {Refusal}")]
    private partial void LogNotAdmitted(EndPoint? remoteEndPoint, EntryRefusal refusal);
}
