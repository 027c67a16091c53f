namespace Steadycast.Protocols.MpegTs;

/// <summary>One coded picture or audio frame on its way into a segment.</summary>
/// <param name="TrackId">One of the segment's tracks.</param>
/// <param name="Dts">Media time in 1/90000 s, 64 bits; it wraps on the wire only.</param>
/// <param name="CompositionOffset">
/// PTS minus DTS in 1/90000 s; where negative, the written DTS is brought down to the PTS.
/// </param>
/// <param name="Payload">
/// Video: NAL units with 4-byte lengths; audio: one raw frame without ADTS (MP3: with its header).
/// </param>
public readonly record struct TsAccessUnit(
    byte TrackId,
    long Dts,
    int CompositionOffset,
    bool IsKeyframe,
    ReadOnlyMemory<byte> Payload);
