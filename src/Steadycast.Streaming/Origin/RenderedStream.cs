using System.Collections.Frozen;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Origin;

/// <summary>A stream's index and the answers made from it; replaced whole by one volatile write per publish.</summary>
internal sealed class RenderedStream
{
    private readonly FrozenDictionary<string, PlaylistResponse> _media;
    private readonly string _lastSequence;
    private readonly string _lastUpdated;
    private readonly string _lastModified;

    /// <param name="index">What is published.</param>
    /// <param name="publishedAt">When its edge was published, for headers.</param>
    /// <param name="timestamp">The same moment on the monotonic clock.</param>
    public RenderedStream(StreamIndex index, DateTimeOffset publishedAt, long timestamp)
    {
        const string playlistType = "application/vnd.apple.mpegurl";
        Index = index;
        Timestamp = timestamp;
        // A second is at most half of any target duration in use, and what Apple asks of live playlists.
        _media = index.MediaPlaylists.ToFrozenDictionary(
            name => name,
            name => new PlaylistResponse(PlaylistBuilder.Media(index, name), playlistType, "max-age=1"),
            StringComparer.Ordinal);
        var half = Math.Max(1, index.TargetDurationSeconds / 2);
        Multivariant = new PlaylistResponse(PlaylistBuilder.Multivariant(index), playlistType, $"max-age={half}");
        Json = new PlaylistResponse(StreamIndexJson.Write(index), "application/json", "no-cache");
        _lastSequence = index.Edge.ToString(CultureInfo.InvariantCulture);
        _lastUpdated = publishedAt.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        _lastModified = publishedAt.ToString("R", CultureInfo.InvariantCulture);
    }

    public StreamIndex Index { get; }

    public long Timestamp { get; }

    /// <summary>What viewers without a choice of sound are given.</summary>
    public PlaylistResponse Media => _media[ObjectName.MediaPlaylist];

    public PlaylistResponse Multivariant { get; }

    public PlaylistResponse Json { get; }

    /// <summary>One of the stream's media playlists; null when it has none of this name.</summary>
    public PlaylistResponse? FindMedia(string name) => _media.GetValueOrDefault(name);

    public StreamState StateAt(TimeProvider time) =>
        time.GetElapsedTime(Timestamp) > Index.Patience() ? StreamState.Stalled : StreamState.Live;

    /// <summary>
    /// For external monitors, as MediaPackage names them: the edge, and when it was published in Unix ms.
    /// </summary>
    public void WriteManifestHeaders(IHeaderDictionary headers, StreamState state)
    {
        headers["X-Stream-State"] = state == StreamState.Stalled ? "stalled" : "live";
        headers["X-Manifest-Last-Sequence"] = _lastSequence;
        headers["X-Manifest-Last-Updated"] = _lastUpdated;
        headers.LastModified = _lastModified;
    }
}
