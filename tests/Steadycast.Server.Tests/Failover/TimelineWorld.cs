using System.Collections.Immutable;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>
/// A source, origins that follow it well or badly, fetches that end well or badly, and a merged timeline among them;
/// the promises to viewers are checked at every publication, by their text, not by the timeline's own guard.
/// </summary>
internal sealed class TimelineWorld
{
    public const int Window = 8;
    private const long Duration = 180_000;

    private readonly SyntheticStream stream = new("live", targetSeconds: 2, segmentBytes: 64);
    private readonly List<SegmentRecord> truth = [];
    private readonly List<FetchOrder> pending = [];
    private readonly string[] origins;
    private readonly Dictionary<long, string> lines = [];
    private (long First, long Edge, long Header, uint Epoch) seen = (-1, -1, -1, 0);

    public TimelineWorld(int originCount = 2)
    {
        origins = [.. Enumerable.Range(0, originCount).Select(i => $"o{i}")];
        Timeline = new MergedTimeline("live", origins, new SwitchPolicy());
        Source();
    }

    public MergedTimeline Timeline { get; private set; }

    public TimeSpan Now { get; private set; }

    public int Publications { get; private set; }

    public int Gaps { get; private set; }

    public int NewWindows { get; private set; }

    public IReadOnlyList<SegmentRecord> Truth => truth;

    public long Edge => truth[^1].Msn;

    public int Pending => pending.Count;

    /// <summary>The source makes the next segment, after a break and a jump of the numbers if so told.</summary>
    /// <param name="takenOver">By another ingest, in an epoch of its own, without a break.</param>
    public void Source(bool newEpoch = false, int jump = 0, bool takenOver = false)
    {
        SegmentRecord record;
        if (truth.Count == 0)
        {
            record = stream.Record(SyntheticStream.Base);
        }
        else
        {
            SegmentRecord last = truth[^1];
            record = stream.Record(last.Msn + 1 + jump) with
            {
                Time = last.Time + last.Duration + (newEpoch || jump > 0 ? 90_000 : 0),
                Duration = Duration,
                Discontinuity = newEpoch || jump > 0,
                DiscontinuitySequence = last.DiscontinuitySequence + (newEpoch || jump > 0 ? 1 : 0),
                EpochId = last.EpochId + (newEpoch || jump > 0 || takenOver ? 1u : 0),
                TimelineId = newEpoch || jump > 0 ? null : takenOver ? last.Timeline : last.TimelineId,
            };
        }

        truth.Add(record);
    }

    /// <summary>The window that a packager would list at this edge: consecutive numbers only.</summary>
    public ImmutableArray<SegmentRecord> WindowAt(long edge, int length = Window)
    {
        int end = Math.Max(0, truth.FindLastIndex(r => r.Msn <= edge));
        int begin = end;
        while (begin > 0 && end - begin + 1 < length && truth[begin - 1].Msn == truth[begin].Msn - 1)
            begin--;
        return [.. truth[begin..(end + 1)]];
    }

    public void Observe(int origin, ImmutableArray<SegmentRecord> window, int target = 2)
    {
        StreamIndex index = stream.Index(0, 0) with { TargetDurationSeconds = target, Segments = window };
        Timeline.Observe(Timeline.Views[origin], index, Now);
        Step();
    }

    public void Observe(int origin) => Observe(origin, WindowAt(Edge));

    public void Fail(int origin)
    {
        Timeline.Views[origin].Fail(OriginFault.Refused, "refused", Now);
        Step();
    }

    /// <summary>One of the running fetches ends.</summary>
    public void Complete(int which, bool delivered)
    {
        if (pending.Count == 0)
            return;
        FetchOrder order = pending[which % pending.Count];
        pending.Remove(order);
        foreach (int origin in order.Origins.Take(1))
        {
            if (delivered)
                Timeline.Views[origin].MediaDelivered();
            else
                Timeline.Views[origin].MediaFailed(OriginFault.Timeout, "timeout", Now);
        }

        if (delivered)
            Timeline.Fetched(order.Record);
        else
            Timeline.FetchFailed(order.Record, Now);
        Step();
    }

    /// <summary>Whatever is asked of this number, from whomever, fails.</summary>
    public void FailNumber(long msn)
    {
        while (pending.FindIndex(order => order.Record.Msn == msn) is >= 0 and int which)
            Complete(which, delivered: false);
    }

    public void CompleteAll(bool delivered = true)
    {
        for (int i = 0; pending.Count > 0; i++)
        {
            Assert.True(i < 10_000, "the same numbers are asked for without end");
            Complete(0, delivered);
        }
    }

    public void Pass(double seconds)
    {
        for (double passed = 0; passed < seconds; passed += 0.25)
        {
            Now += TimeSpan.FromSeconds(0.25);
            Step();
        }
    }

    /// <summary>The switch is killed; a new one has what was published, and nothing else.</summary>
    public void Restart()
    {
        pending.Clear();
        StreamIndex? published = Timeline.Published;
        Timeline = new MergedTimeline("live", origins, new SwitchPolicy());
        if (published is not null)
            Timeline.Restore(StreamIndexJson.Read(StreamIndexJson.Write(published)));
        Step();
    }

    /// <summary>What the loop of the switch does after each event.</summary>
    private void Step()
    {
        Timeline.Judge(Now);
        if (Timeline.Advance(Now) is { } publication)
            Check(publication);
        pending.AddRange(Timeline.TakeOrders(Now));
        Assert.True(pending.Count <= new SwitchPolicy().Parallel, "more fetches than allowed");
        Assert.Distinct(pending.Select(order => order.Record.Msn));
        Assert.DoesNotContain(Timeline.Notes, note => note.Kind == NoteKind.Blocked);
        Timeline.Notes.Clear();
    }

    private void Check(Publication publication)
    {
        Publications++;
        Gaps += publication.Gaps;
        NewWindows += publication.NewWindow ? 1 : 0;
        StreamIndex index = publication.Index;
        // What a restart has to read back.
        StreamIndexJson.Read(StreamIndexJson.Write(index));
        SegmentRecord first = index.Segments[0];
        long header = first.DiscontinuitySequence - (first.Discontinuity ? 1 : 0);
        Assert.True(index.Edge > seen.Edge, "the edge did not grow");
        Assert.True(index.First >= seen.First, "the front went back");
        Assert.True(header >= seen.Header, "the discontinuity sequence went back");
        Assert.True(index.Segments[^1].EpochId >= seen.Epoch, "the epoch went back");
        long sequence = header;
        for (int i = 0; i < index.Segments.Length; i++)
        {
            SegmentRecord record = index.Segments[i];
            Assert.Equal(index.First + i, record.Msn);
            sequence += record.Discontinuity ? 1 : 0;
            Assert.Equal(sequence, record.DiscontinuitySequence);
            if (i > 0 && !record.Discontinuity)
                Assert.Equal(index.Segments[i - 1].Time + index.Segments[i - 1].Duration, record.Time);
            // The discontinuity number of a published segment is part of what players remember.
            string line = $"{record.Uri} {record.Duration} {record.ProgramDateTimeMs} {record.Gap} {record.Sha256} "
                + $"{record.Discontinuity} {record.DiscontinuitySequence} {record.MapUri}";
            Assert.Equal(lines.GetValueOrDefault(record.Msn, line), line);
            lines[record.Msn] = line;
        }

        seen = (index.First, index.Edge, header, index.Segments[^1].EpochId);
    }
}
