using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;

namespace Steadycast.Server.Tests.Failover;

public sealed class SplicedTimelinePropertyTests
{
    /// <summary>
    /// A few seconds' worth; more with STEADYCAST_HISTORIES: 100,000 of a release build take seven minutes of one core.
    /// </summary>
    private static int Histories =>
        int.TryParse(Environment.GetEnvironmentVariable("STEADYCAST_HISTORIES"), out int count) ? count : 300;

    /// <summary>Each number is one thing that happens; the promises are checked by the world at every step.</summary>
    [Fact]
    public void Whatever_origins_do_the_published_playlist_never_goes_back() => Prop.ForAll(
        Gen.Choose(0, 999_999).ListOf(60).ToArbitrary(),
        events => Live(events, _ => [new("", 0)])).Check(Config.QuickThrowOnFailure.WithMaxTest(Histories));

    /// <summary>As above, with two pictures and a sound; the second origin has them in another order, and one more.</summary>
    [Fact]
    public void Whatever_origins_do_all_playlists_of_a_ladder_stay_together() => Prop.ForAll(
        Gen.Choose(0, 999_999).ListOf(60).ToArbitrary(),
        events => Live(events, name => name == "a" ? Ladder : [.. Ladder.Reverse(), new("tiny", 120)]))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(Histories / 3));

    private static readonly ImmutableArray<Rung> Ladder = [new("high", 720), new("low", 360), new("sound", 0)];

    private static void Live(List<int> events, Func<string, ImmutableArray<Rung>> ladderOf)
    {
        var world = new SplicedWorld(
            Packager("a", 0, events.FirstOrDefault(), ladderOf("a")),
            Packager("b", 0.7, events.LastOrDefault(), ladderOf("b")));
        foreach (int e in events)
            Happen(world, e);
        Heal(world);
    }

    private static FakePackager Packager(
        string name, double phase, int seed, ImmutableArray<Rung> ladder) => new(name, phase, 1.5 + seed % 3 * 0.5)
        {
            Ladder = ladder,
            ClockOff = (seed / 3 % 4) switch { 0 => null, 1 => 300, _ => 0 },
            Latency = seed / 12 % 3,
            IsTransportStream = seed / 36 % 5 > 0,
        };

    private static void Happen(SplicedWorld world, int e)
    {
        FakePackager packager = world.Packagers[e / 100 % 2];
        int detail = e / 200 % 50;
        switch (e % 16)
        {
            case < 6:
                world.Pass(detail % 12 * 0.5);
                break;
            case < 8:
                packager.Reachable = !packager.Reachable;
                break;
            case 8:
                packager.Running = !packager.Running;
                break;
            case 9:
                packager.Restart(append: detail % 2 == 0);
                break;
            case 10:
                packager.LosesMedia = !packager.LosesMedia;
                break;
            case 11:
                packager.AnswersFromCache = !packager.AnswersFromCache;
                break;
            case 12 when detail < 20:
                packager.Duration = 1 + detail % 5;
                break;
            case 13 when detail < 10:
                packager.IsTransportStream = !packager.IsTransportStream;
                break;
            case 14 when detail < 20:
                world.Restart();
                break;
            case 15:
                packager.IsUneven = !packager.IsUneven;
                break;
            default:
                world.Pass(0.5);
                break;
        }
    }

    /// <summary>All is well from now on: the timeline has to arrive where the source is.</summary>
    private static void Heal(SplicedWorld world)
    {
        foreach (FakePackager packager in world.Packagers)
        {
            (packager.Reachable, packager.Running) = (true, true);
            (packager.LosesMedia, packager.AnswersFromCache, packager.IsUneven) = (false, false, false);
        }

        world.Pass(60);
        Assert.InRange(world.Behind, 0, 12);
    }
}
