using System.Buffers.Binary;
using System.Numerics;
using Steadycast.Protocols.Mp4;

namespace Steadycast.Streaming.Viewing;

/// <summary>When the samples of fragmented MP4 begin and end (ISO/IEC 14496-12, 8.8.7, 8.8.8 and 8.8.12).</summary>
internal static class Fmp4Times
{
    private const uint DurationPresent = 0x000100;

    /// <summary>Less than half of the shortest frame there is: 1024 samples at 48 kHz are 21 ms.</summary>
    private const int ToleranceMs = 10;

    /// <summary>Timescale and default sample duration per track of an initialisation section.</summary>
    public static Dictionary<int, (long Timescale, long Duration)> ReadTracks(ReadOnlySpan<byte> map)
    {
        var tracks = new Dictionary<int, (long Timescale, long Duration)>();
        if (!BoxReader.TryFind(map, "moov", out var movie))
            return tracks;
        for (var boxes = new BoxReader(movie); boxes.TryRead(out var box);)
        {
            // The version decides whether the two times before these fields have 32 or 64 bits.
            if (box.Is("trak"u8) && BoxReader.TryFind(box.Body, "tkhd", out var head) &&
                BoxReader.TryFind(box.Body, "mdia/mdhd", out var media) && head.Length >= 24 && media.Length >= 24)
                tracks[(int)UInt32(head, head[0] == 1 ? 20 : 12)] = (UInt32(media, media[0] == 1 ? 20 : 12), 0);
        }

        if (!BoxReader.TryFind(movie, "mvex", out var extends))
            return tracks;
        for (var boxes = new BoxReader(extends); boxes.TryRead(out var box);)
        {
            if (box.Is("trex"u8) && box.Body.Length >= 16 &&
                tracks.TryGetValue((int)UInt32(box.Body, 4), out var track))
                tracks[(int)UInt32(box.Body, 4)] = (track.Timescale, UInt32(box.Body, 12));
        }

        return tracks;
    }

    /// <summary>One span per track run, in the order of the bytes; false when the segment is damaged.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> segment, Dictionary<int, (long Timescale, long Duration)> tracks, List<TrackSpan> spans)
    {
        var boxes = new BoxReader(segment);
        while (boxes.TryRead(out var box))
        {
            if (!box.Is("moof"u8))
                continue;
            for (var inner = new BoxReader(box.Body); inner.TryRead(out var part);)
            {
                if (part.Is("traf"u8) && !TryReadTrack(part.Body, tracks, spans))
                    return false;
            }
        }

        return boxes.AtEnd && spans.Count > 0;
    }

    private static bool TryReadTrack(
        ReadOnlySpan<byte> traf, Dictionary<int, (long Timescale, long Duration)> tracks, List<TrackSpan> spans)
    {
        if (!BoxReader.TryFind(traf, "tfhd", out var head) || head.Length < 8 ||
            !BoxReader.TryFind(traf, "tfdt", out var time) ||
            time.Length < (time.Length > 0 && time[0] == 1 ? 12 : 8) ||
            !tracks.TryGetValue((int)UInt32(head, 4), out var track) || track.Timescale == 0)
            return false;

        var flags = UInt32(head, 0);
        var at = 8 + ((flags & 1) != 0 ? 8 : 0) + ((flags & 2) != 0 ? 4 : 0);
        var duration = track.Duration;
        if ((flags & 8) != 0)
        {
            if (head.Length < at + 4)
                return false;
            duration = UInt32(head, at);
        }

        var start = time[0] == 1 ? BinaryPrimitives.ReadInt64BigEndian(time[4..]) : UInt32(time, 4);
        var end = start;
        for (var boxes = new BoxReader(traf); boxes.TryRead(out var box);)
        {
            if (!box.Is("trun"u8))
                continue;
            if (!TryAddRun(box.Body, duration, ref end))
                return false;
        }

        var tolerance = track.Timescale * ToleranceMs / 1000;
        spans.Add(new TrackSpan((int)UInt32(head, 4), start, end, track.Timescale, tolerance, 0));
        return true;
    }

    private static bool TryAddRun(ReadOnlySpan<byte> run, long duration, ref long end)
    {
        if (run.Length < 8)
            return false;
        var flags = UInt32(run, 0);
        var samples = UInt32(run, 4);
        if ((flags & DurationPresent) == 0)
        {
            end += duration * samples;
            return true;
        }

        // data_offset and first_sample_flags come before the samples; duration is the first field of each.
        var at = 8 + ((flags & 1) != 0 ? 4 : 0) + ((flags & 4) != 0 ? 4 : 0);
        var size = 4 * BitOperations.PopCount(flags & 0xF00);
        if (run.Length < at + size * (long)samples)
            return false;
        for (var i = 0; i < samples; i++)
            end += UInt32(run, at + i * size);
        return true;
    }

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
}
