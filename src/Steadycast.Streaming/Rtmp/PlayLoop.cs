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
    private readonly CancellationTokenSource _finished = new();
    private Task _running = Task.CompletedTask;
    private volatile bool _isStopping;

    /// <summary>Cancelled when the loop ended by itself: the stream closed, or nothing can be sent.</summary>
    public CancellationToken Finished => _finished.Token;

    public void Start() => _running = RunAsync();

    /// <summary>Returns when nothing is being sent any more. Errors of ours leave here.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        subscription.Close();
        await _running;
        _finished.Dispose();
    }

    // One method, without tokens: this runs for every player and message, and completes in one go nearly always.
    private async Task RunAsync()
    {
        try
        {
            while (!_isStopping && await subscription.WaitAsync(CancellationToken.None))
            {
                while (!_isStopping)
                {
                    await sending.WaitAsync(CancellationToken.None);
                    try
                    {
                        ReadOnlyMemory<byte> pending = subscription.Pending();
                        if (pending.IsEmpty)
                            break;
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
        catch (TransportException)
        {
            // The connection's own loop hears of it too.
        }
        finally
        {
            subscription.Dispose();
            if (!_isStopping)
                await _finished.CancelAsync();
        }
    }
}
