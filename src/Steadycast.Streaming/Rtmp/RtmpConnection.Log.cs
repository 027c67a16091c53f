using Microsoft.Extensions.Logging;
using Steadycast.Streaming.Hub;

namespace Steadycast.Streaming.Rtmp;

/// <summary>
/// What an operator hears of a connection. Stream names are escaped or parsed; keys are never in them.
/// </summary>
internal sealed partial class RtmpConnection
{
    private void LogPublishStarted(StreamName name, string peer) => Publishing(_door.Log, name, peer);

    private void LogPublishStopped(StreamName name, string peer, string reason) =>
        PublishEnded(_door.Log, name, peer, reason);

    private void LogPublishRefused(string name, string peer, string reason, bool isNews) =>
        PublishRefused(_door.Log, isNews ? LogLevel.Warning : LogLevel.Debug, name, peer, reason);

    private void LogPlayStarted(StreamName name, string peer) => Playing(_door.Log, name, peer);

    private void LogPlayStopped(StreamName name, string peer, string reason) =>
        PlayEnded(_door.Log, name, peer, reason);

    private void LogPlayRefused(string name, string peer, string reason) => PlayRefused(_door.Log, name, peer, reason);

    private void LogProtocol(string peer, string fault) => ProtocolBroken(_door.Log, peer, fault);

    private void LogEnded(string peer, string reason) => Ended(_door.Log, peer, reason);

    [LoggerMessage(LogLevel.Information, "{StreamName} is published by {Peer}")]
    private static partial void Publishing(ILogger log, StreamName streamName, string peer);

    [LoggerMessage(LogLevel.Information, "{StreamName} is no longer published by {Peer}: {Reason}")]
    private static partial void PublishEnded(ILogger log, StreamName streamName, string peer, string reason);

    [LoggerMessage(Message = "{StreamName} was refused to publisher {Peer}: {Reason}")]
    private static partial void PublishRefused(
        ILogger log, LogLevel level, string streamName, string peer, string reason);

    [LoggerMessage(LogLevel.Information, "{StreamName} is played by {Peer}")]
    private static partial void Playing(ILogger log, StreamName streamName, string peer);

    [LoggerMessage(LogLevel.Information, "{StreamName} is no longer played by {Peer}: {Reason}")]
    private static partial void PlayEnded(ILogger log, StreamName streamName, string peer, string reason);

    [LoggerMessage(LogLevel.Information, "{StreamName} was refused to player {Peer}: {Reason}")]
    private static partial void PlayRefused(ILogger log, string streamName, string peer, string reason);

    [LoggerMessage(LogLevel.Information, "{Peer} was closed, it does not speak RTMP as we know it: {Fault}")]
    private static partial void ProtocolBroken(ILogger log, string peer, string fault);

    [LoggerMessage(LogLevel.Debug, "{Peer} ended: {Reason}")]
    private static partial void Ended(ILogger log, string peer, string reason);
}
