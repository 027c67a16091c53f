namespace Steadycast.Streaming.Hub;

/// <summary>What a second publisher on a live stream meets.</summary>
public enum PublishConflict
{
    /// <summary>NetStream.Publish.BadName, whatever the first one does.</summary>
    Refuse,

    /// <summary>BadName while the first one sends; takes the stream when it has been silent for 5 s.</summary>
    TakeoverWhenSilent,

    /// <summary>The newest publisher wins at once.</summary>
    Takeover,
}
