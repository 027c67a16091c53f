using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>
/// Stamps a whole recording: cuts at the first keyframe after two seconds, audio without video at two seconds.
/// </summary>
internal static class PlainStamper
{
    private const long FirstMsn = 59_000_000;
    private const long SegmentTicks = 2 * 90_000;
    private const long Slack = 9_000;

    public static List<FeedRecord> Stamp(IReadOnlyList<MediaMessage> messages, long origin)
    {
        var tracks = new SortedDictionary<byte, TrackConfig>();
        var units = Read(messages, tracks, origin);
        var descriptions = tracks.Values.ToDictionary(track => track.TrackId, TrackDescription.Of);
        var hasVideo = tracks.Values.Any(track => track.IsVideo);
        units = Smooth(units, descriptions);
        var start = units.First(unit => unit.IsKeyframe && (unit.TrackId == 1 || !hasVideo)).Dts;
        units.RemoveAll(unit => unit.Dts < start);

        var epoch = new StreamEpoch("live/show", 1, Guid.Empty, 1_900_000_000_000, 4);
        var records = new List<FeedRecord>();
        using var hash = new FeedHash();
        SegmentBegin? begin = null;
        var count = 0;
        foreach (var unit in units)
        {
            var canCut = unit.IsKeyframe && (unit.TrackId == 1 || !hasVideo);
            if (begin is null || (canCut && unit.Dts - begin.Time >= SegmentTicks - Slack))
            {
                if (begin is not null) records.Add(End(begin, unit.Dts, count, hash));
                var msn = begin is null ? FirstMsn : begin.Msn + 1;
                begin = new SegmentBegin(epoch, msn, unit.Dts, false, 0, true, true, [.. tracks.Values]);
                records.Add(new FeedRecord(begin));
                hash.Begin(begin);
                count = 0;
            }

            records.Add(new FeedRecord(unit));
            hash.Append(unit);
            count++;
        }

        records.Add(End(begin!, units[^1].Dts + 3000, count, hash));
        return records;
    }

    private static List<AccessUnit> Read(
        IReadOnlyList<MediaMessage> messages, SortedDictionary<byte, TrackConfig> tracks, long origin)
    {
        var units = new List<AccessUnit>();
        foreach (var message in messages)
        {
            var payload = message.Payload;
            var dts = origin + (message.Timestamp * 90L);
            if (message.Type == RtmpMessageType.Video && VideoTagHeader.TryRead(payload.Span, out var video))
            {
                var body = payload.Slice(video.HeaderLength, video.BodyLength);
                if (video.IsSequenceHeader) tracks[1] = new TrackConfig(1, video.Codec!.Value, body);
                if (!video.IsCodedFrame) continue;
                units.Add(new AccessUnit(1, dts, video.CompositionTimeMs * 90, 0, video.IsKeyframe, body));
            }
            else if (message.Type == RtmpMessageType.Audio && AudioTagHeader.TryRead(payload.Span, out var audio))
            {
                var body = payload.Slice(audio.HeaderLength, audio.BodyLength);
                if (audio.IsSequenceHeader) tracks[2] = new TrackConfig(2, audio.Codec!.Value, body);
                else if (audio.IsCodedFrame && body.Length > 0) units.Add(new AccessUnit(2, dts, 0, 0, true, body));
            }
        }

        return units;
    }

    /// <summary>Audio positions count on by whole frames from the first one; its DTS follows them.</summary>
    private static List<AccessUnit> Smooth(List<AccessUnit> units, Dictionary<byte, TrackDescription> tracks)
    {
        long? position = null;
        for (var i = 0; i < units.Count; i++)
        {
            if (units[i].TrackId != 2) continue;
            var audio = tracks[2];
            position ??= units[i].Dts * audio.SampleRate / 90_000;
            var dts = position.Value * 90_000 / audio.SampleRate;
            units[i] = units[i] with { SamplePosition = position.Value, Dts = dts };
            position += audio.SamplesPerFrame;
        }

        return [.. units.OrderBy(unit => unit.Dts).ThenBy(unit => unit.TrackId)];
    }

    private static FeedRecord End(SegmentBegin begin, long time, int count, FeedHash hash) =>
        new(new SegmentEnd(begin.Msn, time - begin.Time, count, hash.End(), IsShort: false));
}
