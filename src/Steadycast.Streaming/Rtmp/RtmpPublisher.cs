using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>Publishes one stream to a server: the client's edge of RTMP and RTMPS.</summary>
/// <remarks>
/// Messages are sent in the order of the calls, one call at a time, and each call returns when the kernel has the bytes
/// or after the send timeout. A second loop hears the server, which may take the stream away at any time.
/// </remarks>
public sealed class RtmpPublisher : IAsyncDisposable
{
    private readonly RtmpDial _dial;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listening;

    private RtmpPublisher(RtmpDial dial)
    {
        _dial = dial;
        _listening = ListenAsync();
    }

    /// <summary>
    /// Completes when the server has ended it: faulted with <see cref="RtmpRefusedException"/> (it said why),
    /// <see cref="TransportException"/> (it went away) or <see cref="RtmpProtocolException"/>; also when disposed.
    /// </summary>
    public Task Ended => _listening;

    /// <summary>Dials and asks to publish; returns when the server has said yes.</summary>
    /// <exception cref="TransportException">Nobody answered, or not in time.</exception>
    /// <exception cref="RtmpRefusedException">The server says no.</exception>
    /// <exception cref="RtmpProtocolException">It does not speak RTMP.</exception>
    public static async Task<RtmpPublisher> ConnectAsync(
        SocketTransport transport,
        RtmpUrl url,
        RtmpDialOptions options,
        TimeProvider time,
        CancellationToken cancellationToken = default) =>
        new(await RtmpDial.StartAsync(transport, url, ClientRole.Publish, options, time, cancellationToken));

    /// <summary>Sends one message; its payload is read before this returns.</summary>
    /// <exception cref="RtmpRefusedException">The server took the stream away.</exception>
    /// <exception cref="TransportException">The server is gone, or takes nothing any more.</exception>
    public async ValueTask SendAsync(MediaMessage message, CancellationToken cancellationToken = default)
    {
        if (_listening.IsCompleted)
            await _listening;
        await _turn.WaitAsync(cancellationToken);
        try
        {
            _dial.Session.WriteMedia(_dial.Output, message);
            await _dial.FlushAsync(CancellationToken.None); // Half a message would garble all that follows.
        }
        catch (TransportException) when (_listening.IsFaulted)
        {
            await _listening; // It knows the reason that the server gave.
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Ends the stream in order, if the server is still there; never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_listening.IsCompletedSuccessfully)
            await _dial.TryStopAsync();
        await _dial.DisposeAsync();
        _turn.Dispose();
        _stop.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                await _turn.WaitAsync(_stop.Token);
                try
                {
                    while (_dial.TryRead(out ClientEvent e))
                    {
                        if (e.Kind == ClientEventKind.Refused)
                            throw new RtmpRefusedException(e.Status!.Code, e.Status.Description);
                    }

                    await _dial.FlushAsync(CancellationToken.None);
                }
                finally
                {
                    _turn.Release();
                }

                await _dial.ReceiveAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
