using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Streaming.Hub;

/// <summary>What the hub must know of a message; read from its first bytes, once.</summary>
/// <param name="Flags">Keyframe, SequenceHeader, Metadata.</param>
/// <param name="HeaderKey">
/// Not 0: the message is kept for those who join, and this says which one it is (sorted: metadata, video, audio).
/// </param>
/// <param name="IsCoded">Coded media, which moves the timeline; not a header, not data.</param>
internal readonly record struct MessageKind(LogMessageFlags Flags, int HeaderKey, bool IsCoded)
{
    private const int MetadataKey = 1;
    private const int VideoKeys = 0x10000;
    private const int AudioKeys = 0x20000;

    // AMF0: a string, its length, its text.
    private static ReadOnlySpan<byte> OnMetaData => "\x02\0\x0aonMetaData"u8;

    public static MessageKind Of(in MediaMessage message)
    {
        ReadOnlySpan<byte> payload = message.Payload.Span;
        return message.Type switch
        {
            RtmpMessageType.Video => OfVideo(payload),
            RtmpMessageType.Audio => OfAudio(payload),
            _ when payload.StartsWith(OnMetaData) => new MessageKind(LogMessageFlags.Metadata, MetadataKey, false),
            _ => default,
        };
    }

    private static MessageKind OfVideo(ReadOnlySpan<byte> payload)
    {
        if (!VideoTagHeader.TryRead(payload, out VideoTagHeader header))
            return new MessageKind(LogMessageFlags.None, 0, IsCoded: true);
        int key = VideoKeys | header.Track << 8 | (byte)header.PacketType;
        if (header.PacketType is VideoPacketType.SequenceStart or VideoPacketType.Mpeg2TsSequenceStart)
            return new MessageKind(LogMessageFlags.SequenceHeader, key, false);
        // Colour information holds until it is said anew, so who joins needs it as well.
        if (header.PacketType == VideoPacketType.Metadata)
            return new MessageKind(LogMessageFlags.None, key, false);
        bool isKeyframe = header is { IsKeyframe: true, IsCodedFrame: true, Track: 0 };
        return new MessageKind(isKeyframe ? LogMessageFlags.Keyframe : LogMessageFlags.None, 0, header.IsCodedFrame);
    }

    private static MessageKind OfAudio(ReadOnlySpan<byte> payload)
    {
        if (!AudioTagHeader.TryRead(payload, out AudioTagHeader header))
            return new MessageKind(LogMessageFlags.None, 0, IsCoded: true);
        int key = AudioKeys | header.Track << 8 | (byte)header.PacketType;
        return header.PacketType switch
        {
            AudioPacketType.SequenceStart => new MessageKind(LogMessageFlags.SequenceHeader, key, false),
            AudioPacketType.MultichannelConfig => new MessageKind(LogMessageFlags.None, key, false),
            _ => new MessageKind(LogMessageFlags.None, 0, header.IsCodedFrame),
        };
    }
}
