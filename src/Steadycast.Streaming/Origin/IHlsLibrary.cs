namespace Steadycast.Streaming.Origin;

/// <summary>
/// What stands behind the viewers' door: a store that a packager fills, or the switch's merged timeline.
/// </summary>
internal interface IHlsLibrary
{
    /// <summary>The stream behind <c>/hls/index.m3u8</c>; null while it is not decided.</summary>
    string? DefaultStream { get; }

    IReadOnlyCollection<string> Streams { get; }

    /// <summary>Reads memory only; asked for every playlist request.</summary>
    /// <param name="rendered">Not null when the stream is live or stalled.</param>
    StreamState Find(string stream, out RenderedStream? rendered);

    /// <summary>
    /// Before a playlist is answered: returns at once, or soon when viewers may know a newer one from elsewhere.
    /// </summary>
    ValueTask CatchUpAsync(string stream, CancellationToken cancellationToken);

    /// <summary>A segment or initialisation section; null when it is not listed and not retained.</summary>
    ValueTask<SegmentResponse?> FindObjectAsync(string stream, string name, CancellationToken cancellationToken);

    /// <summary>Returns when the edge is above <paramref name="edge"/>, or after <paramref name="timeout"/>.</summary>
    ValueTask WaitAsync(string stream, long edge, TimeSpan timeout, CancellationToken cancellationToken);
}

/// <summary>How a stream stands, as <c>X-Stream-State</c> says it.</summary>
internal enum StreamState
{
    Unknown,

    /// <summary>Known, but nothing has been published yet: 503, come back.</summary>
    Cold,

    Live,

    /// <summary>No progress for longer than a player expects; the last playlist is served all the same.</summary>
    Stalled,
}
