using System.Buffers;
using System.Collections.Immutable;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Chunks;
using Steadycast.Protocols.Rtmp.Handshake;
using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>What a client wants of a server.</summary>
public sealed record ClientSessionOptions
{
    public required ClientRole Role { get; init; }

    /// <summary>The first part of the path, with a query when there is one.</summary>
    public required string App { get; init; }

    /// <summary>The stream's own name, with a query when there is one; may be empty.</summary>
    public required string Name { get; init; }

    /// <summary><c>rtmp://host:port/app</c>.</summary>
    public required string TcUrl { get; init; }

    /// <summary>How we call ourselves; the prefix is what servers with lists of encoders look for.</summary>
    public string FlashVersion { get; init; } = "FMLE/3.0 (compatible; Steadycast)";

    /// <summary>Whether C1 is signed. Default true: every server takes it and some old ones demand it.</summary>
    public bool SignedHandshake { get; init; } = true;

    /// <summary>
    /// The chunk size to publish with; null repeats what the server announces, as FFmpeg does, or 4096 as OBS when the
    /// server keeps to less.
    /// </summary>
    public int? ChunkSize { get; init; }

    /// <summary>
    /// For one that speaks for a client of its own: members of that client's <c>connect</c>, which replace ours, all of
    /// Enhanced RTMP included. <c>app</c> and <c>tcUrl</c> are never taken from here. Empty: our own.
    /// </summary>
    public ImmutableArray<Amf0Property> ConnectMembers { get; init; } = [];

    /// <summary>
    /// After how many bytes of ours the server is to acknowledge what it has received; null leaves it to itself.
    /// </summary>
    public uint? AcknowledgeEvery { get; init; }
}

public enum ClientRole
{
    Publish,
    Play,
}

public enum ClientEventKind
{
    /// <summary>The server lets us publish, or the stream plays.</summary>
    Started = 1,

    /// <summary>The server says no, before or after the start; it will close or we should.</summary>
    Refused,

    /// <summary>A message of the stream that is played.</summary>
    Media,

    /// <summary>The stream that is played has ended.</summary>
    Ended,

    /// <summary>A status that changes nothing for us.</summary>
    Status,

    /// <summary>The server has received so many bytes of ours.</summary>
    Acknowledged,

    /// <summary>The answer to a ping.</summary>
    Pong,
}

/// <summary>One thing that a server did.</summary>
/// <param name="Status">With Refused, Ended and Status.</param>
/// <param name="Media">With Media; its payload is valid until the session reads on.</param>
/// <param name="Value">
/// With Acknowledged: bytes since the connection began, handshake included or not as the server likes, modulo 2^32.
/// With Pong: the ping's timestamp.
/// </param>
public readonly record struct ClientEvent(
    ClientEventKind Kind, StatusInfo? Status = null, MediaMessage Media = default, uint Value = 0);

/// <summary>
/// The client's side of one RTMP connection without IO, for one publish or one play. Start, then read until Started.
/// </summary>
/// <remarks>TryRead behaves as that of <see cref="ServerSession"/>. Media allocates nothing. Not thread-safe.</remarks>
public sealed class ClientSession(ClientSessionOptions options, RtmpLimits limits) : IDisposable
{
    private const int MinPublishChunkSize = 4096;
    private const double ConnectTransaction = 1;
    private const double ReleaseTransaction = 2;
    private const double FcTransaction = 3;
    private const double CreateTransaction = 4;
    private const double StreamTransaction = 5;

    private readonly MessageExchange _exchange = new(limits);
    private readonly ArrayBufferWriter<byte> _data = new();
    private ClientHandshake? _handshake = new(options.SignedHandshake);
    private bool _isStarted;

    public ClientSession(ClientSessionOptions options)
        : this(options, RtmpLimits.Default)
    {
    }

    /// <summary>
    /// What the server says that it can do of Enhanced RTMP; null before connect or when it does not say.
    /// </summary>
    public EnhancedRtmpCapabilities? ServerCapabilities { get; private set; }

    /// <summary>The chunk size that we send with.</summary>
    public int ChunkSize => _exchange.ChunkSize;

