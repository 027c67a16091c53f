using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Packaging;

namespace Steadycast.Server.Tests.Feed;

/// <summary>A follower whose publisher sends what its leader's sends goes on in its place without a seam.</summary>
public sealed class HashLockTests
{
    private const int Video = 1;

    private static int Histories =>
        int.TryParse(Environment.GetEnvironmentVariable("STEADYCAST_HISTORIES"), out var count) ? count : 300;

    [Theory]
    [InlineData(48000, 25, 0)]
    [InlineData(44100, 29.97, 2)]
    [InlineData(0, 25, 0)]
    public void The_feed_is_the_leaders_after_whichever_record_it_dies(int sampleRate, double fps, int bFrames)
    {
        var encoder = new TestEncoder
        {
            Seconds = 14,
            SampleRate = sampleRate,
            FramesPerSecond = fps,
            BFrames = bFrames,
            Gops = [2, 1, 2.5],
        };
        var expected = Alone(encoder);
        Assert.Equal(5, expected.Segments().Count);
        var from = Locked(encoder, expected.Records.Count);
        for (var k = from; k < expected.Records.Count; k++)
        {
            using var run = new LockRun().Run(encoder.Messages(), Own(encoder with { Start = 123_456_789 }), k);
            Assert.True(run.WentOn, $"record {k}");
            AssertSame(expected.Segments(), run.Segments(), $"record {k}");
        }
    }

    [Fact]
    public void With_several_audio_tracks_each_goes_on_where_it_was()
    {
        var encoder = new TestEncoder { Seconds = 14, Gops = [2, 1, 2.5] };
        List<TestMessage> messages = [.. CutterTracksTests.With(encoder.Messages())];
        List<(TestMessage, int)> own =
            [.. CutterTracksTests.With((encoder with { Start = 123_456_789 }).Messages()).Select(m => (m, 1))];
        using var expected = new LockRun().Run(messages, []);
        using var locked = new LockRun().Run(messages, own);
        Assert.InRange(locked.LockedAt!.Value, 1, expected.Records.Count * 3 / 4);
        for (var k = locked.LockedAt.Value + 1; k < expected.Records.Count; k += 11)
        {
            using var run = new LockRun().Run(messages, own, k);
            Assert.True(run.WentOn, $"record {k}");
            AssertSame(expected.Segments(), run.Segments(), $"record {k}");
        }
    }

    [Theory]
    [InlineData(Container.Fmp4)]
    [InlineData(Container.Ts)]
    public void Packagers_write_the_same_bytes_as_if_nothing_had_happened(Container container)
    {
        var encoder = new TestEncoder { Seconds = 20, SampleRate = 44100, BFrames = 1 };
        using var expected = Alone(encoder);
        var last = expected.Records.FindLastIndex(record => record.End is not null);
        for (var k = Locked(encoder, expected.Records.Count); k <= last; k += 37)
        {
            using var run = new LockRun().Run(encoder.Messages(), Own(encoder with { Start = 77 }), k);
            Assert.True(run.WentOn);
            Assert.Equal(
                Packaged(expected.Records, container).Select(Known), Packaged(run.Records, container).Select(Known));
            var epochs = Packaged(run.Records, container).Select(p => (p.Record.EpochId, p.Record.Timeline)).Distinct();
            Assert.Equal(2, epochs.Count());
            Assert.Single(epochs.Select(e => e.Timeline).Distinct());
        }

        static object Known(PackagedSegment p) =>
            (p.Record with { EpochId = 0, TimelineId = null }, Convert.ToHexString(p.Bytes.Span));
    }

