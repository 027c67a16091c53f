using System.Buffers;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>The commands of a client and our answers, as FMS and the servers after it give them.</summary>
public sealed partial class ServerSession
{
    /// <summary>Some encoders ask for a version that they know; nginx-rtmp and SRS say the same.</summary>
    private const string ServerVersion = "FMS/3,5,7,7009";

    private const double ServerCapabilities = 31;

    public void AcceptConnect(IBufferWriter<byte> output)
    {
        ConnectRequest connect = Answer(SessionState.ConnectAsked, SessionState.Connected, _connect);
        MessageWriter writer = Writer(output);
        ControlMessage.Write(writer, RtmpMessageType.WindowAcknowledgementSize, ReceiveWindow.DefaultBytes);
        ControlMessage.Write(writer, RtmpMessageType.SetPeerBandwidth, ReceiveWindow.DefaultBytes);
        ControlMessage.Write(writer, RtmpMessageType.SetChunkSize, OutgoingChunkSize);
        _exchange.ChunkSize = OutgoingChunkSize;

        Amf0Property[] enhanced = connect.EnhancedRtmp is null
            ? []
            : [.. EnhancedRtmpCapabilities.Forwarder.ToProperties()];
        Writer(output).WriteCommand(
            0,
            "_result",
            connect.Transaction,
            Amf0Value.Object(
                [new("fmsVer", ServerVersion), new("capabilities", ServerCapabilities), new("mode", 1.0), .. enhanced]),
            StatusInfo.Status(StatusCode.ConnectSuccess, "Connection succeeded.")
                .ToValue(new Amf0Property("objectEncoding", connect.ObjectEncoding)));
    }

    /// <param name="code">
    /// ConnectRejected or ConnectInvalidApp: the caller closes the connection after sending it.
    /// </param>
    public void RefuseConnect(IBufferWriter<byte> output, string code, string description)
    {
        ConnectRequest connect = Answer(SessionState.ConnectAsked, SessionState.Handshaken, _connect);
        _connect = null;
        Writer(output).WriteCommand(
            0, "_error", connect.Transaction, Amf0Value.Null, StatusInfo.Error(code, description).ToValue());
    }

    public void AcceptPublish(IBufferWriter<byte> output)
    {
        StreamRequest stream = Answer(SessionState.PublishAsked, SessionState.Publishing, _stream);
        LetIn(_limits.MaxMessageBytes);
        MessageWriter writer = Writer(output);
        new UserControl(UserControlEvent.StreamBegin, stream.MessageStreamId).Write(writer);
        writer.WriteStatus(
            stream.MessageStreamId, StatusInfo.Status(StatusCode.PublishStart, $"{stream.Path} is now published."));
    }

    /// <param name="code">PublishBadName, PublishDenied or PublishRejected; OBS and FFmpeg stop on each.</param>
    public void RefusePublish(IBufferWriter<byte> output, string code, string description)
    {
        StreamRequest stream = Answer(SessionState.PublishAsked, SessionState.Connected, _stream);
        Writer(output).WriteStatus(stream.MessageStreamId, StatusInfo.Error(code, description));
    }

    /// <remarks>
    /// Without |RtmpSampleAccess and NetStream.Data.Start: Flash alone needed them, and FFmpeg takes them for tracks.
    /// </remarks>
    public void AcceptPlay(IBufferWriter<byte> output)
    {
        StreamRequest stream = Answer(SessionState.PlayAsked, SessionState.Playing, _stream);
        LetIn(_limits.MaxMessageBytesBeforePublish);
        MessageWriter writer = Writer(output);
        uint id = stream.MessageStreamId;
        new UserControl(UserControlEvent.StreamBegin, id).Write(writer);
        writer.WriteStatus(id, StatusInfo.Status(StatusCode.PlayReset, $"Playing and resetting {stream.Path}."));
        writer.WriteStatus(id, StatusInfo.Status(StatusCode.PlayStart, $"Started playing {stream.Path}."));
    }

    /// <param name="code">PlayStreamNotFound or PlayFailed.</param>
    public void RefusePlay(IBufferWriter<byte> output, string code, string description)
    {
        StreamRequest stream = Answer(SessionState.PlayAsked, SessionState.Connected, _stream);
        Writer(output).WriteStatus(stream.MessageStreamId, StatusInfo.Error(code, description));
    }

