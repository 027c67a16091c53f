namespace Steadycast.Protocols.MpegTs;

/// <summary>One PES packet: of video one picture, of audio one or more frames.</summary>
/// <param name="Pts">1/90000 s, 33 bits; null when it has none.</param>
/// <param name="Dts">As PTS where the packet has only that.</param>
/// <param name="RandomAccess">The random access indicator of its first transport packet.</param>
/// <param name="Payload">The elementary stream's bytes.</param>
public sealed record TsPes(
    int Pid,
    byte StreamType,
    byte StreamId,
    long? Pts,
    long? Dts,
    bool RandomAccess,
    ReadOnlyMemory<byte> Payload);
