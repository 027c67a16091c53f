using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Failover;

public sealed class MergedTimelinePropertyTests
{
    /// <summary>A few seconds' worth; more with STEADYCAST_HISTORIES, for a night.</summary>
    private static int Histories =>
        int.TryParse(Environment.GetEnvironmentVariable("STEADYCAST_HISTORIES"), out int count) ? count : 400;

    /// <summary>Each number is one thing that happens; the promises are checked by the world at every step.</summary>
    [Fact]
    public void Whatever_origins_do_the_published_playlist_never_goes_back() => Prop.ForAll(
        Gen.Choose(0, 999_999).ListOf(150).ToArbitrary(),
        events =>
        {
            var world = new TimelineWorld();
            foreach (int e in events)
                Happen(world, e);
            Heal(world);
            Assert.Equal(world.Edge, world.Timeline.Published!.Edge);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Histories));

    private static void Happen(TimelineWorld world, int e)
    {
        int origin = e / 100 % 2;
        int detail = e / 200 % 50;
        switch (e % 20)
        {
            case < 5:
                world.Source(takenOver: e % 20 == 4 && detail < 5);
                break;
            case 5:
                world.Source(newEpoch: true);
                break;
            case 6 when detail < 10:
                world.Source(jump: detail);
                break;
            case < 10:
                world.Observe(origin);
                break;
            case 10:
                world.Observe(origin, world.WindowAt(world.Edge - detail % 5));
                break;
            case 11:
                world.Observe(origin, world.WindowAt(world.Edge, 1 + detail % 3));
                break;
            case 12:
                world.Observe(origin, Foreign(world.WindowAt(world.Edge), detail));
                break;
            case 13:
                world.Fail(origin);
                break;
            case < 17:
                world.Complete(detail, delivered: true);
                break;
            case 17:
                world.Complete(detail, delivered: false);
                break;
            case 18:
                world.Pass(detail % 12 * 0.25);
                break;
            case 19 when detail < 15:
                world.Restart();
                break;
        }
    }

    /// <summary>
    /// A packager out of lockstep: other bytes, other times, an epoch of its own or the next target duration.
    /// </summary>
    private static ImmutableArray<SegmentRecord> Foreign(ImmutableArray<SegmentRecord> window, int detail) =>
        [.. window.Select(record => (detail % 4) switch
        {
            0 => record with { Sha256 = new string('a', 64) },
            1 => record with { Time = record.Time + 45_000 },
            2 => record with { Bytes = 0, Gap = true, Sha256 = "" },
            _ => record with { EpochId = record.EpochId > 0 ? record.EpochId - 1 : 0, TimelineId = null },
        })];

    /// <summary>All is well from now on: the timeline has to arrive at the source's edge.</summary>
    private static void Heal(TimelineWorld world)
    {
        for (int i = 0; i < 40; i++)
        {
            world.Observe(0);
            world.Observe(1);
            world.CompleteAll();
            world.Pass(0.5);
        }
    }
}
