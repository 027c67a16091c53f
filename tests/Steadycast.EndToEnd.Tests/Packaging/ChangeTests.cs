using System.Buffers.Binary;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;
using Steadycast.Streaming.Segments;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>
/// A publisher changes its picture's size or its codecs in mid-stream: one discontinuity, another initialisation
/// section, the same target duration, and ffmpeg decodes both sides of it.
/// </summary>
public sealed class ChangeTests : IDisposable
{
    private const uint ChangeMs = 6000;

    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-change").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool, Container> Cases => new()
    {
        { "h264", true, Container.Fmp4 },
        { "h264", false, Container.Fmp4 },
        { "h264", false, Container.Ts },
        { "h265", true, Container.Ts },
        { "h265", false, Container.Fmp4 },
        { "h264-to-other", true, Container.Ts },
        { "h264-to-av1", true, Container.Fmp4 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Both_sides_play_and_one_discontinuity_stands_between(
        string name, bool announced, Container container)
    {
        var (before, after) = MadeMedia.Changes.Single(change => change.Before.Name == name);
        var first = await before.MakeAsync(_folder, Cancel);
        var then = await after.MakeAsync(_folder, Cancel);
        var messages = first.Where(message => message.Timestamp < ChangeMs)
            .Concat((announced ? then : InBand(then)).Select(Later))
            .ToList();
        var records = Stamping.Stamp(messages, 0);
        var segments = Package(records, container);

        Assert.Single(segments, segment => segment.Record.Discontinuity);
        var at = segments.FindIndex(segment => segment.Record.Discontinuity);
        Assert.Equal(ChangeMs * 90, segments[at].Record.Time);
        Assert.Single(segments.Select(segment => segment.TargetDurationSeconds).Distinct());
        var maps = segments.Select(segment => segment.Map?.Uri).Distinct();
        Assert.Equal(container == Container.Ts ? 1 : 2, maps.Count());
        StreamIndex? index = null;
        foreach (var segment in segments) index = segment.AppendTo(index, TimeSpan.FromMinutes(1));
        Assert.Null(StreamIndexRules.FindFault(index));

        var sizes = new HashSet<string>();
        foreach (var segment in segments)
        {
            var file = Path.Combine(_folder, segment.Record.Uri);
            await File.WriteAllBytesAsync(file, [.. segment.MapBytes.Span, .. segment.Bytes.Span], Cancel);
            sizes.Add(await JudgeAsync(file, VideoUnits(records, segment.Record.Msn)));
        }

        Assert.Equal(name is "h264" or "h265" ? 2 : 1, sizes.Count);
    }

    /// <summary>ffmpeg has nothing to say and every picture comes out; returns their size.</summary>
    private static async Task<string> JudgeAsync(string file, int pictures)
    {
        var decoded = await ForeignProgram.RunAsync(
            "ffmpeg", ["-v", "warning", "-i", file, "-f", "null", "-"], Cancel);
        Assert.Equal("", decoded.Error);
        var (output, error) = await ForeignProgram.RunAsync("ffprobe",
        [
            "-v", "warning", "-select_streams", "v", "-count_frames", "-show_entries",
            "stream=width,height,nb_read_frames", "-of", "csv=p=0", file,
        ], Cancel);
        Assert.Equal("", error);
        var fields = output.Split('\n')[0].TrimEnd(',').Split(',');
        Assert.Equal(pictures, int.Parse(fields[2], System.Globalization.CultureInfo.InvariantCulture));
        return $"{fields[0]}x{fields[1]}";
    }

    private static int VideoUnits(List<FeedRecord> records, long msn) => records
        .SkipWhile(record => record.Begin?.Msn != msn)
        .Skip(1)
        .TakeWhile(record => record.Kind == FeedRecordKind.AccessUnit)
        .Count(record => record.AccessUnit.TrackId == 1);

    private static List<PackagedSegment> Package(List<FeedRecord> records, Container container)
    {
        using var packager = new HlsPackager(container);
        var segments = new List<PackagedSegment>();
        foreach (var record in records)
        {
            packager.Add(record, out var segment);
            if (segment is not null) segments.Add(segment);
        }

        return segments;
    }

    private static MediaMessage Later(MediaMessage message) =>
        message with { Timestamp = message.Timestamp + ChangeMs };

    /// <summary>Nothing is announced: the parameter sets stand before each keyframe, as a camera sends them.</summary>
    private static IEnumerable<MediaMessage> InBand(List<MediaMessage> messages)
    {
        byte[] sets = [];
        foreach (var message in messages)
        {
            if (message.Type != RtmpMessageType.Video || !VideoTagHeader.TryRead(message.Payload.Span, out var header))
            {
                yield return message;
                continue;
            }

            var body = message.Payload[header.HeaderLength..];
            if (header.IsSequenceHeader)
                sets = SetsOf(header.Codec!.Value, body);
            else if (header is { IsKeyframe: true, IsCodedFrame: true })
                yield return message with
                {
                    Payload = (byte[])[.. message.Payload.Span[..header.HeaderLength], .. sets, .. body.Span],
                };
            else
                yield return message;
        }
    }

    private static byte[] SetsOf(Codec codec, ReadOnlyMemory<byte> record)
    {
        var avc = codec == Codec.H264 ? H264Config.Parse(record) : null;
        var hevc = codec == Codec.H265 ? H265Config.Parse(record) : null;
        IEnumerable<ReadOnlyMemory<byte>> sets = avc is not null
            ? [.. avc.SequenceParameterSets, .. avc.PictureParameterSets]
            : [.. hevc!.VideoParameterSets, .. hevc.SequenceParameterSets, .. hevc.PictureParameterSets];
        var output = new List<byte>();
        foreach (var set in sets)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, set.Length);
            output.AddRange([.. length, .. set.Span]);
        }

        return [.. output];
    }
}
