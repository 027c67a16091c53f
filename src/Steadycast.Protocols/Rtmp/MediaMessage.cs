namespace Steadycast.Protocols.Rtmp;

/// <summary>One whole audio, video or data message, as RTMP and FLV carry it.</summary>
/// <param name="Type">Audio, Video or DataAmf0.</param>
/// <param name="Timestamp">Milliseconds as on the wire: 32 bits, wraps after 49.7 days, any start.</param>
/// <param name="Payload">The FLV tag body. Valid only until the reader that handed it out is called again.</param>
public readonly record struct MediaMessage(RtmpMessageType Type, uint Timestamp, ReadOnlyMemory<byte> Payload);
