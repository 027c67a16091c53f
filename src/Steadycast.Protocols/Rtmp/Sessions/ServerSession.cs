using System.Buffers;
using Steadycast.Protocols.Rtmp.Handshake;
using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>
/// The server's side of one RTMP connection without IO: bytes in, events out, answers written to a buffer that the
/// caller sends. One publish or one play at a time.
/// </summary>
/// <remarks>
/// <para>TryRead takes bytes from the front of the input and writes answers. It returns true with one event, and then
/// the rest of the input is still to be read; false when all input is taken. No reference to the input is kept.</para>
/// <para>The three requests must be answered before the next TryRead. Media allocates nothing. Not thread-safe.</para>
/// </remarks>
public sealed partial class ServerSession : IDisposable
{
    /// <summary>
    /// What we announce, and what players get. The largest that every client takes; FFmpeg then publishes with it too.
    /// </summary>
    public const int OutgoingChunkSize = 65_536;

    /// <summary>The message stream of every play, since players are sent the same bytes.</summary>
    public const uint PlayStreamId = 1;

    private readonly RtmpLimits _limits;
    private readonly MessageExchange _exchange;
    private ServerHandshake? _handshake = new();
    private ConnectRequest? _connect;
    private StreamRequest? _stream;
    private SessionState _state;
    private bool _wasLetIn;
    private bool _firstStreamExists;
    private uint _lastStreamId = PlayStreamId;

    public ServerSession(RtmpLimits limits)
    {
        _limits = limits;
        _exchange = new MessageExchange(limits) { MaxMessageBytes = limits.MaxMessageBytesBeforePublish };
    }

    private enum SessionState
    {
        Handshaking,
        Handshaken,
        ConnectAsked,
        Connected,
        PublishAsked,
        Publishing,
        PlayAsked,
        Playing,
    }

    /// <summary>Whether the handshake is done.</summary>
    public bool IsHandshaken => _state > SessionState.Handshaking;

    /// <summary>
    /// Whether the client proved itself a signer in the handshake: Flash, FFmpeg; OBS and librtmp do not.
    /// </summary>
    public bool IsSigned { get; private set; }

    /// <summary>Bytes received since the connection began.</summary>
    public long BytesRead => _handshake?.Received ?? _exchange.BytesRead;

    /// <summary>Memory held for messages in flight.</summary>
    public int BufferedBytes => _exchange.BufferedBytes;

    /// <inheritdoc cref="ServerSession"/>
    /// <exception cref="RtmpProtocolException">
    /// The peer broke the protocol or a limit: close the connection.
    /// </exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        if (_state is SessionState.ConnectAsked or SessionState.PublishAsked or SessionState.PlayAsked)
            throw new InvalidOperationException($"{_state} waits for an answer");
        if (_handshake is not null && !TryShakeHands(ref input, output))
            return false;
        while (_exchange.TryRead(ref input, output, out RtmpMessage message))
        {
            if (TryTakeMedia(message, out serverEvent) || TryHandle(message, output, out serverEvent))
                return true;
        }

        CheckPrologue();
        return false;
    }

    public void Dispose() => _exchange.Dispose();

    private bool TryShakeHands(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (!_handshake!.TryComplete(ref input, output))
            return false;
        IsSigned = _handshake.IsSigned;
        _exchange.BytesRead = _handshake.Received;
        _handshake = null;
        _state = SessionState.Handshaken;
        return true;
    }

    private bool TryTakeMedia(in RtmpMessage message, out ServerEvent serverEvent)
    {
        if (_state == SessionState.Publishing && MediaFilter.TryTake(message, out MediaMessage media))
        {
            serverEvent = new ServerEvent(ServerEventKind.Media, Media: media);
            return true;
        }

        serverEvent = default;
        return false;
    }

    /// <summary>Everything that is not media; true when the caller must hear of it.</summary>
    private bool TryHandle(in RtmpMessage message, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        if (message.Type is RtmpMessageType.CommandAmf0 or RtmpMessageType.CommandAmf3)
            return TryHandleCommand(_exchange.ReadCommand(message), output, out serverEvent);
        // Acknowledgements, bandwidths, buffer lengths, shared objects, media of nobody: nothing to do.
        serverEvent = default;
        return false;
    }

    /// <summary>Until it has been let in once, a peer may not keep us busy for long.</summary>
    private void CheckPrologue()
    {
        if (!_wasLetIn && _exchange.BytesRead - HandshakeSizes.Side > _limits.MaxBytesBeforePublish)
        {
            throw new RtmpProtocolException(
                $"more than {_limits.MaxBytesBeforePublish} bytes before publish or play",
                new RtmpPlace(_exchange.BytesRead));
        }
    }

    private MessageWriter Writer(IBufferWriter<byte> output) => _exchange.Writer(output);
}
