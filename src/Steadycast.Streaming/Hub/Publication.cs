using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>A publisher's hold on a stream, from <see cref="StreamHub.Publish"/> until disposed or ended.</summary>
public sealed class Publication : IDisposable
{
    private readonly StreamHub hub;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource ended = new();
    private long lastMessageAt;
    private string? endReason;

    internal Publication(StreamHub hub, LiveStream stream, PublisherInfo publisher, int number, TimeProvider time)
    {
        (this.hub, this.time) = (hub, time);
        (Stream, Publisher, Number) = (stream, publisher, number);
        Ended = ended.Token;
        lastMessageAt = time.GetTimestamp();
        StartedAt = time.GetUtcNow();
    }

    public LiveStream Stream { get; }

    public PublisherInfo Publisher { get; }

    /// <summary>Counts the stream's publishers from 1.</summary>
    public int Number { get; }

    public DateTimeOffset StartedAt { get; }

    /// <summary>Cancelled when the hub takes the stream away (takeover, shutdown), and when disposed.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Why it ended, once it has.</summary>
    public string? EndReason => Volatile.Read(ref endReason);

    /// <summary>How long no message has come.</summary>
    public TimeSpan SilentFor => time.GetElapsedTime(Volatile.Read(ref lastMessageAt));

    /// <summary>
    /// Appends a message to the stream's log; the payload is copied. One thread at a time. False when the publication
    /// has ended and the message went nowhere.
    /// </summary>
    public bool Append(in MediaMessage message) => Stream.Append(this, message);

    /// <summary>Leaves the stream; its players stay and wait for the next publisher.</summary>
    public void Dispose() => hub.End(this, "the publisher left");

    internal void Touch(long now) => Volatile.Write(ref lastMessageAt, now);

    /// <summary>
    /// The first reason counts; by the hub, outside of its lock, since callbacks of the token run in here.
    /// </summary>
    internal void SetEnded(string reason)
    {
        if (Interlocked.CompareExchange(ref endReason, reason, null) is not null)
            return;
        ended.Cancel();
        ended.Dispose();
    }
}