    /// <summary>The message stream that createStream gave.</summary>
    public uint MessageStreamId { get; private set; }

    /// <summary>Writes the first bytes of the connection.</summary>
    public void Start(IBufferWriter<byte> output) => _handshake!.Start(output);

    /// <inheritdoc cref="ServerSession.TryRead"/>
    public bool TryRead(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output, out ClientEvent clientEvent)
    {
        clientEvent = default;
        if (_handshake is not null && !TryShakeHands(ref input, output))
            return false;
        while (_exchange.TryRead(ref input, output, out RtmpMessage message))
        {
            if (TryTakeMedia(message, out clientEvent) || TryHandle(message, output, out clientEvent))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Writes one message of the stream that we publish; metadata gets the envelope that servers ask for.
    /// </summary>
    public void WriteMedia(IBufferWriter<byte> output, in MediaMessage message)
    {
        if (!_isStarted || options.Role != ClientRole.Publish)
            throw new InvalidOperationException("Publishing has not started");
        ReadOnlySpan<byte> payload = message.Payload.Span;
        if (message.Type == RtmpMessageType.DataAmf0)
        {
            _data.ResetWrittenCount();
            new Amf0Writer(_data).WriteString("@setDataFrame");
            _data.Write(payload);
            payload = _data.WrittenSpan;
        }

        ChunkWriter.Write(
            output,
            MediaChunkStream.Of(message.Type),
            message.Type,
            MessageStreamId,
            message.Timestamp,
            payload,
            ChunkSize);
    }

    /// <summary>Asks the server to answer: what is received next shows that it lives.</summary>
    public void WritePing(IBufferWriter<byte> output, uint timestamp) =>
        new UserControl(UserControlEvent.PingRequest, timestamp).Write(Writer(output));

    /// <summary>Writes the orderly end of what was started.</summary>
    public void WriteStop(IBufferWriter<byte> output)
    {
        if (!_isStarted)
            return;
        MessageWriter writer = Writer(output);
        if (options.Role == ClientRole.Publish)
            writer.WriteCommand(0, "FCUnpublish", StreamTransaction + 1, Amf0Value.Null, options.Name);
        writer.WriteCommand(0, "deleteStream", 0, Amf0Value.Null, (double)MessageStreamId);
        _isStarted = false;
    }

    public void Dispose() => _exchange.Dispose();

    private bool TryShakeHands(ref ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (!_handshake!.TryComplete(ref input, output))
            return false;
        _handshake = null;
        _exchange.BytesRead = HandshakeSizes.Side;
        Writer(output).WriteCommand(0, "connect", ConnectTransaction, Amf0Value.Object(ConnectMembers()));
        return true;
    }

    private ImmutableArray<Amf0Property> ConnectMembers()
    {
        Amf0Property[] basic =
        [
            new("app", options.App),
            new("type", "nonprivate"),
            new("flashVer", options.FlashVersion),
            new("tcUrl", options.TcUrl),
        ];
        if (options.ConnectMembers.IsEmpty)
            return [.. basic, .. EnhancedRtmpCapabilities.Forwarder.ToProperties()];
        Amf0Property[] carried = [.. options.ConnectMembers.Where(m => m.Name is not ("app" or "tcUrl"))];
        return [.. basic.Where(b => carried.All(c => c.Name != b.Name)), .. carried];
    }

    private bool TryTakeMedia(in RtmpMessage message, out ClientEvent clientEvent)
    {
        if (_isStarted && options.Role == ClientRole.Play && MediaFilter.TryTake(message, out MediaMessage media))
        {
            clientEvent = new ClientEvent(ClientEventKind.Media, Media: media);
            return true;
        }

        clientEvent = default;
        return false;
    }

    private bool TryHandle(in RtmpMessage message, IBufferWriter<byte> output, out ClientEvent clientEvent)
    {
        clientEvent = default;
        switch (message.Type)
        {
            case RtmpMessageType.CommandAmf0 or RtmpMessageType.CommandAmf3:
                return TryHandleCommand(_exchange.ReadCommand(message), output, out clientEvent);
            case RtmpMessageType.SetPeerBandwidth
                when ControlMessage.TryRead(message.Payload.Span, out uint bandwidth):
                ControlMessage.Write(Writer(output), RtmpMessageType.WindowAcknowledgementSize, bandwidth);
                return false;
            case RtmpMessageType.Acknowledgement
                when ControlMessage.TryRead(message.Payload.Span, out uint received):
                clientEvent = new ClientEvent(ClientEventKind.Acknowledged, Value: received);
                return true;
            case RtmpMessageType.UserControl
                when UserControl.TryRead(message.Payload.Span, out UserControl control)
                    && control.Event == UserControlEvent.PingResponse:
                clientEvent = new ClientEvent(ClientEventKind.Pong, Value: control.Value);
                return true;
            default:
                return false;
        }
    }

    private bool TryHandleCommand(Command command, IBufferWriter<byte> output, out ClientEvent clientEvent)
    {
        clientEvent = default;
        switch (command.Name, command.Transaction)
        {
            case ("_result", ConnectTransaction):
                ServerCapabilities = EnhancedRtmpCapabilities.Of(command.Object);
                CreateStream(output);
                return false;
            case ("_result", CreateTransaction):
                MessageStreamId = command.Argument(0).Number is >= 0 and <= uint.MaxValue and var id ? (uint)id : 1;
                AskForStream(output);
                return false;
            case ("_error", ConnectTransaction or CreateTransaction or StreamTransaction):
                clientEvent = new ClientEvent(ClientEventKind.Refused, StatusInfo.Of(command.Argument(0)));
                return true;
            case ("onStatus", _):
                clientEvent = Judge(StatusInfo.Of(command.Argument(0)));
                return true;
            default:
                return false;
        }
    }

    private void CreateStream(IBufferWriter<byte> output)
    {
        bool publishes = options.Role == ClientRole.Publish;
        MessageWriter writer = Writer(output);
        if (publishes)
        {
            int chunkSize = options.ChunkSize ?? Math.Max(MinPublishChunkSize, _exchange.PeerChunkSize);
            ControlMessage.Write(writer, RtmpMessageType.SetChunkSize, (uint)chunkSize);
            _exchange.ChunkSize = chunkSize;
            writer = Writer(output);
            if (options.AcknowledgeEvery is { } window)
                ControlMessage.Write(writer, RtmpMessageType.WindowAcknowledgementSize, window);
            writer.WriteCommand(0, "releaseStream", ReleaseTransaction, Amf0Value.Null, options.Name);
            writer.WriteCommand(0, "FCPublish", FcTransaction, Amf0Value.Null, options.Name);
        }

        writer.WriteCommand(0, "createStream", CreateTransaction, Amf0Value.Null);
    }

    private void AskForStream(IBufferWriter<byte> output)
    {
        MessageWriter writer = Writer(output);
        if (options.Role == ClientRole.Publish)
        {
            writer.WriteCommand(MessageStreamId, "publish", StreamTransaction, Amf0Value.Null, options.Name, "live");
            return;
        }

        const double liveOnly = -1000; // In milliseconds: "only live" is -1 in ActionScript's seconds (7.2.2.1).
        writer.WriteCommand(MessageStreamId, "play", StreamTransaction, Amf0Value.Null, options.Name, liveOnly);
    }

    private ClientEvent Judge(StatusInfo status)
    {
        switch (status.Code)
        {
            case StatusCode.PublishStart when options.Role == ClientRole.Publish:
            case StatusCode.PlayStart when options.Role == ClientRole.Play:
                _isStarted = true;
                return new ClientEvent(ClientEventKind.Started, status);
            case StatusCode.PlayStop:
                return new ClientEvent(ClientEventKind.Ended, status);
            case StatusCode.PublishBadName or StatusCode.PublishDenied or StatusCode.PublishRejected:
                return new ClientEvent(ClientEventKind.Refused, status); // Some servers forget the level.
            default:
                return new ClientEvent(status.IsError ? ClientEventKind.Refused : ClientEventKind.Status, status);
        }
    }

    private MessageWriter Writer(IBufferWriter<byte> output) => _exchange.Writer(output);
}
