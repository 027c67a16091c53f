using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;

namespace Steadycast.EndToEnd.Tests.Packaging;

/// <summary>A recording through the ingest's cutter, as one publisher that comes and goes.</summary>
internal static class Stamping
{
    public const long StartUtcMs = 1_900_000_000_000;

    /// <param name="origin">
    /// Media time of the beginning, in 1/90000 s; 0 is a stream without a past, whose target duration is measured.
    /// </param>
    public static List<FeedRecord> Stamp(IReadOnlyList<MediaMessage> messages, long origin)
    {
        var past = origin == 0
            ? null
            : StreamNumbers.New(StartUtcMs, targetDurationSeconds: 4) with { EndTime = origin, HasSegments = true };
        using var cutter = new Cutter("live/show", Guid.Empty, segmentSeconds: 2, past);
        var records = new List<FeedRecord>();
        foreach (var message in messages)
        {
            var input = new CutterInput(message.Type, message.Timestamp, 1, AfterLoss: false, message.Payload);
            cutter.Push(input, StartUtcMs + (origin == 0 ? message.Timestamp : 0), records);
        }

        cutter.Finish(records);
        return records;
    }
}
