using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Hls;
using Steadycast.Protocols.Mp4;
using Steadycast.Protocols.MpegTs;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Tests.Viewing;

/// <summary>A live stream without a server: what a perfect origin would answer, and how to spoil it.</summary>
/// <remarks>Segments of 96 AAC frames (2.048 s), twelve listed; number 100 is the last one at time 0.</remarks>
internal sealed class Broadcast
{
    public const int EdgeAtStart = 100;
    public const long Frames = 96;
    public const int Listed = 12;
    public static readonly TimeSpan Duration = TimeSpan.FromTicks(Frames * 1024 * TimeSpan.TicksPerSecond / 48_000);
    public static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly TrackConfig Aac = new(2, Codec.Aac, new byte[] { 0x11, 0x90 });

    /// <summary>MPEG-TS instead of fragmented MP4.</summary>
    public bool IsTransportStream { get; init; }

    /// <summary>Which number is the last one listed at a time.</summary>
    public Func<TimeSpan, long> Edge { get; init; } = EdgeAt;

    /// <summary>Spoils a playlist: what is said at a time.</summary>
    public Func<TimeSpan, MediaPlaylist, MediaPlaylist> Say { get; init; } = (_, playlist) => playlist;

    /// <summary>Spoils what is said of a segment at a time.</summary>
    public Func<TimeSpan, long, MediaSegment, MediaSegment> SayOf { get; init; } = (_, _, segment) => segment;

    /// <summary>Spoils an answer: the path asked for, and which time it was asked for (1: the first).</summary>
    public Func<TimeSpan, string, int, Fetched?> Answer { get; init; } = (_, _, _) => null;

    /// <summary>Spoils media: which number's bytes, at which frame, are sent for a number.</summary>
    public Func<long, (long Msn, long Frame)> Media { get; init; } = msn => (msn, msn * Frames);

    private readonly Dictionary<string, int> _asked = [];

    public static long EdgeAt(TimeSpan now) => EdgeAtStart + (long)(now / Duration);

    public Fetched Get(Uri address, TimeSpan now)
    {
        var name = address.Segments[^1];
        _asked[name] = _asked.GetValueOrDefault(name) + 1;
        if (Answer(now, name, _asked[name]) is { } spoiled)
            return spoiled;
        return new Fetched(200, null, name switch
        {
            "index.m3u8" => Encoding.UTF8.GetBytes(PlaylistWriter.Write(PlaylistAt(now))),
            _ when name.StartsWith("init", StringComparison.Ordinal) => Map(),
            _ => Segment(long.Parse(Path.GetFileNameWithoutExtension(name))),
        });
    }

    private MediaPlaylist PlaylistAt(TimeSpan now)
    {
        var edge = Edge(now);
        var first = edge - Listed + 1;
        return Say(now, new MediaPlaylist
        {
            Version = 7,
            TargetDurationSeconds = 2,
            MediaSequence = first,
            DiscontinuitySequence = 0,
            Segments = [.. Enumerable.Range(0, Listed).Select(i => SayOf(now, first + i, Segment(first + i, now)))],
        });
    }

    private MediaSegment Segment(long msn, TimeSpan now) => new()
    {
        Uri = $"{msn}{(IsTransportStream ? ".ts" : ".m4s")}",
        Duration = TimeSpan.FromMilliseconds(2048),
        ProgramDateTime = Start + (msn - EdgeAtStart - 1) * TimeSpan.FromMilliseconds(2048),
        Map = IsTransportStream ? null : new MediaMap("init-1.mp4"),
    };

    private static byte[] Map()
    {
        var output = new ArrayBufferWriter<byte>();
        InitSegment.Write(output, [Mp4Track.Of(Aac)]);
        return output.WrittenSpan.ToArray();
    }

    private byte[] Segment(long number)
    {
        var (msn, frame) = Media(number);
        var payload = Encoding.ASCII.GetBytes($"frame of segment {msn:D10}");
        var output = new ArrayBufferWriter<byte>();
        if (IsTransportStream)
        {
            var units = Enumerable.Range(0, (int)Frames)
                .Select(i => new TsAccessUnit(2, (frame + i) * 1024 * 90_000 / 48_000, 0, true, payload)).ToList();
            TsSegmentWriter.Write(output, [Aac], msn, (frame + Frames) * 1024 * 90_000 / 48_000, units);
        }
        else
        {
            var samples = Enumerable.Repeat(new FragmentSample(1024, 0, true, payload), (int)Frames).ToImmutableArray();
            MediaFragment.Write(output, (uint)msn, [new FragmentTrack(2, frame * 1024, 1024, samples)]);
        }

        return output.WrittenSpan.ToArray();
    }
}