    /// <summary>Tells a publisher or player something of its stream, e.g. why it is closed.</summary>
    public void WriteStatus(IBufferWriter<byte> output, StatusInfo status) =>
        Writer(output).WriteStatus(_stream?.MessageStreamId ?? 0, status);

    /// <summary>Tells a player that its stream has ended for good.</summary>
    public void WriteStreamEof(IBufferWriter<byte> output)
    {
        uint id = _stream?.MessageStreamId ?? PlayStreamId;
        MessageWriter writer = Writer(output);
        new UserControl(UserControlEvent.StreamEof, id).Write(writer);
        writer.WriteStatus(id, StatusInfo.Status(StatusCode.PlayStop, "The stream has ended."));
    }

    /// <summary>Asks the peer to answer: what is received next shows that it lives.</summary>
    public void WritePing(IBufferWriter<byte> output, uint timestamp) =>
        new UserControl(UserControlEvent.PingRequest, timestamp).Write(Writer(output));

    private bool TryHandleCommand(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        if (command.Name == "connect")
            return TryConnect(command, out serverEvent);
        if (_connect is null)
            throw CommandFault($"command {Shorten(command.Name)} before connect");

        switch (command.Name)
        {
            case "createStream":
                Reply(command, output, CreateStream());
                return false;
            case "publish" when command.Argument(0).IsString:
                return TryPublish(command, output, out serverEvent);
            case "play" when command.Argument(0).IsString:
                return TryPlay(command, output, out serverEvent);
            case "publish" or "play" or "closeStream" or "FCUnpublish":
                return TryStop(command, output, out serverEvent);
            case "deleteStream":
                return TryDeleteStream(command, output, out serverEvent);
            case "pause" or "pauseRaw":
                return TryPause(command, output, out serverEvent);
            case "FCPublish":
                Notify(output, "onFCPublish", StatusCode.PublishStart, command.Argument(0).Text);
                Reply(command, output, Amf0Value.Undefined);
                return false;
            case "FCSubscribe":
                Notify(output, "onFCSubscribe", StatusCode.PlayStart, command.Argument(0).Text);
                Reply(command, output, Amf0Value.Undefined);
                return false;
            case "getStreamLength":
                Reply(command, output, 0.0); // Live has no length.
                return false;
            case "seek":
                Writer(output).WriteStatus(
                    command.StreamId, StatusInfo.Error(StatusCode.SeekFailed, "A live stream has no other place."));
                return false;
            case "_result" or "_error" or "onStatus":
                return false;
            default:
                // releaseStream, _checkbw, setPeerInfo and all that others invent: an answer keeps the caller from
                // waiting, and an error would end FFmpeg.
                Reply(command, output, Amf0Value.Undefined);
                return false;
        }
    }

    private bool TryConnect(Command command, out ServerEvent serverEvent)
    {
        if (_connect is not null)
            throw CommandFault("a second connect");
        var connect = new ConnectRequest(command);
        CheckLength("app", connect.App, _limits.MaxAppLength);
        CheckLength("app's query", connect.Query, _limits.MaxTcUrlLength);
        CheckLength("tcUrl", connect.TcUrl, _limits.MaxTcUrlLength);
        _connect = connect;
        _state = SessionState.ConnectAsked;
        serverEvent = new ServerEvent(ServerEventKind.ConnectRequested, Connect: connect);
        return true;
    }

    /// <summary>
    /// The first stream is number 1, and again after it was deleted; further ones, which players of two streams make,
    /// get numbers but no second role.
    /// </summary>
    private double CreateStream()
    {
        if (_firstStreamExists)
            return ++_lastStreamId;
        _firstStreamExists = true;
        return PlayStreamId;
    }

    private bool TryPublish(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        StreamRequest stream = ReadStream(command);
        if (_state != SessionState.Connected)
        {
            Writer(output).WriteStatus(
                stream.MessageStreamId, StatusInfo.Error(StatusCode.PublishBadName, "One stream for each connection."));
            return false;
        }

        _stream = stream;
        _state = SessionState.PublishAsked;
        serverEvent = new ServerEvent(ServerEventKind.PublishRequested, Stream: stream);
        return true;
    }

