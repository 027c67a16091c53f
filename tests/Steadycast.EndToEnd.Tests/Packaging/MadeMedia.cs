using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>Six seconds that ffmpeg encodes, as the messages a publisher would send.</summary>
/// <param name="Video">Null: none.</param>
/// <param name="Audio">Null: none.</param>
internal sealed record MadeMedia(string Name, MadeMedia.Encoding? Video, MadeMedia.Encoding? Audio)
{
    private const string Seconds = "6";

    /// <summary>What the tests are about; each is a kind of publisher.</summary>
    public static readonly IReadOnlyList<MadeMedia> All =
    [
        new("h264-bframes-30-aac-44100", Avc("30", "-bf 2 -g 60"), Aac(44100, 2)),
        new("h264-2997-aac-48000", Avc("30000/1001", "-bf 3 -g 60"), Aac(48000, 2)),
        new("h264-baseline-25-mono", Avc("25", "-profile:v baseline -g 50"), Aac(48000, 1)),
        new("h264-irregular-keyframes", Avc("30", "-bf 2 -g 250 -force_key_frames 0,2.1,2.9,5.033"), Aac(44100, 2)),
        new("h264-interlaced", Avc("25", "-g 50 -flags +ildct+ilme -vf crop=720:572", "720x576"), Aac(48000, 2)),
        new("h265-bframes-30-aac-48000", Hevc("30"), Aac(48000, 2)),
        new("h265-2997-aac-44100", Hevc("30000/1001"), Aac(44100, 2)),
        new("h264-only", Avc("30", "-bf 2 -g 60"), null),
        new("aac-only-44100", null, Aac(44100, 2)),
        new("aac-only-five-one", null, Aac(48000, 6)),
    ];

    public async Task<List<MediaMessage>> MakeAsync(string folder, CancellationToken cancellationToken)
    {
        if (Video is not { IsHevc: true } video) return await FlvAsync(folder, Video, cancellationToken);
        var file = Path.Combine(folder, "video.mp4");
        var fragments = "-movflags empty_moov+default_base_moof+frag_every_frame";
        await FfmpegAsync($"{video.Input} {video.Options} {fragments} {file}", cancellationToken);
        var pictures = HevcMessages.Read(await File.ReadAllBytesAsync(file, cancellationToken));
        var sound = await FlvAsync(folder, null, cancellationToken);
        return [.. pictures.Concat(sound).OrderBy(message => message.Timestamp)];
    }

    private async Task<List<MediaMessage>> FlvAsync(string folder, Encoding? video, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, "media.flv");
        await FfmpegAsync(
            $"{video?.Input} {Audio?.Input} {video?.Options} {Audio?.Options} -f flv {file}", cancellationToken);
        ReadOnlyMemory<byte> rest = await File.ReadAllBytesAsync(file, cancellationToken);
        var reader = new FlvReader();
        var messages = new List<MediaMessage>();
        while (reader.TryRead(ref rest, out var message)) messages.Add(message);
        Assert.True(rest.IsEmpty);
        return messages;
    }

    private static async Task FfmpegAsync(string arguments, CancellationToken cancellationToken)
    {
        var list = $"-v error -y {arguments}".Split(' ', StringSplitOptions.RemoveEmptyEntries);
        await ForeignProgram.RunAsync("ffmpeg", list, cancellationToken);
    }

    private static Encoding Avc(string rate, string options, string size = "322x182") =>
        new(Picture(rate, size), $"-pix_fmt yuv420p -c:v libx264 {options}");

    private static Encoding Hevc(string rate) => new(
        Picture(rate, "322x182"),
        "-pix_fmt yuv420p -c:v libx265 -tag:v hvc1 -preset ultrafast " +
        "-x265-params log-level=none:bframes=3:open-gop=0:keyint=60:min-keyint=60");

    private static Encoding Aac(int rate, int channels) =>
        new($"-f lavfi -i sine=frequency=1000:sample_rate={rate}:duration={Seconds}", $"-c:a aac -ac {channels}");

    private static string Picture(string rate, string size) =>
        $"-f lavfi -i testsrc2=size={size}:rate={rate}:duration={Seconds}";

    /// <summary>Arguments of ffmpeg: all inputs come before all encoders.</summary>
    internal sealed record Encoding(string Input, string Options)
    {
        public bool IsHevc => Options.Contains("libx265");
    }
}
