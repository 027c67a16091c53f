using System.Globalization;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Drives a cutter with publishers one after the other, and checks what must be true of every feed.</summary>
internal sealed class CutterRun : IDisposable
{
    public const long StartUtcMs = 1_900_000_000_000;
    public const long Second = 90_000;

    private readonly SegmentAssembler _assembler = new();
    private int _publication;

    public CutterRun(int segmentSeconds = 2, StreamNumbers? state = null, bool lost = false) =>
        Cutter = new Cutter("live/show", new Guid(1, 2, 3, new byte[8]), segmentSeconds, state, lost);

    public Cutter Cutter { get; }

    public List<FeedRecord> Records { get; } = [];

    public List<StampedSegment> Segments { get; } = [];

    /// <summary>When the first record of each call came, relative to the publisher's start.</summary>
    public long? FirstSegmentAtMs { get; private set; }

    public long UtcMs { get; set; } = StartUtcMs;

    /// <summary>A publisher comes, sends all of this and stays.</summary>
    public CutterRun Publish(TestEncoder encoder) => Publish(encoder.Messages());

    public CutterRun Publish(IReadOnlyList<TestMessage> messages)
    {
        _publication++;
        var start = UtcMs;
        foreach (var message in messages)
        {
            UtcMs = start + message.AtMs;
            Send(message);
            if (Segments.Count > 0)
                FirstSegmentAtMs ??= message.AtMs;
        }

        return this;
    }

    public void Send(TestMessage message, bool afterLoss = false)
    {
        var output = new List<FeedRecord>();
        var input = new CutterInput(message.Type, message.Timestamp, _publication, afterLoss, message.Payload);
        Cutter.Push(input, UtcMs, output);
        Take(output);
    }

    /// <summary>The publisher leaves, and nobody comes for some time.</summary>
    public CutterRun Leave(double awaySeconds = 0)
    {
        var output = new List<FeedRecord>();
        Cutter.Finish(output);
        Take(output);
        UtcMs += (long)(awaySeconds * 1000);
        return this;
    }

    public CutterRun Check()
    {
        for (var i = 0; i < Segments.Count; i++)
        {
            var (begin, end) = (Segments[i].Begin, Segments[i].End);
            var duration = (end.Duration / (double)Second).ToString("F3", CultureInfo.InvariantCulture);
            var rounded =
                Math.Round(double.Parse(duration, CultureInfo.InvariantCulture), MidpointRounding.AwayFromZero);
            Assert.True(rounded <= begin.Epoch.TargetDurationSeconds, $"EXTINF {duration} of {begin.Msn}");
            Assert.True(end.Duration > 0);
            Assert.Equal(Segments[0].Begin.Epoch.TargetDurationSeconds, begin.Epoch.TargetDurationSeconds);
            Assert.Equal(Segments[0].Begin.Epoch.AnchorUtcMs, begin.Epoch.AnchorUtcMs);
            if (i == 0)
                continue;
            var before = Segments[i - 1];
            Assert.Equal(before.Begin.Msn + 1, begin.Msn);
            Assert.Equal(before.Begin.DiscontinuitySequence + (begin.Discontinuity ? 1 : 0),
                begin.DiscontinuitySequence);
            Assert.True(begin.Time >= before.Begin.Time + before.End.Duration);
            Assert.True(begin.Discontinuity || begin.Time == before.Begin.Time + before.End.Duration, "a hole in time");
            Assert.True(begin.Discontinuity || begin.Tracks.SequenceEqual(before.Begin.Tracks), "tracks changed");
            Assert.True(begin.Epoch.EpochId >= before.Begin.Epoch.EpochId);
            Assert.True(begin.Epoch.EpochId == before.Begin.Epoch.EpochId || begin.Discontinuity);
            Assert.True(before.Begin.AllIndependent || !begin.AllIndependent);
        }

        foreach (var track in new byte[] { 1, 2 })
        {
            long last = -1, position = -1;
            foreach (var segment in Segments)
                foreach (var unit in segment.AccessUnits.Where(unit => unit.TrackId == track))
                {
                    var config = Assert.Single(segment.Begin.Tracks, config => config.TrackId == track);
                    Assert.True(unit.Dts > last, $"DTS {unit.Dts} after {last} in track {track}");
                    last = unit.Dts;
                    if (track == 1)
                        continue;
                    var rate = TrackDescription.Of(config).SampleRate;
                    Assert.Equal((long)Math.Round(unit.SamplePosition * 90000m / rate, MidpointRounding.AwayFromZero),
                        unit.Dts);
                    Assert.True(unit.SamplePosition > position || rate != 48000);
                    position = unit.SamplePosition;
                }
        }

        foreach (var segment in Segments)
        {
            Assert.NotEmpty(segment.AccessUnits);
            if (segment.Begin.Tracks.Any(track => track.IsVideo) && segment.Begin.Independent)
            {
                Assert.True(segment.AccessUnits[0] is { TrackId: 1, IsKeyframe: true });
                Assert.Equal(segment.Begin.Time, segment.AccessUnits[0].Dts);
            }
        }

        return this;
    }

    public double[] Durations() =>
        [.. Segments.Select(segment => Math.Round(segment.End.Duration / (double)Second, 3))];

    public void Dispose()
    {
        Cutter.Dispose();
        _assembler.Dispose();
    }

    private void Take(List<FeedRecord> output)
    {
        Records.AddRange(output);
        foreach (var record in output)
        {
            var step = _assembler.Add(record, out var segment);
            Assert.True(step is AssemblyStep.Accepted or AssemblyStep.Completed or AssemblyStep.Abandoned,
                step.ToString());
            if (segment is not null)
                Segments.Add(segment);
        }
    }
}
