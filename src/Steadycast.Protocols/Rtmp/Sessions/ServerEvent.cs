using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

public enum ServerEventKind
{
    /// <summary>Answer with AcceptConnect or RefuseConnect before reading on.</summary>
    ConnectRequested = 1,

    /// <summary>Answer with AcceptPublish or RefusePublish before reading on.</summary>
    PublishRequested,

    /// <summary>Answer with AcceptPlay or RefusePlay before reading on.</summary>
    PlayRequested,

    /// <summary>An audio, video or data message of the accepted publish.</summary>
    Media,

    /// <summary>The publisher ended its stream in an orderly way; it may publish again.</summary>
    PublishStopped,

    /// <summary>The player ended; it may play again.</summary>
    PlayStopped,

    /// <summary>The player wants no media for now; it has been told so.</summary>
    Paused,

    /// <summary>The player wants media again, from the live edge.</summary>
    Resumed,
}

/// <summary>One thing that a client did.</summary>
/// <param name="Connect">With ConnectRequested.</param>
/// <param name="Stream">With PublishRequested and PlayRequested.</param>
/// <param name="Media">With Media; its payload is valid until the session reads on.</param>
public readonly record struct ServerEvent(
    ServerEventKind Kind,
    ConnectRequest? Connect = null,
    StreamRequest? Stream = null,
    MediaMessage Media = default);
