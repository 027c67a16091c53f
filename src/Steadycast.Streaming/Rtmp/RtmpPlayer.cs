using System.Runtime.CompilerServices;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>Plays one stream from a server: the client's edge of RTMP and RTMPS.</summary>
public sealed class RtmpPlayer : IAsyncDisposable
{
    private readonly RtmpDial _dial;

    private RtmpPlayer(RtmpDial dial) => _dial = dial;

    /// <inheritdoc cref="RtmpPublisher.ConnectAsync"/>
    /// <summary>Dials and asks to play; returns when the server has said yes.</summary>
    public static async Task<RtmpPlayer> ConnectAsync(
        SocketTransport transport,
        RtmpUrl url,
        RtmpDialOptions options,
        TimeProvider time,
        CancellationToken cancellationToken = default) =>
        new(await RtmpDial.StartAsync(transport, url, ClientRole.Play, options, time, cancellationToken));

    /// <summary>
    /// The stream's messages until the server says that it has ended. A payload is valid until the next one is asked
    /// for.
    /// </summary>
    /// <exception cref="TransportException">The server left without a word.</exception>
    /// <exception cref="RtmpRefusedException">The server takes the stream away.</exception>
    public async IAsyncEnumerable<MediaMessage> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            while (_dial.TryRead(out ClientEvent e))
            {
                switch (e.Kind)
                {
                    case ClientEventKind.Media:
                        yield return e.Media;
                        break;
                    case ClientEventKind.Ended:
                        yield break;
                    case ClientEventKind.Refused:
                        throw new RtmpRefusedException(e.Status!.Code, e.Status.Description);
                }
            }

            await _dial.FlushAsync(cancellationToken);
            await _dial.ReceiveAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _dial.DisposeAsync();
}
