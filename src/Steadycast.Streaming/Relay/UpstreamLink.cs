using System.Buffers;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Relay;

/// <summary>One connection to an upstream that one stream is sent on, until either end has enough.</summary>
/// <remarks>
/// Three loops: one sends what the subscription has, one hears the upstream, one looks after it. The bytes of the log
/// are sent as they are where the upstream numbers its first message stream as everyone does; else messages are written
/// anew.
/// </remarks>
internal sealed class UpstreamLink : IAsyncDisposable
{
    /// <summary>What is not confirmed is sent again to the next one: half a second of a common stream.</summary>
    private const uint AcknowledgeEvery = 256 * 1024;

    private const int SendBytes = 64 * 1024;

    private static readonly TimeSpan PingEvery = TimeSpan.FromMilliseconds(500);

    private readonly RtmpDial _dial;
    private readonly TimeSpan _stallTimeout;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Queue<(long Sent, long Position)> _unconfirmed = new();
    private readonly ArrayBufferWriter<byte> _messages = new();
    private readonly long _openedAt;
    private long _acknowledged;
    private long _progressAt;
    private bool _answersPings;

    private UpstreamLink(RtmpDial dial, TimeSpan stallTimeout, TimeProvider time)
    {
        (_dial, _stallTimeout, _time) = (dial, stallTimeout, time);
        _openedAt = _progressAt = time.GetTimestamp();
    }

    /// <summary>Dials and asks to publish; returns when the upstream has said yes.</summary>
    /// <param name="stallTimeout">How long the upstream may show no sign of life before it counts as dead.</param>
    /// <inheritdoc cref="RtmpDial.StartAsync" path="/exception"/>
    public static async Task<UpstreamLink> OpenAsync(
        SocketTransport transport,
        RtmpUrl url,
        RtmpDialOptions options,
        TimeSpan stallTimeout,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        RtmpDialOptions asked = options with
        {
            ChunkSize = StreamHub.ChunkSize,
            AcknowledgeEvery = AcknowledgeEvery,
            SendTimeout = stallTimeout,
        };
        return new UpstreamLink(
            await RtmpDial.StartAsync(transport, url, ClientRole.Publish, asked, time, cancellationToken),
            stallTimeout,
            time);
    }

