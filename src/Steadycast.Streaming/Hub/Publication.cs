using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>A publisher's hold on a stream, from <see cref="StreamHub.Publish"/> until disposed or ended.</summary>
public sealed class Publication : IDisposable
{
    internal Publication(PublisherInfo publisher) => Publisher = publisher;

    public PublisherInfo Publisher { get; }

    /// <summary>Counts the stream's publishers from 1.</summary>
    public int Number => throw new NotSupportedException();

    /// <summary>Cancelled when the hub takes the stream away: takeover, shutdown.</summary>
    public CancellationToken Ended => throw new NotSupportedException();

    /// <summary>Why it ended, once it has.</summary>
    public string? EndReason => throw new NotSupportedException();

    /// <summary>How long no message has come.</summary>
    public TimeSpan SilentFor => throw new NotSupportedException();

    /// <summary>
    /// Appends a message to the stream's log; the payload is copied. One thread at a time. False when the publication
    /// has ended and the message went nowhere.
    /// </summary>
    public bool Append(in MediaMessage message) => throw new NotSupportedException();

    public void Dispose() => throw new NotSupportedException();
}
