using Microsoft.Extensions.Logging;

namespace Steadycast.Streaming.Transport;

/// <summary>Connections over managed sockets, plain or TLS, accepted or dialled.</summary>
public sealed class SocketTransport(TimeProvider time, TransportMetrics metrics, ILogger<SocketTransport> log)
    : IAsyncDisposable
{
    /// <summary>Binds, and serves every connection with its own call, after which it is closed.</summary>
    /// <param name="address">Where.</param>
    /// <param name="tls">The certificate of a TLS listener; null for plain TCP.</param>
    /// <param name="configurationKey">The key to name in an error: <c>ingest.listen_addr</c>.</param>
    /// <param name="serve">The story of one connection. Transport exceptions that leave it are the peer's end.</param>
    /// <exception cref="IOException">It cannot be bound; the message names address, key and cause.</exception>
    public Task<TransportListener> ListenAsync(
        ListenAddress address,
        TlsCertificateOptions? tls,
        string configurationKey,
        Func<TransportConnection, Task> serve,
        CancellationToken cancellationToken = default) => throw new NotSupportedException();

    /// <summary>Dials; the caller owns and disposes the connection.</summary>
    /// <exception cref="TransportException">No address answered, or TLS failed.</exception>
    public Task<TransportConnection> ConnectAsync(
        string host, int port, bool useTls, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    /// <summary>Unbinds, asks connections to finish, aborts what remains when the token fires, awaits all.</summary>
    public Task StopAsync(CancellationToken grace)
    {
        _ = (time, metrics, log);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await StopAsync(new CancellationToken(canceled: true));
}
