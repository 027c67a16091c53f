using System.Net;
using System.Net.Sockets;
using Steadycast.Streaming.Roles;

namespace Steadycast.Streaming.Transport;

/// <summary>A bound address whose connections are being served.</summary>
public sealed class TransportListener
{
    // The kernel caps it at net.core.somaxconn.
    private const int Backlog = 4096;

    private readonly Socket socket;

    private TransportListener(Socket socket, bool isEncrypted)
    {
        this.socket = socket;
        IsEncrypted = isEncrypted;
        LocalEndPoint = socket.LocalEndPoint!;
    }

    /// <summary>With the port that the system chose, if it was asked to.</summary>
    public EndPoint LocalEndPoint { get; }

    public int Port => ((IPEndPoint)LocalEndPoint).Port;

    public bool IsEncrypted { get; }

    internal Task Accepting { get; set; } = Task.CompletedTask;

    /// <exception cref="IOException">It cannot be bound; the message names key, address and cause.</exception>
    internal static TransportListener Bind(ListenAddress address, string configurationKey, bool isEncrypted)
    {
        try
        {
            return Bind(address.EndPoint, isEncrypted);
        }
        catch (SocketException e)
        {
            throw new IOException($"{configurationKey}: cannot listen on {address}: {Cause(e, address)}", e);
        }
    }

    internal bool IsUnbound { get; private set; }

    internal ValueTask<Socket> AcceptAsync() => socket.AcceptAsync(CancellationToken.None);

    internal void Unbind()
    {
        IsUnbound = true;
        socket.Dispose();
    }

    private static TransportListener Bind(IPEndPoint endPoint, bool isEncrypted)
    {
        var bound = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
                bound.DualMode = true;
            bound.Bind(endPoint);
            bound.Listen(Backlog);
            return new TransportListener(bound, isEncrypted);
        }
        catch
        {
            bound.Dispose();
            throw;
        }
    }

    private static string Cause(SocketException e, ListenAddress address) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"another program uses port {address.Port}",
        SocketError.AccessDenied => $"this user may not use port {address.Port}",
        SocketError.AddressNotAvailable => $"{address.Address} is not an address of this machine",
        _ => e.Message,
    };
}
