using System.Collections.Immutable;
using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Failover;

/// <summary>The playlists of one origin that is not ours, asked for time and again.</summary>
/// <remarks>
/// The first media playlist sets the pace: the others are asked when it has moved, or while they are behind it. One
/// task at a time.
/// </remarks>
internal sealed class OriginSight(OriginClient client, Uri address, SwitchInbox inbox, SwitchParts parts)
{
    /// <summary>A multivariant playlist hardly changes, but addresses in it may be signed for a while only.</summary>
    private static readonly TimeSpan MaxSetAge = TimeSpan.FromSeconds(10);

    private readonly Dictionary<Uri, Seen> _seen = [];
    private SourceSet? _set;
    private TimeSpan _setReadAt;
    private SourceOffer? _offer;

    /// <summary>What the origin has now, the very same as before while nothing has changed.</summary>
    public async Task<(SourceOffer? Offer, OriginFault Fault, string Error)> LookAsync(
        TimeSpan timeout, CancellationToken cancellationToken)
    {
        var (fault, error) = await ReadAllAsync(timeout, cancellationToken);
        if (fault != OriginFault.None)
        {
            (_set, _offer) = (null, null);
            _seen.Clear();
            return (null, fault, error);
        }

        var playlists = _set!.Addresses.Select(a => _seen[a].Playlist!).ToImmutableArray();
        var isSame = ReferenceEquals(_offer?.Set, _set)
            && _offer!.Playlists.Zip(playlists).All(pair => ReferenceEquals(pair.First, pair.Second));
        if (!isSame)
            _offer = new SourceOffer(_set, playlists);
        return (_offer, OriginFault.None, "");
    }

    private async Task<(OriginFault Fault, string Error)> ReadAllAsync(
        TimeSpan timeout, CancellationToken cancellationToken)
    {
        var before = _set is null ? null : _seen.GetValueOrDefault(_set.Addresses[0]);
        if (_set?.Playlists is null || inbox.Now - _setReadAt > MaxSetAge)
        {
            var (seen, fault, error) = await ReadAsync(address, timeout, cancellationToken);
            if (seen is null)
                return (fault, error);
            _seen[address] = seen;
            (_set, _setReadAt) = (seen.Set, inbox.Now);
            foreach (var old in _seen.Keys.Where(a => a != address && !_set.Addresses.Contains(a)).ToList())
                _seen.Remove(old);
        }

        var main = _set.Addresses[0];
        if (main != address && await ReadMediaAsync([main], timeout, cancellationToken) is { } lost)
            return lost;
        var others = _set.Addresses[1..];
        var moved = !ReferenceEquals(_seen[main], before);
        var late = others.Any(a => !_seen.TryGetValue(a, out var other) || other.Edge < _seen[main].Edge);
        return moved || late
            ? await ReadMediaAsync(others, timeout, cancellationToken) ?? default
            : default;
    }

    /// <summary>All at one time; the first fault of any, or null.</summary>
    private async Task<(OriginFault Fault, string Error)?> ReadMediaAsync(
        ImmutableArray<Uri> addresses, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(addresses.Select(a => ReadAsync(a, timeout, cancellationToken)));
        foreach (var (where, (seen, fault, error)) in addresses.Zip(answers))
        {
            if (seen is null)
                return (fault, error);
            if (seen.Playlist is null)
                return (OriginFault.Garbage, "a multivariant playlist names another one");
            _seen[where] = seen;
        }

        return null;
    }

    private async Task<(Seen? Seen, OriginFault Fault, string Error)> ReadAsync(
        Uri where, TimeSpan timeout, CancellationToken cancellationToken)
    {
        // The client keeps its own deadline; the second one is for the day that it does not.
        var answer = await client.GetTextAsync(where, timeout, cancellationToken)
            .WaitAsync(2 * timeout, parts.Time, cancellationToken);
        var (fault, error) = (answer.Fault, answer.Error);
        var seen = _seen.GetValueOrDefault(where);
        if (fault != OriginFault.None)
            seen = null;
        else if (seen is null || !answer.Value.Span.SequenceEqual(seen.Text.Span))
            (seen, fault, error) = Parse(where, answer.Value);
        parts.Metrics.Fetched(client.Name, "playlist", fault, answer.Status, answer.Elapsed);
        return (seen, fault, error);
    }

    private (Seen? Seen, OriginFault Fault, string Error) Parse(Uri where, ReadOnlyMemory<byte> text)
    {
        try
        {
            var seen = PlaylistReader.Parse(Encoding.UTF8.GetString(text.Span)) switch
            {
                MediaPlaylist media =>
                    new Seen(text, SourceSet.OfOne(where), SourcePlaylist.Of(media, where, inbox.Now)),
                MultivariantPlaylist several => new Seen(text, SourceSet.Of(several, where), Playlist: null),
                _ => throw new FormatException("a playlist of an unknown kind"),
            };
            return (seen, OriginFault.None, "");
        }
        catch (FormatException e)
        {
            return (null, OriginFault.Garbage, e.Message);
        }
    }

    /// <param name="Set">Of a media playlist: that one alone.</param>
    /// <param name="Playlist">Null for a multivariant playlist.</param>
    private sealed record Seen(ReadOnlyMemory<byte> Text, SourceSet Set, SourcePlaylist? Playlist)
    {
        public long Edge => Playlist!.Segments[^1].Msn;
    }
}
