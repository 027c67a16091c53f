namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>
/// The chunk streams on which media is sent: one each, so that chunks may interleave, and none that commands use.
/// </summary>
public static class MediaChunkStream
{
    public const int Audio = 4;
    public const int Data = 5;
    public const int Video = 6;

    public static int Of(RtmpMessageType type) => type switch
    {
        RtmpMessageType.Audio => Audio,
        RtmpMessageType.Video => Video,
        _ => Data,
    };
}
