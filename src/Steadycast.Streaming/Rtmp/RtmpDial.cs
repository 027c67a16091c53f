using System.Buffers;
using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>How we behave as a client.</summary>
public sealed record RtmpDialOptions
{
    /// <summary>From the first packet to an accepted publish or play. Default 10 s, as our own door gives.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one send may take before the server counts as gone. Default 10 s.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The chunk size to publish with; null: see <see cref="ClientSessionOptions.ChunkSize"/>.</summary>
    public int? ChunkSize { get; init; }

    /// <summary>Judges the server's certificate of rtmps; null: the system's trust and the host's name.</summary>
    public RemoteCertificateValidationCallback? Trust { get; init; }

    /// <summary>Where we may go out to; null: anywhere.</summary>
    public AddressGuard? Guard { get; init; }

    /// <summary>See <see cref="ClientSessionOptions.ConnectMembers"/>.</summary>
    public ImmutableArray<Amf0Property> ConnectMembers { get; init; } = [];

    /// <summary>See <see cref="ClientSessionOptions.AcknowledgeEvery"/>.</summary>
    public uint? AcknowledgeEvery { get; init; }
}

/// <summary>
/// A connection that we dialled, driven until the server has said yes; what publisher and player share.
/// </summary>
internal sealed class RtmpDial : IAsyncDisposable
{
    private const int ReceiveBytes = 64 * 1024;

    private readonly byte[] _buffer = new byte[ReceiveBytes];
    private int _unread;
    private int _received;

    private RtmpDial(TransportConnection transport, ClientSession session)
    {
        Transport = transport;
        Session = session;
    }

    public TransportConnection Transport { get; }

    public ClientSession Session { get; }

    /// <summary>Bytes sent since the connection began, handshake included.</summary>
    public long SentBytes { get; private set; }

    /// <summary>What the session wants sent; send it after each read.</summary>
    public ArrayBufferWriter<byte> Output { get; } = new();

    /// <exception cref="TransportException">Nobody answered, or not in time.</exception>
    /// <exception cref="AddressRefusedException">It may not be dialled, or has no address.</exception>
    /// <exception cref="RtmpRefusedException">The server says no.</exception>
    /// <exception cref="RtmpProtocolException">It does not speak RTMP.</exception>
    public static async Task<RtmpDial> StartAsync(
        SocketTransport transport,
        RtmpUrl url,
        ClientRole role,
        RtmpDialOptions options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.StartTimeout, time);
        using var dialling = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            IPAddress[]? addresses =
                options.Guard is null ? null : await options.Guard.FindAsync(url.Host, dialling.Token);
            TransportConnection connection = await transport.ConnectAsync(
                url.Host, url.Port, url.IsTls, options.Trust, addresses, dialling.Token);
            connection.SendTimeout = options.SendTimeout;
            var dial = new RtmpDial(connection, new ClientSession(new ClientSessionOptions
            {
                Role = role,
                App = url.App,
                Name = url.Name,
                TcUrl = url.TcUrl,
                ChunkSize = options.ChunkSize,
                ConnectMembers = options.ConnectMembers,
                AcknowledgeEvery = options.AcknowledgeEvery,
            }));
            await dial.StartOrDisposeAsync(dialling.Token);
            return dial;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransportException($"no answer to {role} within {options.StartTimeout.TotalSeconds} s");
        }
    }

    /// <summary>The next event of what has been received already; false: receive more.</summary>
    public bool TryRead(out ClientEvent clientEvent)
    {
        ReadOnlySpan<byte> input = _buffer.AsSpan(_unread, _received - _unread);
        bool read = Session.TryRead(ref input, Output, out clientEvent);
        _unread = _received - input.Length;
        return read;
    }

    /// <summary>Waits for more bytes; all that were received before must have been read.</summary>
    /// <exception cref="TransportException">The server left.</exception>
    public async ValueTask ReceiveAsync(CancellationToken cancellationToken)
    {
        _unread = 0;
        _received = 0;
        _received = await Transport.ReceiveAsync(_buffer, cancellationToken);
        if (_received == 0)
            throw new TransportException("the server closed the connection");
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (Output.WrittenCount == 0)
            return;
        await SendAsync(Output.WrittenMemory, cancellationToken);
        Output.ResetWrittenCount();
    }

    /// <summary>Sends bytes that the session has not written, between two of its messages.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        SentBytes += bytes.Length;
        return Transport.SendAsync(bytes, cancellationToken);
    }

    /// <summary>Ends in order what was started, if the server is still there.</summary>
    public async ValueTask TryStopAsync()
    {
        try
        {
            Session.WriteStop(Output);
            await FlushAsync(CancellationToken.None);
        }
        catch (TransportException)
        {
            // Gone: then it is ended too.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Transport.DisposeAsync();
        Session.Dispose();
    }

    private async Task StartOrDisposeAsync(CancellationToken cancellationToken)
    {
        try
        {
            Session.Start(Output);
            await FlushAsync(cancellationToken);
            while (!await TryStartAsync(cancellationToken))
                await ReceiveAsync(cancellationToken);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async ValueTask<bool> TryStartAsync(CancellationToken cancellationToken)
    {
        bool started = false;
        while (!started && TryRead(out ClientEvent e))
        {
            started = e.Kind == ClientEventKind.Started;
            if (e.Kind is ClientEventKind.Refused or ClientEventKind.Ended)
                throw new RtmpRefusedException(e.Status!.Code, e.Status.Description);
        }

        await FlushAsync(cancellationToken);
        return started;
    }
}
