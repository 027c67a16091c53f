using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Finds out how the origins of a stream are to be followed: one that has an <c>index.json</c> is ours, one that has a
/// playlist and says that it has no index is not.
/// </summary>
internal sealed class KindProbe(
    IReadOnlyList<OriginClient> origins, SwitchOptions options, SwitchMetrics metrics)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyList<SwitchOrigin> _places = [.. options.AllOrigins()];

    /// <summary>How the first origin that can tell wants to be followed; null when none can yet.</summary>
    public async Task<FollowMode?> AskAsync(string stream, CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(origins.Select((_, i) => AskAsync(i, stream, cancellationToken)));
        return answers.FirstOrDefault(a => a is not null);
    }

    /// <summary>Whether the origin has a playlist where it should; following it tells what is wrong with it.</summary>
    public async Task<bool> HasPlaylistAsync(int origin, string stream, CancellationToken cancellationToken)
    {
        var address = options.PlaylistOf(_places[origin], stream);
        var answer = await origins[origin].GetTextAsync(address, Timeout, cancellationToken);
        metrics.Fetched(origins[origin].Name, "playlist", answer.Fault, answer.Status, answer.Elapsed);
        if (answer.Fault != OriginFault.None)
            return false;
        try
        {
            PlaylistReader.Parse(Encoding.UTF8.GetString(answer.Value.Span));
            return true;
        }
        catch (PlaylistFormatException)
        {
            return false;
        }
    }

    /// <summary>Whether an answer says that there is no such thing, rather than nothing at all.</summary>
    public static bool IsDenial(OriginFault fault) =>
        fault is OriginFault.NotFound or OriginFault.Status or OriginFault.Garbage;

    private async Task<FollowMode?> AskAsync(int origin, string stream, CancellationToken cancellationToken)
    {
        // In this order: a stream of ours that appears between the two has its index before its playlist.
        var hasPlaylist = await HasPlaylistAsync(origin, stream, cancellationToken);
        var client = origins[origin];
        var index = await client.GetIndexAsync(stream, -1, TimeSpan.Zero, Timeout, null, cancellationToken);
        metrics.Fetched(client.Name, "index", index.Fault, index.Status, index.Elapsed);
        if (index.Fault == OriginFault.None)
            return FollowMode.Index;
        return hasPlaylist && IsDenial(index.Fault) ? FollowMode.Playlist : null;
    }
}
