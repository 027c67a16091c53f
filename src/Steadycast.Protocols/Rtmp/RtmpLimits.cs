namespace Steadycast.Protocols.Rtmp;

/// <summary>
/// What one RTMP connection may ask of us. The first four bound a peer that nobody has authorised yet: it costs us no
/// more than about 64 KB; the others bound a publisher or a player.
/// </summary>
public sealed record RtmpLimits
{
    public static RtmpLimits Default { get; } = new();

    /// <summary>
    /// Bytes after the handshake until publish or play is accepted. Default 64 KB: the longest real prologue (OBS with
    /// its codec maps and a signed key) is about 2 KB.
    /// </summary>
    public int MaxBytesBeforePublish { get; init; } = 64 * 1024;

    /// <summary>One message until publish is accepted. Default 64 KB, as above.</summary>
    public int MaxMessageBytesBeforePublish { get; init; } = 64 * 1024;

    /// <summary>Characters of <c>app</c>, query excluded. Default 128.</summary>
    public int MaxAppLength { get; init; } = 128;

    /// <summary>
    /// Characters of a stream's name with its query. Default 512: signed keys of services reach about 300.
    /// </summary>
    public int MaxNameLength { get; init; } = 512;

    /// <summary>Characters of <c>tcUrl</c>. Default 1024: an app, a host and a signed query.</summary>
    public int MaxTcUrlLength { get; init; } = 1024;

    /// <summary>
    /// One message of a publisher. Default 16,777,215, all that the 24-bit length can say: a keyframe of 4K at the
    /// highest quality is about 4 MB, and buffers grow only with bytes that came.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 0xFFFFFF;

    /// <summary>
    /// Memory for the messages in flight of one connection. Default 32 MB: one message of the greatest length and its
    /// doubled buffer.
    /// </summary>
    public int MaxBufferedBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// The smallest chunk size that a peer may set. Default 128, the protocol's initial one: chunks of one byte are
    /// legal and cost more than ten times their weight (Red5 and SRS set the same floor).
    /// </summary>
    public int MinChunkSize { get; init; } = 128;

    /// <summary>
    /// The largest chunk size that a peer may set. Default 65,536, the largest that encoders are seen to use.
    /// </summary>
    public int MaxChunkSize { get; init; } = 65_536;

    /// <summary>Chunk streams of one connection. Default 32: encoders use three to six.</summary>
    public int MaxChunkStreams { get; init; } = 32;
}
