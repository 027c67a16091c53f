using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.MpegTs;

/// <summary>Writes single transport stream packets.</summary>
internal static class TsPacketWriter
{
    private const int FlagsSize = 2;
    private const int PcrSize = 6;

    /// <summary>What flags and PCR take of a packet, in bytes.</summary>
    public static int AdaptationSize(byte flags) =>
        flags == 0 ? 0 : FlagsSize + ((flags & TsPacket.PcrFlag) != 0 ? PcrSize : 0);

    /// <param name="counter">Its low four bits are the continuity counter.</param>
    /// <param name="payload">No more than fits; empty: an adaptation field alone.</param>
    public static void Write(
        IBufferWriter<byte> output,
        int pid,
        bool start,
        int counter,
        byte flags,
        long? pcr,
        ReadOnlySpan<byte> payload)
    {
        var packet = output.GetSpan(TsPacket.Size)[..TsPacket.Size];
        var adaptation = TsPacket.MaxPayload - payload.Length;
        packet[0] = TsPacket.Sync;
        packet[1] = (byte)((start ? TsPacket.PayloadUnitStart : 0) | pid >> 8);
        packet[2] = (byte)pid;
        packet[3] = (byte)((adaptation > 0 ? TsPacket.HasAdaptation : 0)
            | (payload.IsEmpty ? 0 : TsPacket.HasPayload) | counter & 0x0F);
        if (adaptation > 0)
            WriteAdaptation(packet.Slice(TsPacket.HeaderSize, adaptation), flags, pcr);
        payload.CopyTo(packet[(TsPacket.HeaderSize + adaptation)..]);
        output.Advance(TsPacket.Size);
    }

    /// <summary>A payload that is one section, after its pointer field, the rest of the packet stuffed.</summary>
    public static void WriteSection(IBufferWriter<byte> output, int pid, int counter, ReadOnlySpan<byte> section)
    {
        Span<byte> payload = stackalloc byte[TsPacket.MaxPayload];
        payload.Fill(0xFF);
        payload[0] = 0;
        section.CopyTo(payload[1..]);
        Write(output, pid, start: true, counter, flags: 0, pcr: null, payload);
    }

    private static void WriteAdaptation(Span<byte> field, byte flags, long? pcr)
    {
        field[0] = (byte)(field.Length - 1);
        if (field.Length == 1)
            return;
        field[1] = flags;
        field[2..].Fill(0xFF);
        if (pcr is not { } time)
            return;
        // base 33 | reserved 6 | extension 9, which stays 0
        BinaryPrimitives.WriteUInt32BigEndian(field[2..], (uint)(time >> 1));
        field[6] = (byte)((time & 1) << 7 | 0x7E);
        field[7] = 0;
    }
}
