using System.Collections.Immutable;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Origins with several media playlists: the world checks at each publication that they stay together.</summary>
public sealed class SplicedLadderTests
{
    private static readonly Rung High = new("high", 720);
    private static readonly Rung Low = new("low", 360);
    private static readonly Rung Sound = new("sound", 0);

    [Fact]
    public void Every_playlist_of_the_first_origin_is_published_under_a_name_of_its_own()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low, Sound));

        var index = world.Timeline.Published!;
        Assert.Equal(["index.m3u8", "variant-2.m3u8", "audio-1.m3u8"], index.MediaPlaylists);
        Assert.Equal([720, 360], index.Playlists!.Variants.Select(v => v.Height));
        Assert.Equal("audio-1.m3u8", index.Playlists.Renditions.Single().Uri);
        Assert.All(index.Segments, s => Assert.Equal(2, s.Companions.Length));
        Assert.All(index.Segments, s => Assert.StartsWith("a-variant-2-", s.Companions[0].Uri, StringComparison.Ordinal));
    }

    [Fact]
    public void A_switch_moves_all_playlists_at_one_number_whatever_order_the_other_origin_has_them_in()
    {
        SplicedWorld world = SplicedWorld.OnAir(
            Packager("a", 0, High, Low, Sound), Packager("b", 0.7, Sound, new("tiny", 120), Low, High));
        world.A.Reachable = false;

        world.Pass(10);

        Assert.Equal("b", world.Active);
        Assert.Equal(1, world.Discontinuities);
        Assert.InRange(Assert.Single(world.Steps()), -1.999, 0);
        Assert.Equal(
            ["b", "b-variant-2", "b-audio-1"],
            world.Timeline.Published!.Segments[^1].Objects.Select(o => o.Uri[..o.Uri.LastIndexOf('-')])
                .Select(name => name[..name.LastIndexOf('-')]));
    }

    [Fact]
    public void An_origin_that_was_heard_before_the_first_window_is_put_in_its_order_at_once()
    {
        // It is ahead of the first one, so that it need not list anything more before it takes over.
        FakePackager late = new("a", 0, 2) { Ladder = [High, Low, Sound], Latency = 5 };
        var world = new SplicedWorld(late, Packager("b", 0.7, new("tiny", 120), Low, Sound, High));
        world.PassUntil(() => world.Timeline.Published is not null);
        world.A.Reachable = false;

        world.Pass(4);

        Assert.Equal("b", world.Active);
        Assert.Equal(1, world.Discontinuities);
    }

    [Fact]
    public void The_first_playlist_alone_is_an_index_too()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low, Sound));

        var alone = world.Timeline.Published!.WithoutCompanions();

        Assert.Null(StreamIndexRules.FindFault(alone));
        Assert.Equal(["index.m3u8"], alone.MediaPlaylists);
    }

    /// <summary>What an index from a disk or another switch may not say.</summary>
    public static TheoryData<string, Func<StreamIndex, StreamIndex>> Faults => new()
    {
        { "not one object for each playlist", index => index with { Playlists = null } },
        { "companion: not an object name", index => Companion(index, c => c with { Uri = "../x" }) },
        { "companion: duration out of range", index => Companion(index, c => c with { Duration = 0 }) },
        { "companion: size or hash", index => Companion(index, c => c with { Bytes = 0 }) },
        { "names a map that is not listed", index => Companion(index, c => c with { MapUri = "init.mp4" }) },
        { "not the names of media playlists", index => Variant(index, v => v with { Uri = "master.m3u8" }) },
        { "a number out of range", index => Variant(index, v => v with { Bandwidth = -1 }) },
        { "would not stay in its line", index => Variant(index, v => v with { Codecs = "\"" }) },
        { "would not stay in its line", index => Variant(index, v => v with { OtherAttributes = "A=1\n#EXT" }) },
        { "no variants", index => index with { Playlists = index.Playlists! with { Variants = [] } } },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void An_index_that_would_break_a_playlist_is_refused(string fault, Func<StreamIndex, StreamIndex> spoil)
    {
        StreamIndex index = SplicedWorld.OnAir(Packager("a", 0, High, Low, Sound)).Timeline.Published!;

        Assert.Contains(fault, StreamIndexRules.FindFault(spoil(index)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_origin_that_lacks_a_playlist_is_no_candidate_and_says_why()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low, Sound), Packager("b", 0.7, High, Sound));
        world.Pass(4);
        Assert.Equal(Freshness.Down, world.Timeline.Views[1].Freshness);
        Assert.Equal(
            "playlist: it has nothing like the variant of 1440 kb/s, 640x360", world.Timeline.Views[1].LastError);
        world.A.Running = false;

        world.Pass(20);

        Assert.Equal("a", world.Active);
    }

    [Fact]
    public void An_origin_with_one_playlist_cannot_stand_for_one_with_several()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low), new FakePackager("b", 0.7, 2));

        world.Pass(4);

        Assert.Equal(
            "playlist: it has one media playlist, the published stream has 2 media playlists",
            world.Timeline.Views[1].LastError);
    }

    [Fact]
    public void A_playlist_that_is_late_is_waited_for_by_all()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low, Sound));
        world.A.IsUneven = true;

        world.Pass(10);

        Assert.Equal(0, world.Discontinuities);
        Assert.InRange(world.Behind, 2, 4.5);
    }

    [Fact]
    public void A_restart_goes_on_with_all_playlists_whichever_origin_is_there_first()
    {
        SplicedWorld world = SplicedWorld.OnAir(Packager("a", 0, High, Low), Packager("b", 0.7, Low, High));
        world.A.Reachable = false;
        world.Restart();

        world.Pass(10);

        Assert.Equal("b", world.Active);
        Assert.Equal(1, world.Discontinuities);
        Assert.Equal([720, 360], world.Timeline.Published!.Playlists!.Variants.Select(v => v.Height));
    }

    private static StreamIndex Companion(StreamIndex index, Func<ObjectRecord, ObjectRecord> change) => index with
    {
        Segments = index.Segments.SetItem(
            1, index.Segments[1] with { Companions = index.Segments[1].Companions.SetItem(0, change(index.Segments[1].Companions[0])) }),
    };

    private static StreamIndex Variant(StreamIndex index, Func<VariantStream, VariantStream> change) => index with
    {
        Playlists = new PlaylistSet(
            index.Playlists!.Variants.SetItem(1, change(index.Playlists.Variants[1])), index.Playlists.Renditions),
    };

    private static FakePackager Packager(string name, double phase, params ImmutableArray<Rung> ladder) =>
        new(name, phase, 2) { Ladder = ladder };
}
