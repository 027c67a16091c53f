using System.Collections.Immutable;
using System.Text;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Failover;

/// <summary>
/// A live source, packagers of other makes that cut it each in their own way, and a spliced timeline that follows them;
/// the promises to viewers are checked at every publication by the text of the playlist.
/// </summary>
internal sealed class SplicedWorld
{
    public static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private const double Step = 0.25;

    private readonly SwitchPolicy policy = new();
    private readonly Dictionary<(string Playlist, long Msn), MediaSegment> lines = [];
    private readonly Dictionary<string, Rung> rungOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Rung> rungIn = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> bytesOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> shownIn = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TrueSegment> truth = new(StringComparer.Ordinal);
    private readonly HashSet<TrueSegment> overwritten = [];
    private readonly List<SourceOrder> pending = [];
    private readonly Dictionary<FakePackager, (ImmutableArray<byte[]> Texts, SourceOffer Offer)> offers = [];
    private (long First, long Next, long Header, int Target) seen = (-1, -1, -1, 0);
    private TimeSpan started;

    public SplicedWorld(params FakePackager[] packagers)
    {
        Packagers = packagers.Length > 0 ? [.. packagers] : [new("a", 0, 2), new("b", 0.7, 2)];
        Timeline = NewTimeline();
    }

    public ImmutableArray<FakePackager> Packagers { get; }

    public FakePackager A => Packagers[0];

    public FakePackager B => Packagers[1];