    private bool TryPlay(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        StreamRequest stream = ReadStream(command);
        if (_state != SessionState.Connected || stream.MessageStreamId != PlayStreamId)
        {
            Writer(output).WriteStatus(
                stream.MessageStreamId, StatusInfo.Error(StatusCode.PlayFailed, "One stream for each connection."));
            return false;
        }

        _stream = stream;
        _state = SessionState.PlayAsked;
        serverEvent = new ServerEvent(ServerEventKind.PlayRequested, Stream: stream);
        return true;
    }

    private bool TryStop(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        if (command.Name == "FCUnpublish")
        {
            Notify(output, "onFCUnpublish", StatusCode.UnpublishSuccess, command.Argument(0).Text);
            Reply(command, output, Amf0Value.Undefined);
        }

        return TryStop(output, out serverEvent);
    }

    private bool TryDeleteStream(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        double id = command.Argument(0).Number;
        if (id == PlayStreamId)
            _firstStreamExists = false;
        return id == _stream?.MessageStreamId && TryStop(output, out serverEvent);
    }

    private bool TryStop(IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        if (_state is not (SessionState.Publishing or SessionState.Playing))
            return false;
        bool published = _state == SessionState.Publishing;
        if (published)
            WriteStatus(output, StatusInfo.Status(StatusCode.UnpublishSuccess, "The stream is no longer published."));
        _state = SessionState.Connected;
        serverEvent = new ServerEvent(published ? ServerEventKind.PublishStopped : ServerEventKind.PlayStopped);
        return true;
    }

    private bool TryPause(Command command, IBufferWriter<byte> output, out ServerEvent serverEvent)
    {
        serverEvent = default;
        if (_state != SessionState.Playing)
            return false;
        bool paused = command.Argument(0).Number != 0;
        uint id = _stream!.MessageStreamId;
        MessageWriter writer = Writer(output);
        new UserControl(paused ? UserControlEvent.StreamEof : UserControlEvent.StreamBegin, id).Write(writer);
        writer.WriteStatus(id, paused
            ? StatusInfo.Status(StatusCode.PauseNotify, "Paused.")
            : StatusInfo.Status(StatusCode.UnpauseNotify, "Playing again from the live edge."));
        serverEvent = new ServerEvent(paused ? ServerEventKind.Paused : ServerEventKind.Resumed);
        return true;
    }

    private StreamRequest ReadStream(Command command)
    {
        string name = command.Argument(0).Text;
        CheckLength("stream name", name, _limits.MaxNameLength);
        return new StreamRequest(_connect!, name, command.StreamId);
    }

    private void Reply(Command command, IBufferWriter<byte> output, Amf0Value value)
    {
        // Transaction 0 says that no answer is wanted (7.2.1.1).
        if (command.Transaction != 0)
            Writer(output).WriteCommand(0, "_result", command.Transaction, Amf0Value.Null, value);
    }

    private void Notify(IBufferWriter<byte> output, string name, string code, string description) =>
        Writer(output).WriteCommand(0, name, 0, Amf0Value.Null, StatusInfo.Status(code, description).ToValue());

    private T Answer<T>(SessionState asked, SessionState next, T? request) where T : class
    {
        if (_state != asked || request is null)
            throw new InvalidOperationException($"{asked} expected, the session is {_state}");
        _state = next;
        return request;
    }

    private void LetIn(int maxMessageBytes)
    {
        _wasLetIn = true;
        _exchange.MaxMessageBytes = Math.Max(_exchange.MaxMessageBytes, maxMessageBytes);
    }

    private void CheckLength(string what, string text, int limit)
    {
        if (text.Length > limit)
            throw CommandFault($"{what} of {text.Length} characters, at most {limit} are taken");
    }

    private static string Shorten(string name) => name.Length <= 32 ? name : name[..32];

    private RtmpProtocolException CommandFault(string fault) =>
        new(fault, new RtmpPlace(_exchange.BytesRead, null, RtmpMessageType.CommandAmf0));
}
