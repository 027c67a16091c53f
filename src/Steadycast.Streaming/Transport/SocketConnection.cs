using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Steadycast.Streaming.Transport;

/// <summary>A managed socket, with TLS around it or without.</summary>
/// <remarks>
/// Sends mostly complete in the caller's stack: the kernel takes the bytes. What must wait uses the socket's own
/// reusable event arguments and pooled state machines, so that nothing is allocated per send or receive.
/// </remarks>
internal sealed class SocketConnection : TransportConnection
{
    // A refusal must reach the peer: closing with unread bytes in the kernel would send a reset after it.
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);
    private const int MaxDrainBytes = 256 * 1024;

    private readonly Socket socket;
    private readonly TimeProvider time;
    private readonly TransportMetrics metrics;
    private readonly Action<SocketConnection>? closed;
    private readonly TaskCompletionSource served = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SslStream? tls;
    private string? abortReason;
    private string deadlineReason = "";
    private long deadlineAt;
    private long sendStartedAt;
    private long sendTimeoutTicks = TimeSpan.FromSeconds(10).Ticks;
    private bool peerFinished;
    private int disposed;

    public SocketConnection(
        string id,
        Socket socket,
        TimeProvider time,
        TransportMetrics metrics,
        Action<SocketConnection>? closed,
        CancellationToken closing)
    {
        Id = id;
        this.socket = socket;
        this.time = time;
        this.metrics = metrics;
        this.closed = closed;
        Closing = closing;
        RemoteEndPoint = Plain(socket.RemoteEndPoint);
        LocalEndPoint = Plain(socket.LocalEndPoint);
    }

    public override string Id { get; }

    public override EndPoint? RemoteEndPoint { get; }

    public override EndPoint? LocalEndPoint { get; }

    public override bool IsEncrypted => tls is not null;

    public override CancellationToken Closing { get; }

    public override string? AbortReason => Volatile.Read(ref abortReason);

    /// <summary>Whether we dialled it: then its owner closes it, and no call serves it.</summary>
    public bool IsDialled => closed is not null;

    /// <summary>Completes when the call that serves an accepted connection has returned.</summary>
    public Task Served => served.Task;

    public override TimeSpan SendTimeout
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref sendTimeoutTicks));
        set => Volatile.Write(ref sendTimeoutTicks, value.Ticks);
    }

    /// <summary>Speaks TLS from here on; the handshake is under a deadline of its own.</summary>
    public async Task SecureAsync(Func<SslStream, Task> authenticate, TimeSpan within)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        SetDeadline(within, "no TLS handshake in time");
        try
        {
            await authenticate(stream);
        }
        catch (Exception e) when (IsEnd(e))
        {
            await stream.DisposeAsync();
            throw End(e);
        }

        ClearDeadline();
        tls = stream;
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (tls is not null)
            return ReceiveTlsAsync(tls, buffer, cancellationToken);
        ValueTask<int> receiving;
        try
        {
            receiving = socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        }
        catch (Exception e) when (IsEnd(e))
        {
            return ValueTask.FromException<int>(End(e));
        }

        return FinishReceiveAsync(receiving);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        metrics.Sent(bytes.Length);
        if (tls is not null)
            return SendTlsAsync(tls, bytes, cancellationToken);
        ValueTask<int> sending;
        try
        {
            sending = socket.SendAsync(bytes, SocketFlags.None, cancellationToken);
        }
        catch (Exception e) when (IsEnd(e))
        {
            return ValueTask.FromException(End(e));
        }

        if (!sending.IsCompletedSuccessfully)
            return FinishSendAsync(sending, bytes, cancellationToken);
        // It is complete, so this waits for nothing.
        int sent = sending.GetAwaiter().GetResult();
        return sent == bytes.Length
            ? ValueTask.CompletedTask
            : FinishSendAsync(ValueTask.FromResult(sent), bytes, cancellationToken);
    }

    public override void SetDeadline(TimeSpan after, string reason)
    {
        Volatile.Write(ref deadlineReason, reason);
        Volatile.Write(ref deadlineAt, After(after));
    }

    public override void ClearDeadline() => Volatile.Write(ref deadlineAt, 0);

    /// <summary>What the sweep asks of every connection: is it past a deadline?</summary>
    public void CheckDeadlines(long now)
    {
        long deadline = Volatile.Read(ref deadlineAt);
        if (deadline != 0 && now >= deadline)
        {
            AbortFor(Volatile.Read(ref deadlineReason), "deadline");
            return;
        }

        long started = Volatile.Read(ref sendStartedAt);
        if (started != 0 && time.GetElapsedTime(started, now) > SendTimeout)
            AbortFor("send stalled", "send_stalled");
    }

    public override void Abort(string reason) => AbortFor(reason, "closed");

    public void AbortFor(string reason, string kind)
    {
        if (Interlocked.CompareExchange(ref abortReason, reason, null) is not null)
            return;
        metrics.Aborted(kind);
        try
        {
            // A reset frees the kernel's send buffer at once; closing would keep it for a peer that does not read.
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was first: there is nothing left to abort.
        }

        socket.Dispose();
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
            return;
        try
        {
            if (AbortReason is null)
                await ClosePolitelyAsync();
        }
        catch (Exception e) when (IsEnd(e))
        {
            // Gone already.
        }
        finally
        {
            socket.Dispose();
            if (tls is not null)
                await tls.DisposeAsync();
            closed?.Invoke(this);
        }
    }

    /// <summary>The call that served it has returned.</summary>
    public void SetServed() => served.TrySetResult();

    private async ValueTask ClosePolitelyAsync()
    {
        SetDeadline(DrainTime, "closed");
        if (tls is not null)
            await tls.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
        byte[] scratch = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (int drained = 0; !peerFinished && drained < MaxDrainBytes;)
            {
                int received = await socket.ReceiveAsync(scratch, SocketFlags.None);
                drained += received;
                peerFinished = received == 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FinishReceiveAsync(ValueTask<int> receiving)
    {
        try
        {
            return Received(await receiving);
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw End(e);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveTlsAsync(SslStream stream, Memory<byte> buffer, CancellationToken token)
    {
        try
        {
            return Received(await stream.ReadAsync(buffer, token));
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw End(e);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishSendAsync(ValueTask<int> sending, ReadOnlyMemory<byte> bytes, CancellationToken token)
    {
        Volatile.Write(ref sendStartedAt, time.GetTimestamp());
        try
        {
            int sent = await sending;
            while (sent < bytes.Length)
                sent += await socket.SendAsync(bytes[sent..], SocketFlags.None, token);
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw End(e);
        }
        finally
        {
            Volatile.Write(ref sendStartedAt, 0);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendTlsAsync(SslStream stream, ReadOnlyMemory<byte> bytes, CancellationToken token)
    {
        Volatile.Write(ref sendStartedAt, time.GetTimestamp());
        try
        {
            await stream.WriteAsync(bytes, token);
        }
        catch (Exception e) when (IsEnd(e))
        {
            throw End(e);
        }
        finally
        {
            Volatile.Write(ref sendStartedAt, 0);
        }
    }

    private int Received(int count)
    {
        if (count == 0)
            peerFinished = true;
        metrics.Received(count);
        return count;
    }

    // The caller's own cancellation is not the connection's end.
    private bool IsEnd(Exception e) =>
        (e is not OperationCanceledException || AbortReason is not null) && TransportException.Describes(e);

    private TransportException End(Exception e) => TransportException.From(e, AbortReason);

    private long After(TimeSpan after) =>
        time.GetTimestamp() + (long)(after.TotalSeconds * time.TimestampFrequency);

    private static EndPoint? Plain(EndPoint? endPoint) =>
        endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
            ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
            : endPoint;
}
