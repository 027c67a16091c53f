using System.Collections.Immutable;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// What the multivariant playlist of an origin that is not ours offers: its media playlists, and how they would be
/// called here. Pure.
/// </summary>
/// <param name="Playlists">Null for an origin that has one media playlist and nothing above it.</param>
/// <param name="Addresses">Of the media playlists, in the order of <see cref="PlaylistSet.Names"/>.</param>
internal sealed record SourceSet(PlaylistSet? Playlists, ImmutableArray<Uri> Addresses, bool IndependentSegments)
{
    /// <summary>Neighbours in a ladder are further apart than two encoders' ideas of one rung.</summary>
    private const double MaxBandwidthRatio = 2;

    /// <summary>An origin whose address is that of a media playlist.</summary>
    public static SourceSet OfOne(Uri address) => new(Playlists: null, [address], IndependentSegments: false);

    /// <exception cref="FormatException">It cannot be followed; says why.</exception>
    public static SourceSet Of(MultivariantPlaylist playlist, Uri address)
    {
        // The same once more is a spare copy elsewhere: the other origins are ours.
        var variants = playlist.Variants.DistinctBy(v => v with { Uri = "" }).ToList();
        var groups = variants.SelectMany(v => (string?[])[v.Audio, v.Subtitles]).ToHashSet();
        var renditions = playlist.Renditions
            .Where(r => r.Type is not ("AUDIO" or "SUBTITLES") || groups.Contains(r.GroupId)).ToList();
        if (variants.Count == 0)
            throw new FormatException("the multivariant playlist lists no variants");
        var addresses = new List<Uri>();
        var names = new List<string>();
        string NameOf(string uri, string kind)
        {
            var resolved = SourcePlaylist.Resolve(address, uri);
            if (addresses.IndexOf(resolved) is var known and >= 0)
                return names[known];
            if (addresses.Count == PlaylistSet.MaxPlaylists)
                throw new FormatException($"it has more than {PlaylistSet.MaxPlaylists} media playlists");
            addresses.Add(resolved);
            names.Add(names.Count == 0
                ? ObjectName.MediaPlaylist
                : $"{kind}-{names.Count(n => n.StartsWith(kind, StringComparison.Ordinal)) + FirstOf(kind)}.m3u8");
            return names[^1];
        }

        var set = new PlaylistSet(
            [.. variants.Select(v => v with { Uri = NameOf(v.Uri, "variant") })],
            [.. renditions.Select(r => r.Uri is { } uri ? r with { Uri = NameOf(uri, KindOf(r)) } : r)]);
        return new SourceSet(set, [.. addresses], playlist.IndependentSegments);
    }

    /// <summary>Which of its media playlists are those that are published, in their order.</summary>
    /// <remarks>
    /// Variants by picture size, codecs and the nearest bandwidth; renditions by type and name, or by type alone when
    /// there is one of it. What it has beyond them is left alone.
    /// </remarks>
    /// <param name="published">Null: one playlist of which nothing is known.</param>
    /// <exception cref="FormatException">It lacks one; says which.</exception>
    public ImmutableArray<int> Match(PlaylistSet? published)
    {
        if (Playlists is null || published is null)
        {
            var wanted = published?.Names.Length ?? 1;
            return Addresses.Length == 1 && wanted == 1
                ? [0]
                : throw new FormatException(
                    $"it has {Counted(Addresses.Length)}, the published stream has {Counted(wanted)}");
        }

        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        MatchVariants(published, Playlists, found);
        MatchRenditions(published, Playlists, found);
        return
        [
            .. published.Names.Select(name => found.TryGetValue(name, out var theirs)
                ? Playlists.Names.IndexOf(theirs)
                : throw new FormatException($"it has nothing like {Described(published, name)}")),
        ];
    }

    private static int FirstOf(string kind) => kind == "variant" ? 2 : 1;

    private static string KindOf(Rendition rendition) => rendition.Type switch
    {
        "AUDIO" => "audio",
        "SUBTITLES" => "subtitles",
        "VIDEO" => "video",
        _ => throw new FormatException("it has a rendition of a type that no specification knows"),
    };

