using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Packaging;
using Steadycast.TestPeers;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>Six seconds that ffmpeg encodes, as the messages a publisher would send.</summary>
/// <param name="Video">Null: none.</param>
/// <param name="Audio">Null: none.</param>
internal sealed record MadeMedia(string Name, MadeMedia.Encoding? Video, MadeMedia.Encoding? Audio)
{
    private const int UsualSeconds = 6;
    private const string SecondsMark = "SECONDS";

    /// <summary>What the tests are about; each is a kind of publisher.</summary>
    public static readonly IReadOnlyList<MadeMedia> All =
    [
        new("h264-bframes-30-aac-44100", Avc("30", "-bf 2 -g 60"), Aac(44100, 2)),
        new("h264-2997-aac-48000", Avc("30000/1001", "-bf 3 -g 60"), Aac(48000, 2)) { HasWallClock = true },
        new("h264-baseline-25-mono", Avc("25", "-profile:v baseline -g 50"), Aac(48000, 1)),
        new("h264-irregular-keyframes", Avc("30", "-bf 2 -g 250 -force_key_frames 0,2.1,2.9,5.033"), Aac(44100, 2)),
        new("h264-interlaced", Avc("25", "-g 50 -flags +ildct+ilme -vf crop=720:572", "720x576"), Aac(48000, 2)),
        new("h265-bframes-30-aac-48000", Hevc("30"), Aac(48000, 2)),
        new("h265-2997-aac-44100", Hevc("30000/1001"), Aac(44100, 2)) { HasWallClock = true },
        new("h264-only", Avc("30", "-bf 2 -g 60"), null),
        new("aac-only-44100", null, Aac(44100, 2)),
        new("aac-only-five-one", null, Aac(48000, 6)),
        new("h264-mp3-44100", Avc("30", "-bf 2 -g 60"), Mp3(44100, 2)),
        new("h264-mp3-48000-fourcc", Avc("25", "-g 50"), Mp3(48000, 2)) { IsFourCc = true },
        new("mp3-only-22050-mono", null, Mp3(22050, 1)),
        new("h264-he-aac", Avc("25", "-g 50"), HeAac("fdk-aac-he-48000", "2b118800")),
        new("he-aac-backward-compatible", null, HeAac("fdk-aac-he-48000", "131056e598")),
        new("he-aac-implicit", null, HeAac("fdk-aac-he-48000", "1310")),
        new("h264-he-aac-v2", Avc("25", "-g 50"), HeAac("fdk-aac-he-v2-44100", "eb8a0800")),
        new("he-aac-v2-backward-compatible", null, HeAac("fdk-aac-he-v2-44100", "138856e5a54880")),
        new("he-aac-v2-implicit", null, HeAac("fdk-aac-he-v2-44100", "1388")),
    ];

    /// <summary>What MPEG-TS does not carry.</summary>
    public static readonly IReadOnlyList<MadeMedia> OnlyFmp4 =
    [
        new("av1-opus", Av1("30"), Opus(20)),
        new("av1-2997-aac", Av1("30000/1001"), Aac(48000, 2)) { HasWallClock = true },
        new("av1-ten-bits-aom-opus-five-one", Aom("25"), Opus(20, "-ac 6 -mapping_family 1")),
        new("h264-opus-60ms", Avc("30", "-bf 2 -g 60"), Opus(60)),
        new("opus-only-5ms", null, Opus(5)),
    ];

    /// <summary>What Chromium is asked to play, in the container that it plays it from.</summary>
    public static readonly IReadOnlyList<(MadeMedia Media, Container Container)> ForChromium =
    [
        (new("av1-opus", Av1("30"), Opus(20)), Container.Fmp4),
        (new("h264-mp3", Avc("30", "-bf 2 -g 60"), Mp3(48000, 2)), Container.Ts),
    ];

    /// <summary>The second takes over from the first in mid-stream.</summary>
    public static readonly IReadOnlyList<(MadeMedia Before, MadeMedia After)> Changes =
    [
        (new("h264", Avc("30", "-bf 2 -g 60"), Aac(48000, 2)),
            new("h264-other-size", Avc("30", "-bf 2 -g 60", "480x270"), Aac(48000, 2))),
        (new("h265", Hevc("30"), Aac(44100, 2)), new("h265-other-size", Hevc("30", "480x270"), Aac(44100, 2))),
        (new("h264-to-other", Avc("30", "-bf 2 -g 60"), Aac(48000, 2)), new("h265-now", Hevc("30"), Aac(44100, 1))),
        (new("h264-to-av1", Avc("30", "-bf 2 -g 60"), Aac(48000, 2)), new("av1-opus-now", Av1("30"), Opus(20))),
    ];

    /// <summary>MP3 under Enhanced RTMP's code instead of FLV's number.</summary>
    public bool IsFourCc { get; init; }

    /// <summary>Keyframes say when they were made, the first at <see cref="FirstUtcMs"/>.</summary>
    public bool HasWallClock { get; init; }

    public const long FirstUtcMs = Stamping.StartUtcMs - 1500;

    public int Seconds { get; init; } = UsualSeconds;

    public async Task<List<MediaMessage>> MakeAsync(string folder, CancellationToken cancellationToken)
    {
        var inFlv = await FlvAsync(folder, Video is { IsInFlv: true } ? Video : null,
            Audio is { IsInFlv: true } ? Audio : null, cancellationToken);
        var others = new List<MediaMessage>(inFlv.Select(message => IsFourCc ? WithFourCc(message) : message));
        foreach (var encoding in new[] { Video, Audio })
        {
            if (encoding is { IsInMp4: true })
                others.AddRange(await Mp4Async(folder, encoding, cancellationToken));
            else if (encoding?.Recording is { } recording)
                others.AddRange(ReadRecording(recording, encoding.Options));
        }

        return [.. others.OrderBy(message => message.Timestamp).Select(Clocked)];
    }

