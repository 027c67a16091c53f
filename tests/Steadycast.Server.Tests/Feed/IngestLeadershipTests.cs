using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>
/// Whatever happens to ingests that are each other's peers: one chain of numbers for all, one leader in the end.
/// </summary>
public sealed class IngestLeadershipTests
{
    /// <summary>A few seconds' worth; more with STEADYCAST_HISTORIES, for a night.</summary>
    private static int Histories =>
        int.TryParse(Environment.GetEnvironmentVariable("STEADYCAST_HISTORIES"), out var count) ? count : 100;

    /// <summary>
    /// For a leader that is frozen or out of sight to be missed, and two that took over to see each other.
    /// </summary>
    private const double SettledWithin = 4;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Kills_and_freezes_give_one_chain_and_one_leader(bool isOneEncoder)
    {
        var (takeovers, seamless) = (0.0, 0.0);
        for (var seed = 0; seed < Histories; seed++)
        {
            using var world = History(seed, 2, isOneEncoder, hasCuts: false);
            CheckSettled(world, seed);
            CheckChains(world, seed, hasCuts: false);
            CheckSame(world, seed);
            (takeovers, seamless) = (takeovers + world.Takeovers, seamless + world.Seamless);
        }

        Assert.True(takeovers > Histories / 2, $"{takeovers} takeovers");
        Assert.True(
            isOneEncoder ? seamless > takeovers / 4 : seamless == 0, $"{seamless} of {takeovers} without a seam");
    }

    [Fact]
    public void A_leader_that_was_replaced_by_one_that_is_gone_goes_on_behind_it()
    {
        using var world = new IngestWorld(1, 2, isOneEncoder: false);
        world.Publish(0);
        world.Run(2);
        world.Publish(1);
        world.Run(8);
        world.Freeze(0, true);
        world.Run(8);
        var edge = world.Packagers.Max(p => p.Edge);
        Assert.Equal("self", world.Leaders.ElementAt(1));
        world.Kill(1);
        world.Run(1);
        world.Freeze(0, false);
        world.Run(10);

        Assert.All(world.Packagers, p => Assert.True(p.Edge > edge + 1, $"{p.Edge} after {edge}"));
        CheckChains(world, 1, hasCuts: false);
        CheckSame(world, 1);
    }

    [Fact]
    public void A_leader_that_was_frozen_says_nothing_before_it_has_asked()
    {
        using var world = new IngestWorld(1, 2, isOneEncoder: false);
        world.Publish(0);
        world.Run(2);
        world.Publish(1);
        world.Run(7);
        world.Freeze(0, true);
        // The peer took over, the packager has still some patience.
        world.Run(2.8);
        world.Freeze(0, false);
        world.Run(10);

        Assert.True(world.IsSettled);
        Assert.Equal("self", world.Leaders.ElementAt(1));
        CheckChains(world, 1, hasCuts: false);
        CheckSame(world, 1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Partitions_too_end_with_one_leader_and_numbers_that_never_go_back(int count)
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            using var world = History(seed, count, seed % 2 == 0, hasCuts: true);
            CheckSettled(world, seed);
            CheckChains(world, seed, hasCuts: true);
        }
    }

    private static IngestWorld History(int seed, int count, bool isOneEncoder, bool hasCuts)
    {
        var random = new Random(seed);
        var world = new IngestWorld(seed, count, isOneEncoder);
        for (var i = 0; i < count; i++)
        {
            world.Publish(i);
            world.Run(random.Next(3) * random.NextDouble());
        }

        world.Run(random.Next(3, 12));
        for (var acts = random.Next(2, 12); acts > 0; acts--)
        {
            var node = random.Next(count);
            switch (random.Next(hasCuts ? 10 : 8))
            {
                case < 2:
                    world.Kill(node);
                    break;
                case < 4:
                    world.Freeze(node, true);
                    break;
                case 4:
                    world.Unpublish(node);
                    break;
                case < 8:
                    world.Heal();
                    world.Run(random.Next(10));
                    break;
                default:
                    world.Cut(node, (node + 1) % count);
                    break;
            }

            world.Run(random.Next(4) switch { 0 => 0.1, 1 => 1, 2 => 2.5, _ => random.Next(8) } * random.NextDouble());
        }

        world.Heal();
        return world;
    }

