namespace Steadycast.Streaming.Transport;

/// <summary>A connection that works no more: the peer went away, or we aborted it.</summary>
/// <param name="reason">One sentence fragment: "reset by peer", "no publish within 10 s".</param>
public sealed class TransportException(string reason, Exception? innerException = null)
    : IOException(reason, innerException)
{
    public string Reason => Message;
}