    /// <summary>The nearest pair first, each playlist once.</summary>
    private static void MatchVariants(
        PlaylistSet published, PlaylistSet offered, Dictionary<string, string> found)
    {
        var pairs =
            from ours in published.Variants.DistinctBy(v => v.Uri).Index()
            from theirs in offered.Variants.DistinctBy(v => v.Uri).Index()
            where AreAlike(ours.Item, theirs.Item)
                && HasAudioApart(published, ours.Item) == HasAudioApart(offered, theirs.Item)
            orderby DistanceOf(ours.Item, theirs.Item), Math.Abs(ours.Index - theirs.Index)
            select (Ours: ours.Item.Uri, Theirs: theirs.Item.Uri);
        Take(pairs, found);
    }

    private static void MatchRenditions(
        PlaylistSet published, PlaylistSet offered, Dictionary<string, string> found)
    {
        var ours = published.Renditions.Where(r => r.Uri is not null).DistinctBy(r => r.Uri).ToList();
        var theirs = offered.Renditions.Where(r => r.Uri is not null).DistinctBy(r => r.Uri).ToList();
        var pairs =
            from a in ours.Index()
            from b in theirs.Index()
            where a.Item.Type == b.Item.Type
                && (a.Item.Name == b.Item.Name || (IsOnly(ours, a.Item) && IsOnly(theirs, b.Item)))
            orderby a.Item.GroupId == b.Item.GroupId ? 0 : 1, Math.Abs(a.Index - b.Index)
            select (Ours: a.Item.Uri!, Theirs: b.Item.Uri!);
        Take(pairs, found);

        static bool IsOnly(List<Rendition> all, Rendition one) => all.Count(r => r.Type == one.Type) == 1;
    }

    private static void Take(IEnumerable<(string Ours, string Theirs)> pairs, Dictionary<string, string> found)
    {
        foreach (var (ours, theirs) in pairs)
        {
            if (!found.ContainsValue(theirs))
                found.TryAdd(ours, theirs);
        }
    }

    private static bool AreAlike(VariantStream a, VariantStream b)
    {
        if (a.Codecs.Length > 0 && b.Codecs.Length > 0 && !Families(a.Codecs).SetEquals(Families(b.Codecs)))
            return false;
        return a.Width > 0 && b.Width > 0
            ? (a.Width, a.Height) == (b.Width, b.Height)
            : DistanceOf(a, b) <= Math.Log(MaxBandwidthRatio);
    }

    private static double DistanceOf(VariantStream a, VariantStream b) => a.Bandwidth == 0 || b.Bandwidth == 0
        ? 0
        : Math.Abs(Math.Log((double)a.Bandwidth / b.Bandwidth));

    /// <summary><c>avc1.64001f,mp4a.40.2</c> is of avc1 and mp4a.</summary>
    private static HashSet<string> Families(string codecs) =>
        [.. codecs.Split(',', StringSplitOptions.TrimEntries).Select(codec => codec.Split('.')[0])];

    /// <summary>Whether a variant would be silent without its renditions.</summary>
    private static bool HasAudioApart(PlaylistSet set, VariantStream variant) =>
        variant.Audio is { } group
        && set.Renditions.Where(r => r.Type == "AUDIO" && r.GroupId == group).ToList() is { Count: > 0 } audio
        && audio.All(r => r.Uri is not null);

    private static string Counted(int playlists) =>
        playlists == 1 ? "one media playlist" : $"{playlists} media playlists";

    private static string Described(PlaylistSet set, string name)
    {
        if (set.Variants.FirstOrDefault(v => v.Uri == name) is not { } variant)
        {
            var rendition = set.Renditions.First(r => r.Uri == name);
            return $"the rendition {rendition.Type} {rendition.Name}";
        }

        return $"the variant of {variant.Bandwidth / 1000} kb/s"
            + (variant.Width > 0 ? $", {variant.Width}x{variant.Height}" : "")
            + (variant.Codecs.Length > 0 ? $", {variant.Codecs}" : "");
    }
}

/// <summary>An origin's media playlists as they were read last.</summary>
/// <param name="Playlists">One for each address of the set.</param>
internal sealed record SourceOffer(SourceSet Set, ImmutableArray<SourcePlaylist> Playlists)
{
    /// <summary>As one playlist, in the order of those that are published.</summary>
    /// <exception cref="FormatException">They cannot stand for those that are published; says why.</exception>
    public SourcePlaylist JoinedFor(PlaylistSet? published) =>
        SourcePlaylist.Join([.. Set.Match(published).Select(i => Playlists[i])], Set.IndependentSegments);

    /// <summary>As one playlist, in its own order, while nothing is published.</summary>
    /// <exception cref="FormatException">They do not belong together; says why.</exception>
    public SourcePlaylist Joined() => SourcePlaylist.Join(Playlists, Set.IndependentSegments);
}
