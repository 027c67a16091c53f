using System.Buffers;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Chunks;
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
    private readonly ChunkReader _reader;
    private readonly ReceiveWindow _window = new();
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private ServerHandshake? _handshake = new();
    private AggregateReader? _aggregate;
    private int _chunkSize = ChunkWriter.InitialChunkSize;
    private ConnectRequest? _connect;
    private StreamRequest? _stream;
    private SessionState _state;
    private bool _wasLetIn;
    private bool _firstStreamExists;
    private uint _lastStreamId = PlayStreamId;

    public ServerSession(RtmpLimits limits)
    {
        _limits = limits;
        _reader = new ChunkReader(limits) { MaxMessageBytes = limits.MaxMessageBytesBeforePublish };
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
    public long BytesRead => _handshake?.Received ?? _reader.BytesRead;

    /// <summary>Memory held for messages in flight.</summary>
    public int BufferedBytes => _reader.BufferedBytes;

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
        if (TryReadAggregate(out serverEvent))
            return true;

        while (_reader.TryRead(ref input, out RtmpMessage message))
        {
            if (TryTakeMedia(message, out serverEvent) || TryHandle(message, output, out serverEvent))
            {
                Acknowledge(output);
                return true;
            }
        }

        Acknowledge(output);
        CheckPrologue();
        return false;
    }

    public void Dispose() => _reader.Dispose();

    private bool TryShakeHands(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (!_handshake!.TryComplete(ref input, output))
            return false;
        IsSigned = _handshake.IsSigned;
        _reader.BytesRead = _handshake.Received;
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

    private bool TryReadAggregate(out ServerEvent serverEvent)
    {
        serverEvent = default;
        if (_aggregate is not AggregateReader aggregate)
            return false;
        while (aggregate.TryRead(out RtmpMessage message))
        {
            if (!TryTakeMedia(message, out serverEvent))
                continue;
            _aggregate = aggregate;
            return true;
        }

        _aggregate = null;
        return false;
    }

    /// <summary>Everything that is not media; true when the caller must hear of it.</summary>
    private bool TryHandle(in RtmpMessage message, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        switch (message.Type)
        {
            case RtmpMessageType.CommandAmf0 or RtmpMessageType.CommandAmf3:
                return TryHandleCommand(ReadCommand(message), output, out serverEvent);
            case RtmpMessageType.Aggregate:
                _aggregate = new AggregateReader(message);
                return TryReadAggregate(out serverEvent);
            case RtmpMessageType.WindowAcknowledgementSize
                when ControlMessage.TryRead(message.Payload.Span, out uint window):
                _window.Resize(window);
                return false;
            case RtmpMessageType.UserControl
                when UserControl.TryRead(message.Payload.Span, out UserControl control)
                    && control.Event == UserControlEvent.PingRequest:
                (control with { Event = UserControlEvent.PingResponse }).Write(Writer(output));
                return false;
            default:
                // Acknowledgements, bandwidths, buffer lengths, shared objects, media of nobody: nothing to do.
                return false;
        }
    }

    private Command ReadCommand(in RtmpMessage message)
    {
        try
        {
            return Command.Read(message);
        }
        catch (Amf0FormatException e)
        {
            ReadOnlySpan<byte> payload = message.Payload.Span;
            throw Fault(e.Message, message, payload[Math.Clamp(e.Offset - 16, 0, payload.Length)..]);
        }
    }

    private void Acknowledge(IBufferWriter<byte> output)
    {
        if (_window.ShouldAcknowledge(_reader.BytesRead, out uint sequence))
            ControlMessage.Write(Writer(output), RtmpMessageType.Acknowledgement, sequence);
    }

    /// <summary>Until it has been let in once, a peer may not keep us busy for long.</summary>
    private void CheckPrologue()
    {
        if (!_wasLetIn && _reader.BytesRead - HandshakeSizes.Side > _limits.MaxBytesBeforePublish)
        {
            throw new RtmpProtocolException(
                $"more than {_limits.MaxBytesBeforePublish} bytes before publish or play",
                new RtmpPlace(_reader.BytesRead));
        }
    }

    private MessageWriter Writer(IBufferWriter<byte> output) => new(output, _scratch, _chunkSize);

    private RtmpProtocolException Fault(string fault, in RtmpMessage message, ReadOnlySpan<byte> bytes) =>
        new(fault, new RtmpPlace(_reader.BytesRead, message.ChunkStreamId, message.Type), bytes);
}
