using System.Buffers;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Compare;

/// <summary>A stream of 3.03 Mbit/s: 30 pictures a second, a keyframe every 2 s, 43 audio frames a second.</summary>
internal static class Picture
{
    public const int GroupMs = 2000;
    private const int KeyframeBytes = 60_000;
    private const int PictureBytes = 10_950;
    private const int AudioBytes = 372;
    private const double PictureMs = 1000.0 / 30;
    private const double AudioMs = 1024 * 1000.0 / 44_100;

    private static readonly byte[] AvcConfiguration =
    [
        0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 0x1A, 0x67, 0x64, 0, 0x1F, 0xAC, 0xD9, 0x40, 0x50, 0x05,
        0xBB, 0x01, 0x10, 0, 0, 3, 0, 0x10, 0, 0, 3, 3, 0xC0, 0xF1, 0x83, 0x19, 0x60, 1, 0, 6, 0x68, 0xEB, 0xE3,
        0xCB, 0x22, 0xC0,
    ];

    /// <summary>What a publisher sends before media.</summary>
    public static IReadOnlyList<MediaMessage> Headers { get; } =
    [
        new(RtmpMessageType.Video, 0, AvcConfiguration),
        new(RtmpMessageType.Audio, 0, new byte[] { 0xAF, 0, 0x12, 0x10 }),
    ];

    /// <summary>One group of pictures with its audio, in order, timestamps from 0; repeated for ever.</summary>
    public static IReadOnlyList<MediaMessage> Group { get; } = MakeGroup();

    public static double BytesPerSecond { get; } = Group.Sum(m => m.Payload.Length) * 1000.0 / GroupMs;

    /// <summary>The headers and one group as an FLV file, which <c>steadycast publish --loop</c> repeats.</summary>
    public static byte[] Flv()
    {
        var output = new ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(output, hasAudio: true, hasVideo: true);
        foreach (MediaMessage message in Headers.Concat(Group))
            FlvWriter.WriteTag(output, message);
        return output.WrittenSpan.ToArray();
    }

    private static List<MediaMessage> MakeGroup()
    {
        var random = new Random(1);
        var messages = new List<MediaMessage>();
        for (int i = 0; i * PictureMs < GroupMs; i++)
        {
            byte[] payload = i == 0
                ? Make(random, KeyframeBytes, [0x17, 1, 0, 0, 0])
                : Make(random, PictureBytes, [0x27, 1, 0, 0, 0]);
            messages.Add(new MediaMessage(RtmpMessageType.Video, (uint)(i * PictureMs), payload));
        }

        for (int i = 0; i * AudioMs < GroupMs; i++)
            messages.Add(new MediaMessage(
                RtmpMessageType.Audio, (uint)(i * AudioMs), Make(random, AudioBytes, [0xAF, 1])));
        return [.. messages.OrderBy(m => m.Timestamp)];
    }

    private static byte[] Make(Random random, int size, byte[] head)
    {
        byte[] payload = new byte[size];
        random.NextBytes(payload);
        head.CopyTo(payload, 0);
        if (head.Length == 5)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(5), size - 9);
            // The type of the one NAL unit: a packager asks it, not the tag, what a keyframe is.
            payload[9] = (byte)(head[0] == 0x17 ? 0x65 : 0x41);
        }

        return payload;
    }
}