    public SplicedTimeline Timeline { get; private set; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(20);

    public int NewWindows { get; private set; }

    public int Restarts { get; private set; }

    /// <summary>What viewers were given, in order, as it truly is.</summary>
    public List<(TrueSegment Segment, bool Discontinuity)> Shown { get; } = [];

    public int Discontinuities => Shown.Count(s => s.Discontinuity);

    public string? Active => Timeline.Active.Current?.Name;

    public MediaPlaylist Playlist => Render(Timeline.Published!);

    /// <summary>Both are on the air and the playlist follows the first one.</summary>
    public static SplicedWorld OnAir(params FakePackager[] packagers)
    {
        var world = new SplicedWorld(packagers);
        world.Pass(6);
        Assert.Equal("a", world.Active);
        Assert.NotNull(world.Timeline.Published);
        return world;
    }

    /// <summary>Lets time pass, with everybody doing what they do.</summary>
    public void Pass(double seconds)
    {
        for (double passed = 0; passed < seconds; passed += Step)
        {
            Now += TimeSpan.FromSeconds(Step);
            foreach (FakePackager packager in Packagers)
                packager.Produce(Now.TotalSeconds);
            Observe();
            Move();
            Complete();
        }
    }

    /// <summary>Lets time pass until something is so, a minute at most.</summary>
    public void PassUntil(Func<bool> isSo)
    {
        for (double passed = 0; passed < 60 && !isSo(); passed += Step)
            Pass(Step);
        Assert.True(isSo(), "not within a minute");
    }

    /// <summary>The switch is killed; a new one has what was published, and nothing else.</summary>
    public void Restart()
    {
        Restarts++;
        pending.Clear();
        offers.Clear();
        StreamIndex? published = Timeline.Published;
        Timeline = NewTimeline();
        if (published is not null)
            Timeline.Restore(StreamIndexJson.Read(StreamIndexJson.Write(published)));
    }

    /// <summary>How far what was published last is behind the source.</summary>
    public double Behind => Now.TotalSeconds - Shown[^1].Segment.End;

    /// <summary>
    /// The seams of what was shown: positive is content left out, negative is content shown twice, in seconds.
    /// </summary>
    public IEnumerable<double> Steps() =>
        Shown.Zip(Shown.Skip(1), (a, b) => Math.Round(b.Segment.Start - a.Segment.End, 3)).Where(step => step != 0);

    private SplicedTimeline NewTimeline()
    {
        started = Now;
        return new SplicedTimeline("live", Packagers.Select(p => p.Name), policy, Epoch + Now);
    }

    private TimeSpan OurTime => Now - started;

    private void Observe()
    {
        foreach (PlaylistView view in Timeline.Views)
        {
            FakePackager packager = Packagers[view.Rank];
            if (!packager.Reachable)
            {
                view.Fail(OriginFault.Refused, "refused", OurTime);
                offers.Remove(packager);
                continue;
            }

            try
            {
                Timeline.Observe(view, OfferOf(packager), OurTime);
            }
            catch (FormatException e)
            {
                offers.Remove(packager);
                view.Fail(OriginFault.Garbage, e.Message, OurTime);
            }
        }
    }

    /// <summary>As the follower reads it: what has not changed is not read again.</summary>
    private SourceOffer OfferOf(FakePackager packager)
    {
        ImmutableArray<byte[]> texts = [.. packager.Ladder.Select(packager.Playlist)];
        if (!offers.TryGetValue(packager, out var last)
            || !last.Texts.SequenceEqual(texts))
            offers[packager] = last = (texts, Read(packager));
        return last.Offer;
    }

    private SourceOffer Read(FakePackager packager)
    {
        var address = new Uri($"http://{packager.Name}/hls/index.m3u8");
        if (packager.Ladder.Length == 1)
        {
            return new SourceOffer(
                SourceSet.OfOne(address), [SourcePlaylist.Read(packager.Playlist(), address, OurTime)]);
        }

        var set = SourceSet.Of(
            (MultivariantPlaylist)PlaylistReader.Parse(Encoding.UTF8.GetString(packager.Multivariant())), address);
        return new SourceOffer(set, [.. set.Addresses.Select(a => SourcePlaylist.Read(
            packager.Playlist(packager.Ladder.First(r => r.Name + ".m3u8" == a.Segments[^1])), a, OurTime))]);
    }

    /// <summary>What the loop of the switch does after each event.</summary>
    private void Move()
    {
        Timeline.Judge(OurTime);
        if (Timeline.Advance(OurTime) is { } publication)
            Check(publication);
        pending.AddRange(Timeline.TakeOrders(OurTime));
        Assert.True(pending.Count <= policy.Parallel, "more fetches than allowed");
        Assert.DoesNotContain(Timeline.Notes, note => note.Kind == NoteKind.Blocked);
        Timeline.Notes.Clear();
    }

    private void Complete()
    {
        for (int i = 0; pending.Count > 0; i++)
        {
            Assert.True(i < 1000, "the same segments are asked for without end");
            SourceOrder order = pending[0];
            pending.RemoveAt(0);
            FakePackager packager = Packagers[order.Key.Rank];
            TrueSegment? found = packager.OnDisk(order.Segment.Media.Address.Segments[^1]);
            if (found is null || packager.LosesMedia || !packager.Reachable)
            {
                Timeline.Views[order.Key.Rank].MediaFailed(OriginFault.NotFound, "404", OurTime);
                Timeline.FetchFailed(order.Key, OurTime);
            }
            else
            {
                Timeline.Fetched(order.Key, Media(packager, order, found));
            }

            Move();
        }
    }

    private SourceMedia Media(FakePackager packager, SourceOrder order, TrueSegment found)
    {
        SourceSegment segment = order.Segment;
        MediaContainer container = packager.IsTransportStream ? MediaContainer.Ts : MediaContainer.Fmp4;
        // A name that is still listed may hold other bytes already; no playlist tells.
        long date = Epoch.AddSeconds(found.Start + (packager.ClockOff ?? 0)).ToUnixTimeMilliseconds();
        if (segment.DateMs is not { } listed || Math.Abs(listed - date) > 500)
            overwritten.Add(found);
        MapRecord? map = packager.IsTransportStream
            ? null
            : new MapRecord(SourceName.OfMap(new string('b', 64)), 10, new string('b', 64));
        Assert.Equal(order.Playlists.Length - 1, segment.Companions.Length);
        return One(segment.Media, s => SourceName.Of(packager.Name, segment.Msn, s, container)) with
        {
            Companions =
            [
                .. segment.Companions.Zip(order.Playlists.Skip(1), (c, playlist) => One(
                    c.Media,
                    s => SourceName.OfCompanion(packager.Name, playlist, segment.Msn, s, container))),
            ],
        };

        SourceMedia One(MediaSource source, Func<string, string> nameOf)
        {
            Rung rung = packager.RungOf(source.Address.Segments[^1]);
            string sha = found.Sha256Of(rung);
            string name = nameOf(sha);
            (truth[name], rungOf[name]) = (found, rung);
            return new SourceMedia(name, 188, sha, container, map);
        }
    }

    private static MediaPlaylist Render(StreamIndex index, string name = ObjectName.MediaPlaylist) =>
        PlaylistReader.ParseMedia(Encoding.UTF8.GetString(PlaylistBuilder.Media(index, name)));

    private void Check(Publication publication)
    {
        // What a restart has to take; that it can be written and read back is seen when there is one.
        Assert.Null(StreamIndexRules.FindFault(publication.Index));
        MediaPlaylist playlist = Render(publication.Index);
        NewWindows += publication.NewWindow ? 1 : 0;
        Assert.True(playlist.NextMediaSequence > seen.Next, "the edge did not grow");
        Assert.True(playlist.MediaSequence >= seen.First, "the front went back");
        Assert.True(playlist.DiscontinuitySequence >= seen.Header, "the discontinuity sequence went back");
        Assert.True(
            seen.Target == 0 || publication.NewWindow || playlist.TargetDurationSeconds == seen.Target,
            "the target duration changed");
        long discontinuities = playlist.DiscontinuitySequence!.Value;
        for (int i = 0; i < playlist.Segments.Length; i++)
        {
            MediaSegment segment = playlist.Segments[i];
            long msn = playlist.MediaSequence + i;
            discontinuities += segment.Discontinuity ? 1 : 0;
            Assert.Equal(publication.Index.Segments[i].DiscontinuitySequence, discontinuities);
            Assert.True(
                Math.Round(segment.Duration.TotalSeconds) <= playlist.TargetDurationSeconds, "longer than the target");
            string sha = truth[segment.Uri].Sha256Of(rungOf[segment.Uri]);
            Assert.Equal(bytesOf.GetValueOrDefault(segment.Uri, sha), sha);
            if (lines.TryGetValue(("", msn), out MediaSegment? before))
            {
                Assert.Equal(before, segment);
                continue;
            }

            Assert.True(msn >= seen.Next, "a segment appeared behind the edge");
            // A switch that was started again knows only what it listed then.
            Assert.NotEqual(Restarts, shownIn.GetValueOrDefault(segment.Uri, -1));
            (bytesOf[segment.Uri], shownIn[segment.Uri]) = (sha, Restarts);
            lines[("", msn)] = segment;
            Show(truth[segment.Uri], segment.Discontinuity);
        }

        foreach (string name in publication.Index.MediaPlaylists)
            CheckAgainst(playlist, name, Render(publication.Index, name));
        seen = (playlist.MediaSequence, playlist.NextMediaSequence, playlist.DiscontinuitySequence.Value,
            playlist.TargetDurationSeconds);
    }

    /// <summary>Every playlist is of the same segments of the same origin, and always of one rung.</summary>
    private void CheckAgainst(MediaPlaylist main, string name, MediaPlaylist other)
    {
        Assert.Equal(
            (main.MediaSequence, main.DiscontinuitySequence, main.TargetDurationSeconds, main.Segments.Length),
            (other.MediaSequence, other.DiscontinuitySequence, other.TargetDurationSeconds, other.Segments.Length));
        for (int i = 0; i < other.Segments.Length; i++)
        {
            MediaSegment segment = other.Segments[i];
            Assert.Equal(main.Segments[i].Discontinuity, segment.Discontinuity);
            Assert.True(Math.Round(segment.Duration.TotalSeconds) <= other.TargetDurationSeconds, "longer than the target");
            Assert.Equal(truth[main.Segments[i].Uri], truth[segment.Uri]);
            Assert.Equal(rungIn.GetValueOrDefault(name, rungOf[segment.Uri]).Height, rungOf[segment.Uri].Height);
            rungIn[name] = rungOf[segment.Uri];
            (string, long) line = (name, other.MediaSequence + i);
            Assert.Equal(lines.GetValueOrDefault(line, segment), segment);
            lines[line] = segment;
        }
    }

    /// <summary>What does not go on where the one before ended must be said to.</summary>
    private void Show(TrueSegment segment, bool discontinuity)
    {
        if (Shown.Count > 0)
        {
            TrueSegment before = Shown[^1].Segment;
            bool continues = before.Origin == segment.Origin && before.Life == segment.Life
                && before.Msn + 1 == segment.Msn && !segment.Discontinuity;
            bool unknowable = overwritten.Contains(segment) || overwritten.Contains(before);
            Assert.True(continues || discontinuity || unknowable, $"{segment} follows {before} without a discontinuity");
        }

        Shown.Add((segment, discontinuity));
    }
}
