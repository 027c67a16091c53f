using System.Buffers;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>
/// What both sides of a connection do alike after the handshake: messages out of chunks and aggregates, answers to
/// pings, acknowledgement of what was received, commands out of AMF.
/// </summary>
internal sealed class MessageExchange(RtmpLimits limits) : IDisposable
{
    private readonly ChunkReader _reader = new(limits);
    private readonly ReceiveWindow _window = new();
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private AggregateReader? _aggregate;

    /// <summary>The chunk size that we send with.</summary>
    public int ChunkSize { get; set; } = ChunkWriter.InitialChunkSize;

    /// <summary>The chunk size that the peer sends with.</summary>
    public int PeerChunkSize => _reader.ChunkSize;

    /// <summary>The largest message that is taken from here on.</summary>
    public int MaxMessageBytes
    {
        get => _reader.MaxMessageBytes;
        set => _reader.MaxMessageBytes = value;
    }

    /// <summary>Bytes received since the connection began; set once, to those of the handshake.</summary>
    public long BytesRead
    {
        get => _reader.BytesRead;
        set => _reader.BytesRead = value;
    }

    /// <summary>Memory held for messages in flight.</summary>
    public int BufferedBytes => _reader.BufferedBytes;

    /// <summary>
    /// Reads up to the next message that the session has to judge; its payload is valid until the next call. False
    /// when all input is taken.
    /// </summary>
    /// <exception cref="RtmpProtocolException">The peer broke the protocol or a limit.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output, out RtmpMessage message)
    {
        while (true)
        {
            if (TryReadAggregated(out message))
                return true;
            if (!_reader.TryRead(ref input, out message))
            {
                Acknowledge(output);
                return false;
            }

            switch (message.Type)
            {
                case RtmpMessageType.Aggregate:
                    _aggregate = new AggregateReader(message);
                    break;
                case RtmpMessageType.WindowAcknowledgementSize
                    when ControlMessage.TryRead(message.Payload.Span, out uint window):
                    _window.Resize(window);
                    break;
                case RtmpMessageType.UserControl
                    when UserControl.TryRead(message.Payload.Span, out UserControl control)
                        && control.Event == UserControlEvent.PingRequest:
                    (control with { Event = UserControlEvent.PingResponse }).Write(Writer(output));
                    break;
                default:
                    Acknowledge(output);
                    return true;
            }
        }
    }

    /// <exception cref="RtmpProtocolException">It is no command.</exception>
    public Command ReadCommand(in RtmpMessage message)
    {
        try
        {
            return Command.Read(message);
        }
        catch (Amf0FormatException e)
        {
            ReadOnlySpan<byte> payload = message.Payload.Span;
            throw new RtmpProtocolException(
                e.Message,
                new RtmpPlace(BytesRead, message.ChunkStreamId, message.Type),
                payload[Math.Clamp(e.Offset - 16, 0, payload.Length)..]);
        }
    }

    public MessageWriter Writer(IBufferWriter<byte> output) => new(output, _scratch, ChunkSize);

    public void Dispose() => _reader.Dispose();

    private bool TryReadAggregated(out RtmpMessage message)
    {
        message = default;
        if (_aggregate is not AggregateReader aggregate)
            return false;
        while (aggregate.TryRead(out message))
        {
            // Section 7.1.6 knows nothing else in it; an aggregate within one would be a bomb.
            if (message.Type is not (RtmpMessageType.Audio or RtmpMessageType.Video
                or RtmpMessageType.DataAmf0 or RtmpMessageType.DataAmf3))
                continue;
            _aggregate = aggregate;
            return true;
        }

        _aggregate = null;
        return false;
    }

    private void Acknowledge(IBufferWriter<byte> output)
    {
        if (_window.ShouldAcknowledge(_reader.BytesRead, out uint sequence))
            ControlMessage.Write(Writer(output), RtmpMessageType.Acknowledgement, sequence);
    }
}
