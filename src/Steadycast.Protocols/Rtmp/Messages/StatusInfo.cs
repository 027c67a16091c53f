using System.Collections.Immutable;
using Steadycast.Protocols.Amf;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>The information object of <c>onStatus</c>, <c>_result</c> and <c>_error</c>.</summary>
/// <param name="Code">One of <see cref="StatusCode"/>, or whatever a server says.</param>
public sealed record StatusInfo(bool IsError, string Code, string Description)
{
    public static StatusInfo Status(string code, string description) => new(false, code, description);

    public static StatusInfo Error(string code, string description) => new(true, code, description);

    /// <summary>Of any value: what is missing reads as empty.</summary>
    public static StatusInfo Of(Amf0Value value) => new(
        value["level"].Text == "error",
        value["code"].Text,
        value["description"].Text);

    /// <summary>The object, with what a server adds behind the three members.</summary>
    public Amf0Value ToValue(params ReadOnlySpan<Amf0Property> more)
    {
        ImmutableArray<Amf0Property> properties =
        [
            new("level", IsError ? "error" : "status"),
            new("code", Code),
            new("description", Description),
            .. more,
        ];
        return Amf0Value.Object(properties);
    }
}

/// <summary>The codes that encoders and players act upon.</summary>
public static class StatusCode
{
    public const string ConnectSuccess = "NetConnection.Connect.Success";
    public const string ConnectRejected = "NetConnection.Connect.Rejected";
    public const string ConnectInvalidApp = "NetConnection.Connect.InvalidApp";
    public const string PublishStart = "NetStream.Publish.Start";
    public const string PublishBadName = "NetStream.Publish.BadName";
    public const string PublishDenied = "NetStream.Publish.Denied";
    public const string PublishRejected = "NetStream.Publish.Rejected";
    public const string UnpublishSuccess = "NetStream.Unpublish.Success";
    public const string PlayReset = "NetStream.Play.Reset";
    public const string PlayStart = "NetStream.Play.Start";
    public const string PlayStop = "NetStream.Play.Stop";
    public const string PlayFailed = "NetStream.Play.Failed";
    public const string PlayStreamNotFound = "NetStream.Play.StreamNotFound";
    public const string PlayUnpublishNotify = "NetStream.Play.UnpublishNotify";
    public const string PlayPublishNotify = "NetStream.Play.PublishNotify";
    public const string PauseNotify = "NetStream.Pause.Notify";
    public const string UnpauseNotify = "NetStream.Unpause.Notify";
    public const string SeekFailed = "NetStream.Seek.Failed";
}
