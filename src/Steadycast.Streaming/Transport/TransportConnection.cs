using System.Net;

namespace Steadycast.Streaming.Transport;

/// <summary>One connection: bytes on and off the wire, and a deadline.</summary>
/// <remarks>
/// One receive and one send may be in flight at once. Both throw <see cref="TransportException"/> when the
/// connection is gone, and <see cref="OperationCanceledException"/> for the caller's token; nothing else.
/// Deadlines are looked at four times a second by one timer for all connections: they cost nothing to set.
/// </remarks>
public abstract class TransportConnection : IAsyncDisposable
{
    /// <summary>Unique in the process; the field <c>ConnectionId</c> of every log line about it.</summary>
    public abstract string Id { get; }

    public abstract EndPoint? RemoteEndPoint { get; }

    public abstract EndPoint? LocalEndPoint { get; }

    public abstract bool IsEncrypted { get; }

    /// <summary>Cancelled when the transport stops: finish politely, before the grace period aborts.</summary>
    public abstract CancellationToken Closing { get; }

    /// <summary>Why it was aborted by us; null while it was not.</summary>
    public abstract string? AbortReason { get; }

    /// <summary>Receives at least one byte; 0 when the peer has finished sending.</summary>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Sends all bytes; they must not change before it completes.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default);

    /// <summary>Aborts the connection with a reason if this time passes; replaces the deadline set before.</summary>
    public abstract void SetDeadline(TimeSpan after, string reason);

    /// <summary>No deadline any more.</summary>
    public abstract void ClearDeadline();

    /// <summary>A single send that takes longer than this is aborted as "send stalled"; default 10 s.</summary>
    public abstract TimeSpan SendTimeout { get; set; }

    /// <summary>Ends it now, from any thread; what is in flight fails. The first reason counts.</summary>
    public abstract void Abort(string reason);

    /// <summary>Sends what is sent, closes both directions; never throws.</summary>
    public abstract ValueTask DisposeAsync();
}