    [Theory]
    [InlineData(-1400)]
    [InlineData(-300)]
    [InlineData(300)]
    [InlineData(4000)]
    public void Either_may_be_ahead(int ownLateMs)
    {
        var encoder = new TestEncoder { Seconds = 30 };
        using var expected = Alone(encoder);
        using var whole = new LockRun().Run(encoder.Messages(), Own(encoder, ownLateMs));
        Assert.NotNull(whole.LockedAt);
        // It is locked once ours has come as far.
        var ours = Math.Max(1, ownLateMs * 80 / 1000);
        for (var k = whole.LockedAt.Value + ours; k < expected.Records.Count - 200; k += 11)
        {
            using var run = new LockRun().Run(encoder.Messages(), Own(encoder, ownLateMs), k);
            Assert.True(run.WentOn, $"record {k}");
            var segments = run.Segments();
            AssertSame(expected.Segments().Take(segments.Count), segments, $"record {k}");
        }
    }

    [Fact]
    public void Another_encoders_pictures_are_no_lock()
    {
        var encoder = new TestEncoder { Seconds = 30 };
        using var run = new LockRun().Run(encoder.Messages(), Own(encoder with { FrameBytes = 13 }));
        Assert.Null(run.LockedAt);
    }

    [Fact]
    public void The_same_pictures_with_other_sound_are_no_lock()
    {
        var encoder = new TestEncoder { Seconds = 30 };
        var own = Own(encoder).Select(m => m.Message.Type == RtmpMessageType.Audio && m.Message.Payload[1] == 1
            ? (m.Message with { Payload = [.. m.Message.Payload[..^1], 9] }, m.Publication)
            : m);
        using var run = new LockRun().Run(encoder.Messages(), own);
        Assert.Null(run.LockedAt);
    }

    [Fact]
    public void Silence_is_a_lock_all_the_same()
    {
        var encoder = new TestEncoder { Seconds = 20 };
        TestMessage[] messages = [.. encoder.Messages().Select(m => Silent(m))];
        using var expected = new LockRun().Run(messages, []);
        using var run = new LockRun().Run(messages, messages.Select(m => (m, 1)), expected.Records.Count - 100);
        Assert.True(run.WentOn);
        AssertSame(expected.Segments(), run.Segments(), "");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_picture_that_repeats_is_no_lock(int period)
    {
        var encoder = new TestEncoder { Seconds = 30 };
        var messages = encoder.Messages().Select(m => Still(m, period));
        using var run = new LockRun().Run(messages, Own(encoder, 3000).Select(m => (Still(m.Message, period), 1)));
        Assert.Null(run.LockedAt);
    }

    [Fact]
    public void A_lock_that_was_found_outlives_a_picture_that_repeats()
    {
        var encoder = new TestEncoder { Seconds = 40 };
        TestMessage[] messages = [.. encoder.Messages().Select(m => m.AtMs < 14_000 ? m : Still(m, 1))];
        using var expected = new LockRun().Run(messages, []);
        using var run = new LockRun().Run(messages, messages.Select(m => (m, 1)), expected.Records.Count - 100);
        Assert.True(run.WentOn);
        AssertSame(expected.Segments(), run.Segments(), "");
    }

    [Fact]
    public void A_leader_whose_publisher_left_in_order_has_no_lock()
    {
        var encoder = new TestEncoder { Seconds = 13.5 };
        using var leader = new CutterRun().Publish(encoder).Leave();
        Assert.True(leader.Segments[^1].End.IsShort);
        using var follower = new HashLock(Guid.NewGuid(), 2);
        foreach (var message in new TestEncoder { Seconds = 13 }.Messages())
            follower.Push(new CutterInput(message.Type, message.Timestamp, 1, false, message.Payload), 0);
        foreach (var record in leader.Records)
            follower.Take(record);
        Assert.False(follower.IsLocked);
        Assert.False(follower.IsBehind);
    }

    [Fact]
    public void Whatever_happens_to_either_a_seam_that_is_not_there_is_none()
    {
        var (wentOn, late) = (0, 0);
        for (var seed = 0; seed < Histories; seed++)
        {
            var random = new Random(seed);
            var encoder = new TestEncoder
            {
                Seconds = 40,
                FramesPerSecond = new[] { 10, 23.976, 25, 29.97, 50 }[random.Next(5)],
                Gops = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(5, 35) / 10.0)],
                SampleRate = new[] { 0, 44100, 48000 }[random.Next(3)],
                BFrames = random.Next(3),
                Start = (uint)random.Next(),
            };
            var toLeader = WithFaults(encoder, random);
            var own = encoder with { Start = (uint)random.Next(int.MinValue, int.MaxValue) };
            var toFollower = WithFaults(own, random);
            var shift = random.Next(-1500, 1500);
            using var run = new LockRun().Run(
                toLeader.Select(m => m.Message),
                toFollower.Select(m => (m.Message with { AtMs = m.Message.AtMs + shift }, m.Publication)),
                random.Next(300, 2500));
            late += run.LockedAt is not null ? 1 : 0;
            if (!run.WentOn)
                continue;
            wentOn++;
            Check(run, seed);
        }