    private MediaMessage Clocked(MediaMessage message)
    {
        if (!HasWallClock || message.Type != RtmpMessageType.Video
            || !VideoTagHeader.TryRead(message.Payload.Span, out var header)
            || header is not { IsKeyframe: true, IsCodedFrame: true })
            return message;
        var head = message.Payload.Span[..header.HeaderLength];
        var picture = message.Payload.Span[header.HeaderLength..];
        var time = BroadcastMetrics.Text(FirstUtcMs + message.Timestamp);
        return message with { Payload = (byte[])[.. head, .. BroadcastMetrics.In(picture, Video!.Codec, time)] };
    }

    private async Task<List<MediaMessage>> Mp4Async(
        string folder, Encoding encoding, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, $"{encoding.Codec}.mp4");
        const string Fragments = "-movflags empty_moov+default_base_moof+frag_every_frame";
        await FfmpegAsync($"{encoding.Input} {encoding.Options} {Fragments} {file}", cancellationToken);
        return Mp4Messages.Read(await File.ReadAllBytesAsync(file, cancellationToken), encoding.Codec);
    }

    private async Task<List<MediaMessage>> FlvAsync(
        string folder, Encoding? video, Encoding? audio, CancellationToken cancellationToken)
    {
        if (video is null && audio is null) return [];
        var file = Path.Combine(folder, "media.flv");
        await FfmpegAsync(
            $"{video?.Input} {audio?.Input} {video?.Options} {audio?.Options} -f flv {file}", cancellationToken);
        return ReadFlv(await File.ReadAllBytesAsync(file, cancellationToken));
    }

    private static List<MediaMessage> ReadFlv(ReadOnlyMemory<byte> rest)
    {
        var reader = new FlvReader();
        var messages = new List<MediaMessage>();
        while (reader.TryRead(ref rest, out var message)) messages.Add(message);
        Assert.True(rest.IsEmpty);
        return messages;
    }

    /// <summary>With another form of the same configuration.</summary>
    private static IEnumerable<MediaMessage> ReadRecording(string name, string audioSpecificConfig)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Corpora", "he-aac", name + ".flv");
        foreach (var message in ReadFlv(File.ReadAllBytes(file)))
        {
            if (message.Type != RtmpMessageType.Audio) continue;
            yield return message.Payload.Span[1] != 0
                ? message
                : message with { Payload = (byte[])[0xAF, 0, .. Convert.FromHexString(audioSpecificConfig)] };
        }
    }

    private static MediaMessage WithFourCc(in MediaMessage message) => message.Type != RtmpMessageType.Audio
        ? message
        : message with { Payload = (byte[])[0x91, .. ".mp3"u8, .. message.Payload.Span[1..]] };

    private async Task FfmpegAsync(string arguments, CancellationToken cancellationToken)
    {
        arguments = arguments.Replace(SecondsMark, $"{Seconds}", StringComparison.Ordinal);
        var list = $"-v error -y {arguments}".Split(' ', StringSplitOptions.RemoveEmptyEntries);
        await ForeignProgram.RunAsync("ffmpeg", list, cancellationToken);
    }

    private static Encoding Avc(string rate, string options, string size = "322x182") =>
        new(Picture(rate, size), $"-pix_fmt yuv420p -c:v libx264 {options}", Codec.H264);

    private static Encoding Hevc(string rate, string size = "322x182") => new(
        Picture(rate, size),
        "-pix_fmt yuv420p -c:v libx265 -tag:v hvc1 -preset ultrafast " +
        "-x265-params log-level=none:bframes=3:open-gop=0:keyint=60:min-keyint=60",
        Codec.H265);

    private static Encoding Av1(string rate) => new(
        Picture(rate, "322x182"), "-pix_fmt yuv420p -c:v libsvtav1 -preset 12 -g 60", Codec.Av1);

    private static Encoding Aom(string rate) => new(
        Picture(rate, "322x182"), "-pix_fmt yuv420p10le -c:v libaom-av1 -usage realtime -cpu-used 8 -g 50", Codec.Av1);

    private static Encoding Opus(int frameMilliseconds, string channels = "-ac 2") =>
        new(Tone(48000), $"-c:a libopus -frame_duration {frameMilliseconds} {channels}", Codec.Opus);

    private static Encoding Mp3(int rate, int channels) =>
        new(Tone(rate), $"-c:a libmp3lame -ac {channels}", Codec.Mp3);

    private static Encoding HeAac(string recording, string audioSpecificConfig) =>
        new("", audioSpecificConfig, Codec.Aac) { Recording = recording };

    private static Encoding Aac(int rate, int channels) =>
        new(Tone(rate), $"-c:a aac -ac {channels}", Codec.Aac);

    private static string Tone(int rate) =>
        $"-f lavfi -i sine=frequency=1000:sample_rate={rate}:duration={SecondsMark}";

    private static string Picture(string rate, string size) =>
        $"-f lavfi -i testsrc2=size={size}:rate={rate}:duration={SecondsMark}";

    /// <summary>Arguments of ffmpeg: all inputs come before all encoders.</summary>
    internal sealed record Encoding(string Input, string Options, Codec Codec)
    {
        /// <summary>Instead of an encoder: a file of Corpora; the options are then its configuration.</summary>
        public string? Recording { get; init; }

        /// <summary>What ffmpeg 5.1 cannot put into FLV is taken out of MP4.</summary>
        public bool IsInMp4 => Codec is Codec.H265 or Codec.Av1 or Codec.Opus;

        public bool IsInFlv => Recording is null && !IsInMp4;
    }
}
