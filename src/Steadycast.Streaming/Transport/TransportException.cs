using System.Net.Sockets;
using System.Security.Authentication;

namespace Steadycast.Streaming.Transport;

/// <summary>A connection that works no more: the peer went away, or we aborted it.</summary>
/// <param name="reason">One sentence fragment: "reset by peer", "no publish within 10 s".</param>
public sealed class TransportException(string reason, Exception? innerException = null)
    : IOException(reason, innerException)
{
    public string Reason => Message;

    /// <summary>Whether an exception of a socket or of TLS means that the connection is gone.</summary>
    internal static bool Describes(Exception exception) => ReasonOf(exception) is not null;

    /// <summary>Puts such an exception into words; our own reason for an abort goes first.</summary>
    internal static TransportException From(Exception exception, string? abortReason) =>
        exception as TransportException ?? new TransportException(abortReason ?? ReasonOf(exception)!, exception);

    private static string? ReasonOf(Exception exception) => exception switch
    {
        TransportException e => e.Reason,
        SocketException e => Describe(e),
        AuthenticationException e => $"TLS failed: {e.InnerException?.Message ?? e.Message}",
        IOException { InnerException: SocketException e } => Describe(e),
        IOException e => e.Message,
        // InvalidOperationException: SslStream, when it is disposed between two of its own steps.
        ObjectDisposedException or OperationCanceledException or InvalidOperationException => "closed",
        _ => null,
    };

    private static string Describe(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.NotConnected
            or SocketError.Shutdown => "reset by peer",
        SocketError.OperationAborted or SocketError.Interrupted => "closed",
        SocketError.TimedOut => "timed out",
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData => "host not found",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "unreachable",
        _ => exception.Message,
    };
}
