using System.Net;
using System.Net.Sockets;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Hosting;

/// <summary>Tries a port before anything starts, so that the answer names the port and what to change.</summary>
internal static class PortCheck
{
    /// <summary>
    /// Null when <paramref name="address"/> can be bound now; otherwise why not, for the end of a sentence.
    /// </summary>
    public static string? WhyNot(ListenAddress address)
    {
        var endPoint = address.EndPoint;
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = endPoint.Address.Equals(IPAddress.IPv6Any);
            socket.Bind(endPoint);
            socket.Listen(1);
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "is in use by another program",
                SocketError.AccessDenied => "needs the right to bind ports below 1024",
                SocketError.AddressNotAvailable => "is on an address that this machine does not have",
                _ => $"cannot be bound ({e.SocketErrorCode})",
            };
        }
    }
}