    private static void CheckSettled(IngestWorld world, int seed)
    {
        world.Run(SettledWithin);
        Assert.True(world.IsSettled, $"seed {seed}: {string.Join(", ", world.Leaders)}");
        // Of two that led, the one that was ahead in numbers may be the one that follows now: its packager has to wait.
        var edges = world.Packagers.Select(p => p.Edge - world.Edge > 2 ? -1 : p.Segments.Count).ToArray();
        world.Run(12);
        Assert.True(world.IsSettled, $"seed {seed}: not for long: {string.Join(", ", world.Leaders)}");
        Assert.All(world.Packagers.Zip(edges), p => Assert.True(
            p.Second < 0 || p.First.Segments.Count > p.Second, $"seed {seed}: no segments after {p.Second}"));
    }

    /// <summary>What each packager has: numbers grow, epochs too, and what is one timeline has no hole in it.</summary>
    private static void CheckChains(IngestWorld world, int seed, bool hasCuts)
    {
        var twice = TimelinesOfTwo(world);
        foreach (var packager in world.Packagers)
        {
            foreach (var (before, after) in packager.Segments.Zip(packager.Segments.Skip(1)))
            {
                var where = $"seed {seed}: {before.Begin.Msn} of {before.Begin.Epoch}, {before.Begin.Time} + "
                    + $"{before.End.Duration}, then {after.Begin.Msn} of {after.Begin.Epoch}, {after.Begin.Time}";
                Assert.True(after.Begin.Epoch.EpochId >= before.Begin.Epoch.EpochId, where);
                if (after.Begin.Epoch.TimelineId != before.Begin.Epoch.TimelineId || after.Begin.Discontinuity
                    || twice.Contains(after.Begin.Epoch.TimelineId))
                    continue;
                Assert.True(after.Begin.Msn == before.Begin.Msn + 1, where);
                // Of two that led, the one that the packager left may have ended its segment earlier or later.
                if (!hasCuts)
                    Assert.True(after.Begin.Time == before.Begin.Time + before.End.Duration, where);
            }
        }
    }

    /// <summary>
    /// A leader that was frozen, while another took over and died, comes back and knows nothing of that epoch: its next
    /// one has the same id. Nobody is left to ask.
    /// </summary>
    private static HashSet<uint> TimelinesOfTwo(IngestWorld world) =>
    [
        .. world.Packagers.SelectMany(p => p.Segments).Select(s => s.Begin.Epoch)
            .Where(e => e.EpochId == e.TimelineId)
            .GroupBy(e => e.EpochId)
            .Where(e => e.Select(epoch => epoch.IngestId).Distinct().Count() > 1)
            .Select(e => e.Key),
    ];

    /// <summary>
    /// No number has two contents; but for the one with which an ingest took over after a discontinuity, when it had
    /// not heard of its end and a packager had.
    /// </summary>
    private static void CheckSame(IngestWorld world, int seed)
    {
        StampedSegment[] all = [.. world.Packagers.SelectMany(p => p.Segments).OrderBy(s => s.Begin.Epoch.EpochId)];
        var known = new Dictionary<long, StampedSegment>();
        foreach (var segment in all)
        {
            if (known.TryAdd(segment.Begin.Msn, segment))
                continue;
            var other = known[segment.Begin.Msn];
            Assert.True(
                segment.Begin.Discontinuity || IsSame(segment, other),
                $"seed {seed}: {segment.Begin.Msn} is of {other.Begin.Epoch} and of {segment.Begin.Epoch}");
        }
    }

    private static bool IsSame(StampedSegment a, StampedSegment b) =>
        a.Begin.Time == b.Begin.Time && a.End.Duration == b.End.Duration && a.AccessUnits.Count == b.AccessUnits.Count
        && a.AccessUnits.Zip(b.AccessUnits).All(p => p.First.Payload.Span.SequenceEqual(p.Second.Payload.Span));
}
