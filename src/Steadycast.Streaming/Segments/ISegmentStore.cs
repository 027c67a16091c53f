namespace Steadycast.Streaming.Segments;

/// <summary>
/// Where a packager puts what it made and an origin finds it: memory when both are one process, a directory when not.
/// </summary>
/// <remarks>
/// One writer per stream. Order of writing is put, then publish: what a published index names can be read, always.
/// Objects that have left the window stay readable for the retention time, then go.
/// </remarks>
public interface ISegmentStore
{
    /// <summary>Names of the streams that have a published index.</summary>
    IReadOnlyCollection<string> Streams { get; }

    /// <summary>
    /// The index last published by this process or, in a directory, by another one; null when there is none.
    /// </summary>
    StreamIndex? Find(string stream);

    /// <summary>Stores a segment or an initialisation section; whole or not at all.</summary>
    /// <exception cref="IOException">No room, no right, no such folder. Nothing published is lost.</exception>
    ValueTask PutAsync(string stream, string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Makes <paramref name="index"/> what readers see, playlists included, and removes what has expired.
    /// </summary>
    /// <exception cref="IOException">As for <see cref="PutAsync"/>; readers keep seeing the index before.</exception>
    ValueTask PublishAsync(StreamIndex index, CancellationToken cancellationToken);

    /// <summary>The bytes of a stored object, or null when there is no such object (any more).</summary>
    ValueTask<ReadOnlyMemory<byte>?> ReadAsync(string stream, string name, CancellationToken cancellationToken);

    /// <summary>
    /// Waits until the stream's edge is above <paramref name="edge"/>, and returns its index; null when
    /// <paramref name="timeout"/> passes first.
    /// </summary>
    ValueTask<StreamIndex?> WaitAsync(string stream, long edge, TimeSpan timeout, CancellationToken cancellationToken);
}
