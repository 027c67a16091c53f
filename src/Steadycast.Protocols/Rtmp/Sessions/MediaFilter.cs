using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Sessions;

/// <summary>Turns messages into media as FLV tags carry it: data without its envelope.</summary>
internal static class MediaFilter
{
    // A publisher asks the server with these to keep or to drop the metadata for players; they are not media.
    private static ReadOnlySpan<byte> SetDataFrame => "\x02\0\x0d@setDataFrame"u8;

    private static ReadOnlySpan<byte> ClearDataFrame => "\x02\0\x0f@clearDataFrame"u8;

    /// <summary>False for what is not audio, video or data.</summary>
    public static bool TryTake(in RtmpMessage message, out MediaMessage media)
    {
        ReadOnlyMemory<byte> payload = message.Payload;
        media = default;
        switch (message.Type)
        {
            case RtmpMessageType.Audio or RtmpMessageType.Video:
                media = new MediaMessage(message.Type, message.Timestamp, payload);
                return true;
            case RtmpMessageType.DataAmf3 when !payload.IsEmpty && payload.Span[0] == 0:
                payload = payload[1..];
                break;
            case RtmpMessageType.DataAmf0:
                break;
            default:
                return false;
        }

        if (payload.Span.StartsWith(ClearDataFrame))
            return false;
        if (payload.Span.StartsWith(SetDataFrame))
            payload = payload[SetDataFrame.Length..];
        media = new MediaMessage(RtmpMessageType.DataAmf0, message.Timestamp, payload);
        return true;
    }
}
