using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.MpegTs;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.EndToEnd.Tests.MpegTs;

/// <summary>An FLV file as tracks and access units, cut into segments at keyframes (audio alone: every two seconds).</summary>
internal sealed class FlvUnits
{
    private const int TicksPerMs = 90;
    private const long AudioSegment = 180_000;

    private readonly List<TsAccessUnit> _units = [];
    private int _audioFrames;

    private FlvUnits()
    {
    }

    public List<TrackConfig> Tracks { get; } = [];

    public static FlvUnits Read(byte[] file, long start)
    {
        var flv = new FlvUnits();
        var reader = new FlvReader();
        ReadOnlyMemory<byte> input = file;
        while (reader.TryRead(ref input, out var message))
        {
            var time = start + message.Timestamp * TicksPerMs;
            if (message.Type == RtmpMessageType.Video && VideoTagHeader.TryRead(message.Payload.Span, out var video))
                flv.AddVideo(video, message.Payload[video.HeaderLength..], time);
            else if (message.Type == RtmpMessageType.Audio && AudioTagHeader.TryRead(message.Payload.Span, out var audio))
                flv.AddAudio(audio, message.Payload[audio.HeaderLength..], start);
        }

        flv.Tracks.Sort((a, b) => a.TrackId.CompareTo(b.TrackId));
        return flv;
    }

    /// <summary>Each written by itself, as two packagers take turns writing them.</summary>
    public byte[] JoinedSegments(long firstMsn)
    {
        var units = _units.OrderBy(u => u.Dts).ToList();
        var cuts = Cuts(units);
        var joined = new MemoryStream();
        for (var i = 0; i < cuts.Count; i++)
        {
            var begin = cuts[i];
            var end = i + 1 < cuts.Count ? cuts[i + 1] : long.MaxValue;
            var segment = units.Where(u => u.Dts >= begin && u.Dts < end).ToList();
            var output = new System.Buffers.ArrayBufferWriter<byte>();
            TsSegmentWriter.Write(output, Tracks, firstMsn + i, Math.Min(end, segment[^1].Dts + 1), segment);
            joined.Write(output.WrittenSpan);
        }

        return joined.ToArray();
    }

    private List<long> Cuts(List<TsAccessUnit> units)
    {
        // Sound before the first picture belongs to the first segment.
        var cuts = new List<long> { units[0].Dts };
        var later = Tracks[0].IsVideo
            ? units.Where(u => u.TrackId == 1 && u.IsKeyframe).Skip(1)
            : units.Where((u, i) => i > 0 && u.Dts / AudioSegment > units[i - 1].Dts / AudioSegment);
        cuts.AddRange(later.Select(u => u.Dts));
        return cuts;
    }

    private void AddVideo(in VideoTagHeader header, ReadOnlyMemory<byte> body, long time)
    {
        if (header.IsSequenceHeader)
            Tracks.Add(new TrackConfig(1, header.Codec!.Value, body));
        else if (header.IsCodedFrame)
            _units.Add(new TsAccessUnit(1, time, header.CompositionTimeMs * TicksPerMs, header.IsKeyframe, body));
    }

    /// <summary>On the grid of its samples, as the ingest puts it: RTMP's milliseconds would make it stumble.</summary>
    private void AddAudio(in AudioTagHeader header, ReadOnlyMemory<byte> body, long start)
    {
        if (header.IsSequenceHeader)
        {
            Tracks.Add(new TrackConfig(2, header.Codec!.Value, body));
            return;
        }

        var rate = TrackDescription.Of(Tracks.First(t => t.TrackId == 2)).SampleRate;
        _units.Add(new TsAccessUnit(2, start + _audioFrames++ * 1024L * 90_000 / rate, 0, true, body));
    }
}