        Assert.True(wentOn * 4 > Histories, $"{wentOn} of {Histories} went on, {late} were locked once");
    }

    /// <summary>Numbers, times and pictures go on from the leader's last segment to the follower's first.</summary>
    private static void Check(LockRun run, int seed)
    {
        var segments = run.Segments();
        var mine = segments.FindIndex(s => s.Begin.Epoch.EpochId != s.Begin.Epoch.TimelineId);
        for (var i = 1; i < segments.Count; i++)
        {
            var (before, after) = (segments[i - 1], segments[i]);
            var where = $"seed {seed}, segment {i}, the follower's from {mine}";
            Assert.Equal(before.Begin.Msn + 1, after.Begin.Msn);
            Assert.True(after.Begin.Epoch.EpochId >= before.Begin.Epoch.EpochId, where);
            Assert.Equal(before.Begin.DiscontinuitySequence + (after.Begin.Discontinuity ? 1 : 0),
                after.Begin.DiscontinuitySequence);
            Assert.True(
                after.Begin.Discontinuity || after.Begin.Time == before.Begin.Time + before.End.Duration, where);
            if (i != mine)
                continue;
            Assert.False(after.Begin.Discontinuity, where);
            Assert.Equal(before.Begin.Epoch.TimelineId, after.Begin.Epoch.TimelineId);
            Assert.Equal(NumberOf(before.AccessUnits.Last(u => u.TrackId == Video)) + 1,
                NumberOf(after.AccessUnits.First(u => u.TrackId == Video)));
            var sound = (before.AccessUnits.LastOrDefault(u => u.TrackId != Video),
                after.AccessUnits.FirstOrDefault(u => u.TrackId != Video));
            if (sound is not ({ Payload.Length: > 0 }, { Payload.Length: > 0 }))
                continue;
            Assert.True(SoundOf(sound.Item2) > SoundOf(sound.Item1), where);
            Assert.True(sound.Item2.SamplePosition >= sound.Item1.SamplePosition + 1024, where);
        }
    }

    private static int NumberOf(in AccessUnit picture) => BitConverter.ToInt32(picture.Payload.Span[6..]);

    private static long SoundOf(in AccessUnit unit) => BitConverter.ToInt64(unit.Payload.Span);

    /// <summary>Late to come, messages lost now and then, gone and back once in a while.</summary>
    private static List<(TestMessage Message, int Publication)> WithFaults(TestEncoder encoder, Random random)
    {
        var (from, loss) = (random.Next(3) * random.Next(5000), random.Next(3) == 0 ? random.Next(1, 4) : 0);
        var gone = random.Next(4) == 0 ? random.Next(5000, 30_000) : int.MaxValue;
        var back = gone + (long)random.Next(200, 5000);
        var result = new List<(TestMessage, int)>();
        TestMessage[] messages = [.. encoder.Messages()];
        TestMessage[] headers = [.. messages.Where(m => m.Payload[1] == 0)];
        result.AddRange(headers.Select(m => (m with { AtMs = from }, 1)));
        var isBack = false;
        foreach (var message in messages.Except(headers))
        {
            if (message.AtMs < from || (message.AtMs >= gone && message.AtMs < back) || random.Next(1000) < loss)
                continue;
            if (message.AtMs >= back && !isBack)
                result.AddRange(headers.Select(m => (m with { AtMs = back }, 2)));
            isBack |= message.AtMs >= back;
            result.Add((message, isBack ? 2 : 1));
        }

        return result;
    }

    private static LockRun Alone(TestEncoder encoder) => new LockRun().Run(encoder.Messages(), []);

    /// <summary>From which record on there is a lock, for good.</summary>
    private static int Locked(TestEncoder encoder, int records)
    {
        using var run = new LockRun().Run(encoder.Messages(), Own(encoder));
        Assert.NotNull(run.LockedAt);
        Assert.True(run.IsLocked);
        Assert.InRange(run.LockedAt.Value, 1, records * 3 / 4);
        return run.LockedAt.Value + 1;
    }

    private static IEnumerable<(TestMessage Message, int Publication)> Own(TestEncoder encoder, int lateMs = 0) =>
        encoder.Messages().Select(m => (m with { AtMs = m.AtMs + lateMs }, 1));

    private static TestMessage Silent(in TestMessage m) =>
        m.Type == RtmpMessageType.Audio && m.Payload[1] == 1 ? m with { Payload = [0xAF, 1, 1, 2, 3] } : m;

    /// <summary>Every keyframe, or every second, the same; everything between them and all sound too.</summary>
    private static TestMessage Still(in TestMessage m, int period)
    {
        if (m.Type == RtmpMessageType.Audio || m.Payload[1] == 0)
            return Silent(m);
        byte[] payload = [.. m.Payload];
        payload.AsSpan(^10..).Clear();
        payload[^1] = (byte)(m.AtMs / 2000 % period);
        return m with { Payload = payload };
    }

    private static void AssertSame(
        IEnumerable<StampedSegment> expected, IEnumerable<StampedSegment> actual, string where)
    {
        foreach (var (first, second) in expected.Zip(actual, (a, b) => (a, b)))
        {
            Assert.Equal(first.Begin.Msn, second.Begin.Msn);
            Assert.Equal(first.Begin.Time, second.Begin.Time);
            Assert.Equal(first.Begin.Discontinuity, second.Begin.Discontinuity);
            Assert.Equal(first.Begin.DiscontinuitySequence, second.Begin.DiscontinuitySequence);
            Assert.Equal(first.Begin.Independent, second.Begin.Independent);
            Assert.Equal(first.Begin.AllIndependent, second.Begin.AllIndependent);
            Assert.Equal(first.Begin.Tracks.AsEnumerable(), second.Begin.Tracks.AsEnumerable());
            Assert.Equal(first.Begin.Epoch.TimelineId, second.Begin.Epoch.TimelineId);
            Assert.Equal(first.End.Duration, second.End.Duration);
            Assert.Equal(first.AccessUnits.Count, second.AccessUnits.Count);
            foreach (var (a, b) in first.AccessUnits.Zip(second.AccessUnits))
            {
                Assert.True(
                    a with { Payload = default } == b with { Payload = default }
                        && a.Payload.Span.SequenceEqual(b.Payload.Span),
                    where);
            }
        }

        Assert.Equal(expected.Count(), actual.Count());
    }

    private static List<PackagedSegment> Packaged(IEnumerable<FeedRecord> records, Container container)
    {
        using var packager = new HlsPackager(container);
        var made = new List<PackagedSegment>();
        foreach (var record in records)
        {
            if (packager.Add(record, out var segment) == PackagingStep.Packaged)
                made.Add(segment!);
        }

        return made;
    }
}
