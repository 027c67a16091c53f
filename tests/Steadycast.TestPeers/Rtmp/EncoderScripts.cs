using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.TestPeers.Rtmp;

/// <summary>
/// What well-known clients send, in their order and with their header forms, up to a few media messages. Each is
/// written so that it can be sent at once, without waiting for the server's answers.
/// </summary>
public static class EncoderScripts
{
    /// <summary>An AVC sequence header and an AAC one, enough for a session; not meant to be decoded.</summary>
    public static readonly byte[] VideoHeader = [0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1F, 0xFF];

    public static readonly byte[] AudioHeader = [0xAF, 0, 0x12, 0x10];

    /// <summary>A picture of any length: coded frames, keyframe or not, bytes that tell their place.</summary>
    public static byte[] Picture(bool keyframe, int length)
    {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++)
            payload[i] = (byte)(i * 7 + length);
        payload[0] = (byte)(keyframe ? 0x17 : 0x27);
        payload[1] = 1;
        payload[2] = payload[3] = payload[4] = 0;
        return payload;
    }

    public static byte[] Sound(int length)
    {
        byte[] payload = new byte[length];
        payload.AsSpan().Fill(0x55);
        payload[0] = 0xAF;
        payload[1] = 1;
        return payload;
    }

    /// <summary>
    /// OBS 30 (its librtmp): chunk size 4096 before connect; everything of the stream on chunk stream 4; type 0 headers
    /// for time 0 and metadata, type 1 otherwise, type 2 for equal lengths; FCUnpublish and deleteStream at the end.
    /// </summary>
    public static RtmpScript Obs(string app, string name) => ObsOnAir(app, name)
        .Message(3, RtmpMessageType.CommandAmf0, 0,
            RtmpScript.CommandBytes("FCUnpublish", 6, Amf0Value.Null, name), format: 1)
        .Message(3, RtmpMessageType.CommandAmf0, 0,
            RtmpScript.CommandBytes("deleteStream", 7, Amf0Value.Null, 1.0), format: 1);

    /// <summary>The same up to its seventh media message, metadata included.</summary>
    public static RtmpScript ObsOnAir(string app, string name)
    {
        var connect = Amf0Value.Object(
            new("app", app),
            new("type", "nonprivate"),
            new("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)"),
            new("swfUrl", $"rtmp://127.0.0.1/{app}"),
            new("tcUrl", $"rtmp://127.0.0.1/{app}"),
            new("fourCcList", Amf0Value.StrictArray("av01", "hvc1")));
        return new RtmpScript().Handshake()
            .SetChunkSize(4096)
            .Command(3, 0, "connect", 1, connect)
            .Message(3, RtmpMessageType.CommandAmf0, 0,
                RtmpScript.CommandBytes("releaseStream", 2, Amf0Value.Null, name), format: 1)
            .Message(3, RtmpMessageType.CommandAmf0, 0,
                RtmpScript.CommandBytes("FCPublish", 3, Amf0Value.Null, name), format: 1)
            .Message(3, RtmpMessageType.CommandAmf0, 0,
                RtmpScript.CommandBytes("createStream", 4, Amf0Value.Null), format: 1)
            .Command(4, 1, "publish", 5, Amf0Value.Null, name, "live")
            .Message(4, RtmpMessageType.DataAmf0, 0, RtmpScript.MetadataBytes(Metadata), 1)
            .Message(4, RtmpMessageType.Audio, 0, AudioHeader, 1)
            .Message(4, RtmpMessageType.Video, 0, VideoHeader, 1)
            .Message(4, RtmpMessageType.Video, 0, Picture(true, 9000), 1)
            .Message(4, RtmpMessageType.Audio, 21, Sound(180), 1, format: 1)
            .Message(4, RtmpMessageType.Video, 12, Picture(false, 600), 1, format: 1)
            .Message(4, RtmpMessageType.Video, 33, Picture(false, 600), 1, format: 2);
    }

    /// <summary>
    /// A hardware encoder that speaks AMF 3's envelopes and 128-byte chunks, without releaseStream and without a
    /// transaction where it wants no answer.
    /// </summary>
    public static RtmpScript Amf3Encoder(string app, string name)
    {
        var connect = Amf0Value.Object(
            new("app", app), new("tcUrl", $"rtmp://127.0.0.1/{app}"), new("objectEncoding", 3.0));
        return new RtmpScript().Handshake()
            .Control(RtmpMessageType.WindowAcknowledgementSize, 20_000)
            .Command(3, 0, "connect", 1, connect)
            .CommandAmf3(3, 0, "createStream", 2, Amf0Value.Null)
            .CommandAmf3(8, 1, "publish", 0, Amf0Value.Null, name, "live")
            .Message(8, RtmpMessageType.DataAmf3, 0, [0, .. RtmpScript.MetadataBytes(Metadata)], 1)
            .Message(70, RtmpMessageType.Video, 0, VideoHeader, 1)
            .Message(70, RtmpMessageType.Video, 40, Picture(true, 5000), 1, format: 1)
            .Message(400, RtmpMessageType.Audio, 40, AudioHeader, 1);
    }

    /// <summary>librtmp as a player (rtmpdump, VLC): window size and buffer length before createStream.</summary>
    public static RtmpScript LibrtmpPlayer(string app, string name)
    {
        var connect = Amf0Value.Object(
            new("app", app), new("flashVer", "LNX 10,0,32,18"), new("tcUrl", $"rtmp://127.0.0.1/{app}"));
        return new RtmpScript().Handshake()
            .Command(3, 0, "connect", 1, connect)
            .Control(RtmpMessageType.WindowAcknowledgementSize, 2_500_000)
            .Message(2, RtmpMessageType.UserControl, 0, [0, 3, 0, 0, 0, 0, 0, 0, 1, 0x2C])
            .Command(3, 0, "createStream", 2, Amf0Value.Null)
            .Command(3, 0, "FCSubscribe", 3, Amf0Value.Null, name)
            .Command(8, 1, "play", 4, Amf0Value.Null, name, -1000.0)
            .Message(2, RtmpMessageType.UserControl, 0, [0, 3, 0, 0, 0, 1, 0, 0, 0x75, 0x30]);
    }

    private static Amf0Value Metadata => Amf0Value.EcmaArray(
        new("width", 1280.0), new("height", 720.0), new("encoder", "test"), new("stereo", true));
}
