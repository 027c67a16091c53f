using System.Collections.Immutable;
using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Failover;

/// <summary>A media playlist from anywhere, checked for what the switch can follow, with all addresses whole.</summary>
/// <param name="Segments">Oldest first, never empty.</param>
internal sealed record SourcePlaylist(
    ImmutableArray<SourceSegment> Segments,
    int TargetDurationSeconds,
    bool IndependentSegments)
{
    private const int MaxTargetDuration = 3600;

    /// <exception cref="FormatException">Not a playlist, or one that cannot be followed; says why.</exception>
    public static SourcePlaylist Read(ReadOnlySpan<byte> text, Uri address, TimeSpan now) =>
        Of(PlaylistReader.ParseMedia(Encoding.UTF8.GetString(text)), address, now);

    /// <summary>
    /// Several media playlists of one origin as one: what all of them list, number by number. An origin that does not
    /// cut its playlists alike cannot be followed.
    /// </summary>
    /// <param name="playlists">The first one's segments carry the others'.</param>
    /// <param name="independent">Whether the multivariant playlist says so of the segments of all.</param>
    /// <exception cref="FormatException">They do not belong together; says why.</exception>
    public static SourcePlaylist Join(IReadOnlyList<SourcePlaylist> playlists, bool independent)
    {
        if (playlists.Count == 1 && !independent)
            return playlists[0];
        var first = playlists.Max(p => p.Segments[0].Msn);
        var edge = playlists.Min(p => p.Segments[^1].Msn);
        if (edge < first)
            throw new FormatException("its media playlists have no number in common");
        var segments = ImmutableArray.CreateBuilder<SourceSegment>((int)(edge - first + 1));
        independent |= playlists.All(p => p.IndependentSegments);
        for (var msn = first; msn <= edge; msn++)
            segments.Add(Join([.. playlists.Select(p => p.Segments[(int)(msn - p.Segments[0].Msn)])], independent));
        return new SourcePlaylist(
            segments.MoveToImmutable(),
            playlists.Max(p => p.TargetDurationSeconds),
            independent);
    }

    private static SourceSegment Join(ImmutableArray<SourceSegment> alike, bool independent)
    {
        var main = alike[0];
        foreach (var other in alike)
        {
            if (Math.Abs(other.DateMs - main.DateMs ?? 0) > Math.Max(500, main.Duration / 180))
                throw new FormatException(
                    $"its media playlists are not cut alike: in one segment {main.Msn} begins "
                    + $"{Math.Abs(other.DateMs - main.DateMs ?? 0)} ms from where it does in another");
        }

        return main with
        {
            Companions =
                [.. alike.Skip(1).Select(s => new SourceObject(s.Media, s.Map, s.Duration, s.DateMs))],
            Discontinuity = alike.Any(s => s.Discontinuity),
            Gap = alike.Any(s => s.Gap),
            Independent = independent,
        };
    }

    /// <exception cref="FormatException">A playlist that cannot be followed; says why.</exception>
    public static SourcePlaylist Of(MediaPlaylist playlist, Uri address, TimeSpan now)
    {
        if (playlist.Segments.IsEmpty)
            throw new FormatException("the playlist lists no segments");
        if (playlist.IFramesOnly)
            throw new FormatException("it is a playlist of I-frames only");
        if (playlist.SkippedSegments > 0)
            throw new FormatException("it is a delta update that nobody asked for");
        var longest = playlist.Segments.Max(s => s.Duration);
        if (longest > TimeSpan.FromSeconds(MaxTargetDuration) || playlist.TargetDurationSeconds > MaxTargetDuration)
            throw new FormatException("a duration is out of range");
        var segments = ImmutableArray.CreateBuilder<SourceSegment>(playlist.Segments.Length);
        var seenAt = now;
        for (var i = playlist.Segments.Length - 1; i >= 0; i--)
        {
            var segment = playlist.Segments[i];
            if (!segment.Keys.IsEmpty)
                throw new FormatException("its segments are encrypted, so nobody could check them");
            segments.Add(new SourceSegment
            {
                Msn = playlist.MediaSequence + i,
                Run = 0,
                Media = new MediaSource(Resolve(address, segment.Uri), segment.ByteRange),
                Map = segment.Map is { } map ? new MediaSource(Resolve(address, map.Uri), map.ByteRange) : null,
                Duration = Ticks.Of(segment.Duration),
                DateMs = segment.ProgramDateTime?.ToUnixTimeMilliseconds(),
                Discontinuity = segment.Discontinuity,
                Gap = segment.Gap || Ticks.Of(segment.Duration) < 1,
                Independent = playlist.IndependentSegments,
                SeenAt = seenAt,
            });
            seenAt -= segment.Duration;
        }

        segments.Reverse();
        return new SourcePlaylist(
            Dated(segments),
            Math.Max(playlist.TargetDurationSeconds, Rounded(Ticks.Of(longest))),
            playlist.IndependentSegments);
    }

    /// <summary>
    /// Section 4.4.3.1: "when rounded to the nearest integer, MUST be less than or equal to" the target duration.
    /// </summary>
    public static int Rounded(long duration) =>
        (int)Math.Max(1, (duration + Ticks.PerSecond / 2) / Ticks.PerSecond);

    /// <summary>"One EXT-X-PROGRAM-DATE-TIME … applies to all that follow" and, backwards, to those before.</summary>
    private static ImmutableArray<SourceSegment> Dated(ImmutableArray<SourceSegment>.Builder segments)
    {
        for (var i = 1; i < segments.Count; i++)
        {
            if (segments[i].DateMs is null && segments[i - 1].DateEndMs is { } date)
                segments[i] = segments[i] with { DateMs = date };
        }

        for (var i = segments.Count - 2; i >= 0; i--)
        {
            if (segments[i].DateMs is null && segments[i + 1].DateMs is { } date)
                segments[i] = segments[i] with { DateMs = date - segments[i].Duration / 90 };
        }

        return segments.ToImmutable();
    }

    /// <summary>What a playlist names is fetched by us, so it must not lead to places that nobody configured.</summary>
    public static Uri Resolve(Uri address, string uri)
    {
        if (!Uri.TryCreate(address, uri, out var resolved))
            throw new FormatException("a URI in it is none");
        return resolved.Scheme == address.Scheme && resolved.Authority == address.Authority
            ? resolved
            : throw new FormatException("it names segments or playlists on another server");
    }
}
