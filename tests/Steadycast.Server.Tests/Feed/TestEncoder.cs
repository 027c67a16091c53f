using Steadycast.Protocols.Rtmp;

namespace Steadycast.Server.Tests.Feed;

/// <summary>
/// One message of a test publisher; <paramref name="AtMs"/> is when it is sent, from the publisher's start.
/// </summary>
internal readonly record struct TestMessage(long AtMs, RtmpMessageType Type, uint Timestamp, byte[] Payload);

/// <summary>
/// An encoder in small: real configuration records, pictures of a few bytes, timestamps as encoders write them.
/// </summary>
internal sealed record TestEncoder
{
    public static readonly byte[] Avc = Convert.FromHexString(
        "0164001effe1001a6764001eacd940b424fd6022000003000200000300643e28532c01000668fba3cb22c0fdf8f800");

    public static readonly byte[] OtherAvc = Convert.FromHexString(
        "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800");

    public static readonly byte[] Hevc =
    [
        .. Convert.FromHexString("0101600000009000000000003cf000fcfdf8f800000f01a100010029"),
        .. Convert.FromHexString("42010101600000030090000003000003003ca00a480b9c9596566924caf01680800001f480003a9804"),
    ];

    public double Seconds { get; init; } = 20;

    public double FramesPerSecond { get; init; } = 25;

    /// <summary>Seconds between keyframes; repeated.</summary>
    public double[] Gops { get; init; } = [2];

    /// <summary>0: no audio.</summary>
    public int SampleRate { get; init; } = 48000;

    public bool HasVideo { get; init; } = true;

    public bool IsHevc { get; init; }

    public byte[] VideoConfig { get; init; } = Avc;

    /// <summary>Pictures between two references; shifts PTS against DTS as x264 does in FLV, DTS first.</summary>
    public int BFrames { get; init; }

    /// <summary>Added to every timestamp, modulo 2^32.</summary>
    public uint Start { get; init; }

    /// <summary>Timestamps are cut to so many bits.</summary>
    public int TimestampBits { get; init; } = 32;

    /// <summary>When the audio starts, in seconds.</summary>
    public double AudioFrom { get; init; }

    /// <summary>Where audio is missing, in seconds.</summary>
    public (double From, double To) AudioHole { get; init; }

    public (double From, double To) VideoHole { get; init; }

    /// <summary>Adds the configuration again before every keyframe.</summary>
    public bool RepeatsConfig { get; init; }

    /// <summary>How far behind its place audio is sent, in ms.</summary>
    public int AudioLateMs { get; init; }

    public int FrameBytes { get; init; } = 12;

    public IReadOnlyList<TestMessage> Messages()
    {
        var messages = new List<(double At, int Order, TestMessage Message)>();
        if (HasVideo)
            Video(messages);
        if (SampleRate > 0)
            Audio(messages);
        return [.. messages.OrderBy(m => m.At).ThenBy(m => m.Order).Select(m => m.Message)];
    }

    public static byte[] AudioConfig(int rate) =>
        [0xAF, 0, .. rate switch { 48000 => new byte[] { 0x11, 0x90 }, 44100 => [0x12, 0x10], _ => [0x13, 0x90] }];

    public byte[] VideoConfigMessage() =>
        IsHevc ? [0x90, .. "hvc1"u8, .. Hevc] : [0x17, 0, 0, 0, 0, .. VideoConfig];

    private void Video(List<(double At, int Order, TestMessage Message)> messages)
    {
        messages.Add((-1, 0, Message(0, RtmpMessageType.Video, VideoConfigMessage())));
        var (gop, nextKey) = (0, 0.0);
        for (var n = 0; n / FramesPerSecond < Seconds; n++)
        {
            var at = n / FramesPerSecond;
            var key = at >= nextKey - 1e-9;
            if (key)
                nextKey += Gops[gop++ % Gops.Length];
            if (at >= VideoHole.From && at < VideoHole.To)
                continue;
            var ms = (long)Math.Round(at * 1000);
            if (key && RepeatsConfig)
                messages.Add((at, 0, Message(ms, RtmpMessageType.Video, VideoConfigMessage())));
            var composition =
                BFrames == 0 ? 0 : (n % (BFrames + 1) == 0 ? BFrames : -1) * (int)(1000 / FramesPerSecond);
            messages.Add((at, 1, Message(ms, RtmpMessageType.Video, Picture(key, composition, n))));
        }
    }

    private void Audio(List<(double At, int Order, TestMessage Message)> messages)
    {
        messages.Add((AudioFrom > 0 ? AudioFrom : -1, 0, Message(0, RtmpMessageType.Audio, AudioConfig(SampleRate))));
        for (long n = 0; n * 1024.0 / SampleRate < Seconds; n++)
        {
            var at = n * 1024.0 / SampleRate;
            if (at < AudioFrom || (at >= AudioHole.From && at < AudioHole.To))
                continue;
            var frame = new byte[FrameBytes];
            BitConverter.TryWriteBytes(frame, n);
            messages.Add((at + (AudioLateMs / 1000.0), 2,
                Message((long)(at * 1000), RtmpMessageType.Audio, [0xAF, 1, .. frame])));
        }
    }

    private TestMessage Message(long ms, RtmpMessageType type, byte[] payload)
    {
        var wire = (uint)(Start + ms);
        return new TestMessage(ms, type, TimestampBits == 32 ? wire : wire & ((1u << TimestampBits) - 1), payload);
    }

    private byte[] Picture(bool key, int compositionMs, int number)
    {
        var nal = new byte[FrameBytes];
        BitConverter.TryWriteBytes(nal.AsSpan(2), number);
        if (IsHevc)
            nal[0] = key ? (byte)(19 << 1) : (byte)(1 << 1);
        else
            nal[0] = key ? (byte)0x65 : (byte)0x41;
        byte[] head = IsHevc ? [(byte)(key ? 0x91 : 0xA1), .. "hvc1"u8] : [(byte)(key ? 0x17 : 0x27), 1];
        return
        [
            .. head, (byte)(compositionMs >> 16), (byte)(compositionMs >> 8), (byte)compositionMs,
            0, 0, 0, (byte)nal.Length, .. nal,
        ];
    }
}
