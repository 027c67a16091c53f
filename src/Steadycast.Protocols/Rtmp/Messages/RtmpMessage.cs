namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>One whole message as it came off the chunk streams.</summary>
/// <param name="Timestamp">Absolute, in milliseconds, 32 bits that wrap.</param>
/// <param name="StreamId">The message stream: 0 is the connection, others come from createStream.</param>
/// <param name="Payload">Valid only until the reader that handed it out is called again.</param>
public readonly record struct RtmpMessage(
    int ChunkStreamId,
    RtmpMessageType Type,
    uint StreamId,
    uint Timestamp,
    ReadOnlyMemory<byte> Payload);
