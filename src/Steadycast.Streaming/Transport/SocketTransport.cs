using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Roles;

namespace Steadycast.Streaming.Transport;

/// <summary>Connections over managed sockets, plain or TLS, accepted or dialled.</summary>
/// <remarks>
/// Works with and without <c>DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1</c>. With it, what follows a receive
/// runs on the thread that polls the sockets of the process: cheaper by half, and never to be blocked.
/// </remarks>
public sealed partial class SocketTransport : IAsyncDisposable
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan TlsHandshakeTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AcceptComplaint = TimeSpan.FromSeconds(10);

    private readonly TimeProvider time;
    private readonly TransportMetrics metrics;
    private readonly ILogger<SocketTransport> log;
    private readonly ConcurrentDictionary<SocketConnection, bool> connections = new();
    private readonly ConcurrentDictionary<TransportListener, bool> listeners = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer sweep;
    private long lastId;

    public SocketTransport(TimeProvider time, TransportMetrics metrics, ILogger<SocketTransport> log)
    {
        (this.time, this.metrics, this.log) = (time, metrics, log);
        sweep = time.CreateTimer(static t => ((SocketTransport)t!).Sweep(), this, SweepEvery, SweepEvery);
    }

    /// <summary>How many connections are open, accepted and dialled.</summary>
    public int ConnectionCount => connections.Count;

    /// <summary>Binds, and serves every connection with its own call, after which it is closed.</summary>
    /// <param name="address">Where.</param>
    /// <param name="tls">The certificate of a TLS listener; null for plain TCP.</param>
    /// <param name="configurationKey">The key to name in an error: <c>ingest.listen_addr</c>.</param>
    /// <param name="serve">The story of one connection. Transport exceptions that leave it are the peer's end.</param>
    /// <exception cref="IOException">It cannot be bound; the message names address, key and cause.</exception>
    public TransportListener Listen(
        ListenAddress address,
        TlsCertificateOptions? tls,
        string configurationKey,
        Func<TransportConnection, Task> serve)
    {
        CertificateSource? certificate = tls is null ? null : new CertificateSource(tls, time, metrics, log);
        TransportListener listener = TransportListener.Bind(address, configurationKey, tls is not null);
        listeners.TryAdd(listener, true);
        listener.Accepting = AcceptLoopAsync(listener, certificate, serve);
        return listener;
    }

    /// <summary>Dials; the caller owns and disposes the connection.</summary>
    /// <param name="host">What the certificate must be for, and, without addresses, what is looked up.</param>
    /// <param name="trust">Judges the server's certificate; absent: the system's trust and the host's name.</param>
    /// <param name="addresses">Where to dial, tried in this order; absent: what the host's name leads to.</param>
    /// <exception cref="TransportException">No address answered, or TLS failed.</exception>
    public async Task<TransportConnection> ConnectAsync(
        string host,
        int port,
        bool useTls,
        RemoteCertificateValidationCallback? trust = null,
        IPAddress[]? addresses = null,
        CancellationToken cancellationToken = default)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        SocketConnection connection;
        try
        {
            if (addresses is null)
                await socket.ConnectAsync(host, port, cancellationToken);
            else
                await socket.ConnectAsync(addresses, port, cancellationToken);
            connection = Open(socket, isDialled: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw TransportException.From(e, abortReason: null);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        if (!useTls)
            return connection;
        try
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = host,
                EnabledSslProtocols = Protocols,
                RemoteCertificateValidationCallback = trust,
            };
            await connection.SecureAsync(
                s => s.AuthenticateAsClientAsync(options, cancellationToken), TlsHandshakeTime);
            return connection;
        }
        catch
        {
            connection.Abort("TLS failed");
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Unbinds, asks connections to finish, aborts what remains when the token fires, awaits all.</summary>
    public async Task StopAsync(CancellationToken grace)
    {
        foreach (TransportListener listener in listeners.Keys)
            listener.Unbind();
        await stopping.CancelAsync();
        foreach (TransportListener listener in listeners.Keys)
            await listener.Accepting;
        listeners.Clear();
        await using (grace.UnsafeRegister(static t => ((SocketTransport)t!).AbortAll(), this))
        {
            foreach (SocketConnection connection in connections.Keys.Where(c => !c.IsDialled))
                await connection.Served;
        }

        await sweep.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        stopping.Dispose();
    }

    private async Task AcceptLoopAsync(
        TransportListener listener, CertificateSource? certificate, Func<TransportConnection, Task> serve)
    {
        long complainedAt = 0;
        while (!listener.IsUnbound)
        {
            try
            {
                SocketConnection connection = Accept(await listener.AcceptAsync());
                // Owned by the set of connections, which StopAsync awaits.
                _ = ServeAsync(connection, certificate, serve);
            }
            catch (Exception e) when (listener.IsUnbound && e is SocketException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors or buffers, or a peer that left before it was accepted: it passes, the door stays.
                metrics.AcceptFailed();
                if (complainedAt == 0 || time.GetElapsedTime(complainedAt) > AcceptComplaint)
                {
                    complainedAt = time.GetTimestamp();
                    LogAcceptFailed(log, listener.LocalEndPoint.ToString()!, e.SocketErrorCode);
                }

                await Task.Delay(AcceptPause, time, CancellationToken.None);
            }
        }
    }

    private SocketConnection Accept(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
            SocketConnection connection = Open(socket, isDialled: false);
            metrics.Accepted();
            return connection;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task ServeAsync(
        SocketConnection connection, CertificateSource? certificate, Func<TransportConnection, Task> serve)
    {
        try
        {
            if (certificate is not null)
                await SecureAsync(connection, certificate);
            await serve(connection);
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            LogConnectionEnded(log, connection.Id, e.Message);
        }
        catch (Exception e)
        {
            LogServeFailed(log, connection.Id, e);
        }
        finally
        {
            await connection.DisposeAsync();
            Close(connection);
            connection.SetServed();
        }
    }

    private async Task SecureAsync(SocketConnection connection, CertificateSource certificate)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate.Current,
            EnabledSslProtocols = Protocols,
            ClientCertificateRequired = false,
        };
        try
        {
            await connection.SecureAsync(s => s.AuthenticateAsServerAsync(options), TlsHandshakeTime);
        }
        catch (TransportException)
        {
            metrics.TlsFailed();
            throw;
        }
    }

    private SocketConnection Open(Socket socket, bool isDialled)
    {
        string id = Interlocked.Increment(ref lastId).ToString(CultureInfo.InvariantCulture);
        var connection = new SocketConnection(
            id, socket, time, metrics, isDialled ? Close : null, stopping.Token);
        connections.TryAdd(connection, true);
        metrics.Opened();
        return connection;
    }

    private void Close(SocketConnection connection)
    {
        if (connections.TryRemove(connection, out _))
            metrics.Closed();
    }

    private void Sweep()
    {
        long now = time.GetTimestamp();
        foreach (KeyValuePair<SocketConnection, bool> entry in connections)
            entry.Key.CheckDeadlines(now);
    }

    private void AbortAll()
    {
        foreach (SocketConnection connection in connections.Keys)
            connection.AbortFor("the server is stopping", "stopping");
    }

    [LoggerMessage(LogLevel.Warning, "Cannot accept connections on {LocalEndPoint}: {Error}; trying again")]
    private static partial void LogAcceptFailed(ILogger log, string localEndPoint, SocketError error);

    [LoggerMessage(LogLevel.Debug, "Connection {ConnectionId} ended: {Reason}")]
    private static partial void LogConnectionEnded(ILogger log, string connectionId, string reason);

    [LoggerMessage(LogLevel.Error, "Connection {ConnectionId} was closed by an error of ours")]
    private static partial void LogServeFailed(ILogger log, string connectionId, Exception exception);
}
