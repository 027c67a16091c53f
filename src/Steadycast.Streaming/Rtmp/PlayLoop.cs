using System.Runtime.CompilerServices;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>Sends a stream's bytes to one player as they come, until it is stopped or the stream closes.</summary>
/// <param name="sending">Held during each send: the connection's answers go between whole messages.</param>
/// <param name="subscription">Owned by the loop from Start on.</param>
internal sealed class PlayLoop(
    TransportConnection transport,
    SemaphoreSlim sending,
    RtmpMetrics metrics,
    Subscription subscription) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _finished = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Cancelled when the loop ended by itself: the stream closed, or nothing can be sent.</summary>
    public CancellationToken Finished => _finished.Token;

    public void Start() => _running = RunAsync();

    /// <summary>Returns when nothing is being sent any more. Errors of ours leave here.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _finished.Dispose();
    }

    private async Task RunAsync()
    {
        bool wasStopped = false;
        try
        {
            while (await subscription.WaitAsync(_stop.Token))
                await SendPendingAsync();
        }
        catch (OperationCanceledException)
        {
            wasStopped = true;
        }
        catch (TransportException)
        {
            // The connection's own loop hears of it too.
        }
        finally
        {
            subscription.Dispose();
            if (!wasStopped)
                await _finished.CancelAsync();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendPendingAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await sending.WaitAsync(CancellationToken.None);
            try
            {
                ReadOnlyMemory<byte> pending = subscription.Pending();
                if (pending.IsEmpty)
                    return;
                await transport.SendAsync(pending, CancellationToken.None);
                subscription.Advance(pending.Length);
                metrics.MediaSent(pending.Length);
            }
            finally
            {
                sending.Release();
            }
        }
    }
}
