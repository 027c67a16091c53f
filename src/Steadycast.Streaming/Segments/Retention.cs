namespace Steadycast.Streaming.Segments;

/// <summary>Which objects of one stream are named by its index, which have left it, and when those may go.</summary>
/// <remarks>
/// An object may go twice the window plus 30 s after no playlist names it: longer than any player that holds the oldest
/// playlist can take to ask for it (section 6.2.2 wants one playlist length). Not thread-safe.
/// </remarks>
internal sealed class Retention(TimeProvider clock)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary>Name to the moment since when no index names it; null: named now.</summary>
    private readonly Dictionary<string, long?> _unnamedSince = new(StringComparer.Ordinal);
    private TimeSpan _keep = Grace;

    public int Count => _unnamedSince.Count;

    /// <summary>An object has been stored, or was found there; until an index names it, its time runs.</summary>
    public void Stored(string name)
    {
        if (!_unnamedSince.TryGetValue(name, out var since) || since is not null)
            _unnamedSince[name] = clock.GetTimestamp();
    }

    /// <summary>From now on <paramref name="index"/> is what readers see.</summary>
    public void Published(StreamIndex index)
    {
        _keep = TimeSpan.FromMicroseconds(index.Segments.Sum(s => s.Duration) * 100 / 9) * 2 + Grace;
        var named = new HashSet<string>(StringComparer.Ordinal);
        named.UnionWith(index.Segments.Where(s => !s.Gap).SelectMany(s => s.Objects).Select(o => o.Uri));
        named.UnionWith(index.Maps.Select(m => m.Uri));

        var now = clock.GetTimestamp();
        foreach (var name in _unnamedSince.Keys)
        {
            if (!named.Contains(name))
                _unnamedSince[name] ??= now;
        }

        foreach (var name in named)
            _unnamedSince[name] = null;
    }

    /// <summary>
    /// Objects whose time has passed; each stays listed until <see cref="Removed"/> says that it is gone.
    /// </summary>
    public List<string> Expired()
    {
        var expired = new List<string>();
        foreach (var (name, since) in _unnamedSince)
        {
            if (since is { } moment && clock.GetElapsedTime(moment) >= _keep)
                expired.Add(name);
        }

        return expired;
    }

    public void Removed(string name) => _unnamedSince.Remove(name);
}