    /// <summary>
    /// Sends the stream from the keyframe under what the upstream before has confirmed. Returns when the stream is
    /// closed or the token fires, and then has said goodbye.
    /// </summary>
    /// <exception cref="TransportException">The upstream is gone, or shows no life.</exception>
    /// <exception cref="RtmpRefusedException">It takes the stream no more.</exception>
    /// <exception cref="RtmpProtocolException">It does not speak RTMP.</exception>
    public async Task SendAsync(Subscription subscription, CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task[] loops = [SendLoopAsync(subscription, ended.Token), ListenAsync(ended.Token), WatchAsync(ended.Token)];
        // The first one to end is the one that knows why.
        Task first = await Task.WhenAny(loops);
        await ended.CancelAsync();
        if (first.IsFaulted)
            _dial.Transport.Abort("the upstream failed");
        await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first.IsFaulted)
            await first;
        await _dial.TryStopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _dial.DisposeAsync();
        _turn.Dispose();
    }

    private async Task SendLoopAsync(Subscription subscription, CancellationToken ended)
    {
        subscription.Rewind();
        bool isVerbatim = _dial.Session.MessageStreamId == StreamHub.MessageStreamId;
        try
        {
            while (await subscription.WaitAsync(ended))
            {
                await _turn.WaitAsync(CancellationToken.None);
                try
                {
                    if (isVerbatim)
                        await SendBytesAsync(subscription);
                    else
                        await SendMessagesAsync(subscription);
                    Confirm(subscription);
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Between two messages, so that what follows can be read.
        }
    }

    private async ValueTask SendBytesAsync(Subscription subscription)
    {
        while (subscription.Pending() is { IsEmpty: false } pending)
        {
            // The time that one send may take is for so much, whatever has to be sent again.
            pending = pending[..Math.Min(pending.Length, SendBytes)];
            await SendAsync(pending);
            subscription.Advance(pending.Length);
            _unconfirmed.Enqueue((_dial.SentBytes, subscription.Position));
        }
    }

    private async ValueTask SendMessagesAsync(Subscription subscription)
    {
        while (subscription.TryReadMessage(out LogMessage message))
        {
            _messages.ResetWrittenCount();
            var media = new MediaMessage(message.Type, (uint)message.TimeMs, message.Payload);
            _dial.Session.WriteMedia(_messages, media);
            await SendAsync(_messages.WrittenMemory);
            _unconfirmed.Enqueue((_dial.SentBytes, subscription.Position));
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        ValueTask sending = _dial.SendAsync(bytes, CancellationToken.None); // Half a message would garble the rest.
        bool hadToWait = !sending.IsCompleted;
        await sending;
        // Room in a buffer that was full: the upstream has taken something.
        if (hadToWait)
            Volatile.Write(ref _progressAt, _time.GetTimestamp());
    }

    private void Confirm(Subscription subscription)
    {
        long acknowledged = Volatile.Read(ref _acknowledged);
        long? position = null;
        while (_unconfirmed.TryPeek(out (long Sent, long Position) oldest) && oldest.Sent <= acknowledged)
            position = _unconfirmed.Dequeue().Position;
        if (position is { } confirmed)
            subscription.Confirm(confirmed);
    }

    private async Task ListenAsync(CancellationToken ended)
    {
        try
        {
            while (true)
            {
                await _turn.WaitAsync(ended);
                try
                {
                    while (_dial.TryRead(out ClientEvent e))
                        Hear(e);
                    await _dial.FlushAsync(CancellationToken.None);
                }
                finally
                {
                    _turn.Release();
                }

                await _dial.ReceiveAsync(ended);
                Volatile.Write(ref _progressAt, _time.GetTimestamp());
            }
        }
        catch (OperationCanceledException)
        {
            // Another loop ended it.
        }
    }

    private void Hear(in ClientEvent e)
    {
        switch (e.Kind)
        {
            case ClientEventKind.Refused:
                throw new RtmpRefusedException(e.Status!.Code, e.Status.Description);
            case ClientEventKind.Pong:
                Volatile.Write(ref _answersPings, true);
                break;
            case ClientEventKind.Acknowledged:
                // 32 bits that wrap; some count the handshake and some do not, which is 3 KB too few here.
                long last = Volatile.Read(ref _acknowledged);
                int step = unchecked((int)(e.Value - (uint)last));
                if (step > 0 && last + step <= _dial.SentBytes)
                    Volatile.Write(ref _acknowledged, last + step);
                break;
        }
    }

    /// <summary>
    /// A frozen process still has a kernel that takes bytes: who has answered pings, or acknowledged, and stops to, is
    /// dead.
    /// </summary>
    private async Task WatchAsync(CancellationToken ended)
    {
        using var timer = new PeriodicTimer(PingEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(ended))
            {
                TimeSpan still = _time.GetElapsedTime(Volatile.Read(ref _progressAt));
                if (still > _stallTimeout && (Volatile.Read(ref _answersPings) || IsOverdue()))
                    _dial.Transport.Abort($"no sign of life for {still.TotalSeconds:0.0} s");
                // Not behind a send that waits: that one has its own deadline.
                if (!await _turn.WaitAsync(TimeSpan.Zero, ended))
                    continue;
                try
                {
                    _dial.Session.WritePing(_dial.Output, (uint)_time.GetElapsedTime(_openedAt).TotalMilliseconds);
                    await _dial.FlushAsync(CancellationToken.None);
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Another loop ended it.
        }
    }

    /// <summary>Whether more was sent than is ever left unacknowledged by one who acknowledges.</summary>
    private bool IsOverdue()
    {
        long acknowledged = Volatile.Read(ref _acknowledged);
        return acknowledged > 0 && _dial.SentBytes - acknowledged > 2 * AcknowledgeEvery;
    }
}
