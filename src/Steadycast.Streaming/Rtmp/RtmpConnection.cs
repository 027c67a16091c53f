using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Steadycast.Protocols.Rtmp;
using Steadycast.Protocols.Rtmp.Messages;
using Steadycast.Protocols.Rtmp.Sessions;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Transport;

namespace Steadycast.Streaming.Rtmp;

/// <summary>
/// One connection's story: handshake, connect, then publish or play, each with a deadline, until one side has enough.
/// </summary>
/// <remarks>
/// One loop receives, feeds the session and appends media to the hub. What the session answers is sent before more is
/// received. A play has a second loop that sends; the two take turns at the socket.
/// </remarks>
internal sealed partial class RtmpConnection : IDisposable
{
    /// <summary>For handshakes, commands and players: a connection that only waits costs no more.</summary>
    private const int SmallBuffer = 4 * 1024;

    /// <summary>For publishers: a keyframe of a common stream in one receive.</summary>
    private const int LargeBuffer = 128 * 1024;

    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);

    private readonly RtmpDoor _door;
    private readonly TransportConnection _transport;
    private readonly ConnectionGate.Entry _entry;
    private readonly ServerSession _session;
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly SemaphoreSlim _sending = new(1);
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
    private RtmpRole _role = RtmpRole.Waiting;
    private StreamName _name;
    private ConnectRequest? _connect;
    private StreamRequest? _asked;
    private Publication? _publication;
    private Subscription? _wanted;
    private PlayLoop? _playing;
    private bool _playChanged;
    private CancellationTokenSource? _ended;
    private string? _farewell;

    public RtmpConnection(RtmpDoor door, TransportConnection transport, ConnectionGate.Entry entry)
    {
        (_door, _transport, _entry) = (door, transport, entry);
        _session = new ServerSession(door.Options.Limits);
        _transport.SendTimeout = door.Options.SendTimeout;
        door.Metrics.RoleBegan(_role);
    }

    private string Peer => $"{_transport.RemoteEndPoint} (connection {_transport.Id})";

    public async Task RunAsync()
    {
        string kind = "error";
        string reason = "an error of ours";
        try
        {
            (kind, reason) = await ReceiveLoopAsync();
        }
        catch (RtmpProtocolException e)
        {
            (kind, reason) = ("protocol", e.Fault);
            LogProtocol(Peer, e.Message);
        }
        catch (TransportException e)
        {
            (kind, reason) = (_transport.AbortReason is null ? "reset" : "aborted", e.Reason);
        }
        catch (OperationCanceledException)
        {
            (kind, reason) = await SayGoodbyeAsync();
        }
        finally
        {
            await EndAsync(reason);
            _door.Metrics.Closed(kind);
        }
    }

    public void Dispose()
    {
        _session.Dispose();
        _sending.Dispose();
        _ended?.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private async Task<(string Kind, string Reason)> ReceiveLoopAsync()
    {
        _transport.SetDeadline(_door.Options.HandshakeTimeout, "no handshake in time");
        while (true)
        {
            int received = await _transport.ReceiveAsync(_buffer, _ended?.Token ?? _transport.Closing);
            if (received == 0)
                return ("left", "the peer left");
            ReadOnlyMemory<byte> unread = _buffer.AsMemory(0, received);
            do
            {
                unread = unread[^Process(unread.Span)..];
                if (_asked is { } asked)
                    await AnswerAsync(asked);
                // The answer to a pause is the last that is sent, the answer to a play the first.
                if (_playChanged)
                    await StopPlayAsync();
                if (_output.WrittenCount > 0)
                    await FlushAsync();
                if (_farewell is not null)
                    return ("refused", _farewell);
                if (_playChanged)
                    StartPlay();
            }
            while (!unread.IsEmpty);

            if (_role == RtmpRole.Publisher && _buffer.Length < LargeBuffer)
                EnlargeBuffer();
        }
    }

    /// <summary>
    /// Feeds the session with what was received and acts on each event, up to one that takes time to answer; answers
    /// gather in the output. Returns how many bytes are left.
    /// </summary>
    private int Process(ReadOnlySpan<byte> input)
    {
        bool wasHandshaken = _session.IsHandshaken;
        int messages = 0;
        long bytes = 0;
        while (_farewell is null && _asked is null && _session.TryRead(ref input, _output, out ServerEvent e))
        {
            if (e.Kind == ServerEventKind.Media)
            {
                messages++;
                bytes += e.Media.Payload.Length;
                _publication!.Append(e.Media);
            }
            else
            {
                Handle(e);
            }
        }

        if (!wasHandshaken && _session.IsHandshaken)
        {
            if (_role == RtmpRole.Waiting)
                _transport.SetDeadline(_door.Options.PublishTimeout, "no publish or play in time");
            _door.Metrics.HandshakeDone(_session.IsSigned);
        }

        if (messages > 0)
        {
            if (_role == RtmpRole.Publisher)
                _transport.SetDeadline(_door.Options.PublisherSilence, "the publisher was silent");
            _door.Metrics.MediaReceived(messages, bytes);
        }

        return input.Length;
    }

    private void Handle(in ServerEvent e)
    {
        switch (e.Kind)
        {
            case ServerEventKind.ConnectRequested:
                _connect = e.Connect;
                _session.AcceptConnect(_output);
                _door.Metrics.Requested("connect", "accepted");
                break;
            case ServerEventKind.PublishRequested:
                Publish(e.Stream!);
                break;
            case ServerEventKind.PublishStopped:
                EndPublication("the publisher ended it");
                WaitAgain();
                break;
            case ServerEventKind.PlayRequested:
                Play(e.Stream!);
                break;
            case ServerEventKind.Paused:
                ChangePlay(null);
                break;
            case ServerEventKind.Resumed when TrySubscribe(out Subscription? resumed):
                ChangePlay(resumed);
                break;
            case ServerEventKind.Resumed:
                _farewell = "the server takes no more streams";
                break;
            case ServerEventKind.PlayStopped:
                ChangePlay(null);
                WaitAgain();
                break;
        }
    }

    private void Publish(StreamRequest request)
    {
        if (!StreamName.TryParse(request.Path, out _name, out string? fault))
        {
            RefusePublish(request, StatusCode.PublishBadName, fault, "bad_name");
            return;
        }

        string? role = request.Parameter("role");
        if (role is not (null or "main" or "standby"))
        {
            RefusePublish(request, StatusCode.PublishBadName, "The role is neither main nor standby.", "bad_name");
            return;
        }

        string? key = request.Parameter("key");
        string? token = request.Parameter("token");
        PublishVerdict verdict = _door.Publishers.Judge(_name.Value, [key, token], out bool asStandby);
        _door.Admission.Judged(verdict);
        if (verdict != PublishVerdict.Allowed)
        {
            string given = (key ?? token) is string k ? $"{verdict}, {PublishGate.Fingerprint(k)}" : verdict.ToString();
            RefusePublish(request, StatusCode.PublishDenied, "Not allowed.", "denied", given);
            return;
        }

        bool yields = request.Parameter("yield") == "1";
        // Who only fills in has no place of its own.
        PublisherRole place = !yields && (asStandby || role == "standby") ? PublisherRole.Standby : PublisherRole.Main;
        var publisher = new PublisherInfo(_transport.Id, _transport.RemoteEndPoint?.ToString(), yields, place);
        switch (_door.Hub.Publish(_name, publisher, out _publication))
        {
            case PublishOutcome.Accepted when _door.Route is not null:
                _asked = request;
                break;
            case PublishOutcome.Accepted:
                BeginPublication();
                break;
            case PublishOutcome.Busy:
                RefusePublish(request, StatusCode.PublishBadName, "The stream is being published.", "busy");
                break;
            default:
                RefusePublish(request, StatusCode.PublishRejected, "The server takes no more streams.", "full");
                break;
        }
    }

    /// <summary>Finds out whether a stream that may come in can go on; its publisher waits for the answer.</summary>
    private async ValueTask AnswerAsync(StreamRequest request)
    {
        _asked = null;
        _transport.ClearDeadline();
        var opening = new PublishOpening(_name, _connect!, request, _publication!);
        RouteRefusal? refusal = await _door.Route!.OpenAsync(opening, _transport.Closing);
        if (refusal is null)
        {
            BeginPublication();
            return;
        }

        EndPublication(refusal.Description);
        RefusePublish(request, refusal.Code, refusal.Description, refusal.Outcome);
    }

    private void BeginPublication()
    {
        _session.AcceptPublish(_output);
        _door.Metrics.Requested("publish", "accepted");
        LogPublishStarted(_name, Peer);
        EnterRole(RtmpRole.Publisher);
        EndWith(_publication!.Ended);
        _transport.SetDeadline(_door.Options.PublisherSilence, "the publisher was silent");
    }

    private void RefusePublish(
        StreamRequest request, string code, string description, string outcome, string? verdict = null)
    {
        _session.RefusePublish(_output, code, description);
        _door.Metrics.Requested("publish", outcome);
        _farewell = verdict ?? description;
        // Who yields asks again each second for as long as the name is taken.
        bool isNews = outcome != "busy" || request.Parameter("yield") != "1";
        LogPublishRefused(StreamName.Escape(request.Path), Peer, _farewell, isNews);
    }

    private void Play(StreamRequest request)
    {
        if (!StreamName.TryParse(request.Path, out _name, out string? fault))
            RefusePlay(request, StatusCode.PlayStreamNotFound, fault, "bad_name");
        else if (!_door.Publishers.Knows(_name.Value))
            RefusePlay(request, StatusCode.PlayStreamNotFound, "No such stream.", "unknown_stream");
        else if (!TrySubscribe(out Subscription? subscription))
            RefusePlay(request, StatusCode.PlayFailed, "The server takes no more streams.", "full");
        else
            BeginPlay(subscription);
    }

    private void BeginPlay(Subscription subscription)
    {
        _session.AcceptPlay(_output);
        _door.Metrics.Requested("play", "accepted");
        LogPlayStarted(_name, Peer);
        EnterRole(RtmpRole.Player);
        _transport.ClearDeadline();
        ChangePlay(subscription);
    }

    private void RefusePlay(StreamRequest request, string code, string description, string outcome)
    {
        _session.RefusePlay(_output, code, description);
        _door.Metrics.Requested("play", outcome);
        _farewell = description;
        LogPlayRefused(StreamName.Escape(request.Path), Peer, description);
    }

    private bool TrySubscribe([NotNullWhen(true)] out Subscription? subscription) =>
        _door.Hub.TrySubscribe(_name, new SubscriptionOptions(SubscriptionKind.Player), out subscription);

    /// <summary>What shall be sent from now on; takes effect around the answer that announces it.</summary>
    private void ChangePlay(Subscription? wanted)
    {
        _wanted?.Dispose();
        _wanted = wanted;
        _playChanged = true;
    }

    private async ValueTask StopPlayAsync()
    {
        if (_playing is not null)
            await _playing.DisposeAsync();
        _playing = null;
        EndWith(CancellationToken.None);
    }

    private void StartPlay()
    {
        _playChanged = false;
        if (_wanted is null)
            return;
        _playing = new PlayLoop(_transport, _sending, _door.Metrics, _wanted);
        _wanted = null;
        EndWith(_playing.Finished);
        _playing.Start();
    }

    private void EnterRole(RtmpRole role)
    {
        _entry.LetIn();
        ChangeRole(role);
    }

    private void WaitAgain()
    {
        ChangeRole(RtmpRole.Waiting);
        _transport.SetDeadline(_door.Options.PublishTimeout, "no further publish or play in time");
    }

    private void ChangeRole(RtmpRole role)
    {
        _door.Metrics.RoleEnded(_role);
        _role = role;
        _door.Metrics.RoleBegan(role);
    }

    private void EndPublication(string reason)
    {
        if (_publication is null)
            return;
        EndWith(CancellationToken.None);
        _publication.Dispose();
        _publication = null;
        LogPublishStopped(_name, Peer, reason);
    }

    /// <summary>What ends the connection besides the transport's closing.</summary>
    private void EndWith(CancellationToken ends)
    {
        _ended?.Dispose();
        _ended = ends.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(ends, _transport.Closing) : null;
    }

    private async ValueTask FlushAsync()
    {
        await _sending.WaitAsync();
        try
        {
            await _transport.SendAsync(_output.WrittenMemory);
        }
        finally
        {
            _sending.Release();
        }

        _output.ResetWrittenCount();
    }

    /// <summary>The stream was taken away, has ended, or the server stops: the peer is told which.</summary>
    private async ValueTask<(string Kind, string Reason)> SayGoodbyeAsync()
    {
        (string kind, string reason) = _transport.Closing.IsCancellationRequested
            ? ("stopping", "the server is stopping")
            : ("ended", _publication?.EndReason ?? "the stream has ended");
        try
        {
            _transport.SetDeadline(GoodbyeTime, reason);
            if (_playing is not null)
                await _playing.DisposeAsync();
            _playing = null;
            _output.ResetWrittenCount();
            if (_role == RtmpRole.Player)
                _session.WriteStreamEof(_output);
            else if (_role == RtmpRole.Publisher && kind == "ended")
                _session.WriteStatus(_output, StatusInfo.Error(StatusCode.PublishBadName, reason));
            else if (_role == RtmpRole.Publisher)
                _session.WriteStatus(_output, StatusInfo.Status(StatusCode.UnpublishSuccess, reason));
            if (_output.WrittenCount > 0)
                await FlushAsync();
        }
        catch (TransportException)
        {
            // It left before it could be told.
        }

        return (kind, reason);
    }

    private async ValueTask EndAsync(string reason)
    {
        EndPublication(reason);
        _wanted?.Dispose();
        _door.Metrics.RoleEnded(_role);
        if (_role == RtmpRole.Player)
            LogPlayStopped(_name, Peer, reason);
        else if (_role == RtmpRole.Waiting)
            LogEnded(Peer, reason);
        if (_playing is null)
            return;
        _transport.Abort(reason); // A send to a peer that reads no more would hold us for its whole deadline.
        await _playing.DisposeAsync();
    }

    private void EnlargeBuffer()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = ArrayPool<byte>.Shared.Rent(LargeBuffer);
    }
}
