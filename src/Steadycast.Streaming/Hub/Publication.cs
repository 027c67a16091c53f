using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>
/// A publisher's hold on a place of a stream, main or standby, from <see cref="StreamHub.Publish"/> until disposed or
/// ended.
/// </summary>
public sealed class Publication : IDisposable
{
    private readonly StreamHub hub;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource ended = new();
    private string? endReason;

    internal Publication(
        StreamHub hub, LiveStream stream, PublisherInfo publisher, HubOptions options, TimeProvider time)
    {
        (this.hub, this.time) = (hub, time);
        (Stream, Publisher) = (stream, publisher);
        Ended = ended.Token;
        StartedAt = time.GetUtcNow();
        Vitals = new PublisherVitals(time, time.GetTimestamp());
        Buffer = new StandbyBuffer(
            options.Standby.TakeoverAfter + TimeSpan.FromSeconds(1), options.MaxLogBytes, time);
    }

    public LiveStream Stream { get; }

    public PublisherInfo Publisher { get; }

    /// <summary>Counts who went on air from 1; 0 before its first time, another number each time.</summary>
    public int Number { get; internal set; }

    public DateTimeOffset StartedAt { get; }

    /// <summary>Cancelled when the hub takes the stream away (takeover, shutdown), and when disposed.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Why it ended, once it has.</summary>
    public string? EndReason => Volatile.Read(ref endReason);

    /// <summary>How long no message has come.</summary>
    public TimeSpan SilentFor => Vitals.SilentFor(time.GetTimestamp());

    /// <summary>Whether its messages are the stream; else they are kept for the case that they have to be.</summary>
    public bool IsOnAir => ReferenceEquals(Stream.Publication, this);

    internal PublisherVitals Vitals { get; }

    /// <summary>What it sends while it is not on air. Writer only.</summary>
    internal StandbyBuffer Buffer { get; }

    /// <summary>
    /// Appends a message to the stream's log, or keeps it while another is on air; the payload is copied. One thread
    /// at a time. False when the publication has ended and the message went nowhere.
    /// </summary>
    public bool Append(in MediaMessage message) => Stream.Append(this, message);

    /// <summary>Takes the stream away from its publisher, who is told why.</summary>
    public void End(string reason) => hub.End(this, reason);

    /// <summary>Leaves the stream; its players stay and wait for the next publisher.</summary>
    public void Dispose() => hub.End(this, "the publisher left");

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
