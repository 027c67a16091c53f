using System.Buffers;
using Steadycast.Protocols.Amf;
using Steadycast.Protocols.Rtmp.Chunks;

namespace Steadycast.Protocols.Rtmp.Messages;

/// <summary>
/// Writes the small messages of a session, on the chunk streams that servers and encoders use for them.
/// </summary>
internal sealed class MessageWriter(IBufferWriter<byte> output, ArrayBufferWriter<byte> scratch, int chunkSize)
{
    private const int ControlChunkStream = 2;
    private const int CommandChunkStream = 3;

    /// <summary>Control messages "must have message stream ID 0 and be sent in chunk stream ID 2" (5.4).</summary>
    public void WriteControl(RtmpMessageType type, ReadOnlySpan<byte> payload) =>
        ChunkWriter.Write(output, ControlChunkStream, type, 0, 0, payload, chunkSize);

    /// <summary>A command: its name, its transaction and its arguments, the command object first.</summary>
    public void WriteCommand(uint streamId, string name, double transaction, params ReadOnlySpan<Amf0Value> arguments)
    {
        scratch.ResetWrittenCount();
        var amf = new Amf0Writer(scratch);
        amf.WriteString(name);
        amf.WriteNumber(transaction);
        foreach (Amf0Value argument in arguments)
            amf.WriteValue(argument);
        ChunkWriter.Write(
            output,
            CommandChunkStream,
            RtmpMessageType.CommandAmf0,
            streamId,
            0,
            scratch.WrittenSpan,
            chunkSize);
    }

    public void WriteStatus(uint streamId, StatusInfo status) =>
        WriteCommand(streamId, "onStatus", 0, Amf0Value.Null, status.ToValue());
}
