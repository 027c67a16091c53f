namespace Steadycast.Streaming.Hub;

/// <summary>A subscriber: a cursor in a stream's log.</summary>
/// <remarks>
/// One reader at a time, which reads either bytes (<see cref="Pending"/>, <see cref="Advance"/>) or messages
/// (<see cref="TryReadMessage"/>), never both.
/// </remarks>
public sealed class Subscription : IDisposable
{
    internal Subscription(SubscriptionKind kind) => Kind = kind;

    public SubscriptionKind Kind { get; }

    /// <summary>
    /// RTMP chunks that are ready to be sent, as much as lies in one piece; empty when there are none yet. Message
    /// stream id 1, chunk size <see cref="StreamHub.ChunkSize"/>, whole messages. Valid until Advance or Dispose.
    /// </summary>
    public ReadOnlyMemory<byte> Pending() => throw new NotSupportedException();

    /// <summary>So many bytes of <see cref="Pending"/> have been sent (at most its length).</summary>
    public void Advance(int count) => throw new NotSupportedException();

    /// <summary>The next message; false when there is none yet.</summary>
    public bool TryReadMessage(out LogMessage message) => throw new NotSupportedException();

    /// <summary>True when there may be something to read, false when the stream is closed.</summary>
    /// <remarks>
    /// Await it before calling it again. The continuation of a player runs on a thread that wakes many players in turn:
    /// send, and come back here; never block.
    /// </remarks>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
