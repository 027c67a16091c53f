using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.MpegTs;

/// <summary>Program association and program map tables (2.4.4), both directions.</summary>
internal static class TsTables
{
    private const byte PatTableId = 0;
    private const byte PmtTableId = 2;
    private const int ProgramNumber = 1;
    private const int SectionHeader = 8;
    private const int CrcSize = 4;
    private const int MaxStreams = 32;

    /// <summary>registration_descriptor "HEVC": what FFmpeg writes and some demuxers ask for.</summary>
    private static readonly byte[] HevcDescriptor = [0x05, 4, (byte)'H', (byte)'E', (byte)'V', (byte)'C'];

    public static void Write(IBufferWriter<byte> output, long msn, ReadOnlySpan<TsElementaryStream> streams)
    {
        var counter = (int)(msn & 0x0F);
        Span<byte> section = stackalloc byte[TsPacket.MaxPayload - 1];

        var body = section[SectionHeader..];
        BinaryPrimitives.WriteUInt16BigEndian(body, ProgramNumber);
        BinaryPrimitives.WriteUInt16BigEndian(body[2..], 0xE000 | TsPacket.PmtPid);
        TsPacketWriter.WriteSection(output, TsPacket.PatPid, counter, Finish(section, PatTableId, bodyLength: 4));

        BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)(0xE000 | streams[0].Pid));
        BinaryPrimitives.WriteUInt16BigEndian(body[2..], 0xF000);
        var length = 4;
        foreach (var stream in streams)
        {
            ReadOnlySpan<byte> descriptor = stream.StreamType == TsStreamType.H265 ? HevcDescriptor : [];
            if (length + 5 + descriptor.Length > body.Length - CrcSize)
                throw new ArgumentException("more tracks than one section of one packet holds", nameof(streams));
            body[length] = stream.StreamType;
            BinaryPrimitives.WriteUInt16BigEndian(body[(length + 1)..], (ushort)(0xE000 | stream.Pid));
            BinaryPrimitives.WriteUInt16BigEndian(body[(length + 3)..], (ushort)(0xF000 | descriptor.Length));
            descriptor.CopyTo(body[(length + 5)..]);
            length += 5 + descriptor.Length;
        }

        TsPacketWriter.WriteSection(output, TsPacket.PmtPid, counter, Finish(section, PmtTableId, length));
    }

    /// <summary>The PMT's PID of the first program, or null when this is no intact association table.</summary>
    public static int? ReadPmtPid(ReadOnlySpan<byte> section)
    {
        for (var body = BodyOf(section, PatTableId); body.Length >= 4; body = body[4..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(body) != 0)
                return BinaryPrimitives.ReadUInt16BigEndian(body[2..]) & TsPacket.MaxPid;
        }

        return null;
    }

    /// <summary>The program, or null when this is no intact map table.</summary>
    public static TsProgram? ReadProgram(ReadOnlySpan<byte> section)
    {
        var body = BodyOf(section, PmtTableId);
        if (body.Length < 4)
            return null;
        var pcrPid = BinaryPrimitives.ReadUInt16BigEndian(body) & TsPacket.MaxPid;
        var infoLength = BinaryPrimitives.ReadUInt16BigEndian(body[2..]) & 0x0FFF;
        if (body.Length < 4 + infoLength)
            return null;
        body = body[(4 + infoLength)..];
        var streams = new List<TsProgramStream>();
        while (body.Length >= 5 && streams.Count < MaxStreams)
        {
            var pid = BinaryPrimitives.ReadUInt16BigEndian(body[1..]) & TsPacket.MaxPid;
            streams.Add(new TsProgramStream(pid, body[0]));
            var length = 5 + (BinaryPrimitives.ReadUInt16BigEndian(body[3..]) & 0x0FFF);
            if (body.Length < length)
                return null;
            body = body[length..];
        }

        return new TsProgram(pcrPid, streams);
    }

    /// <summary>
    /// Fills in header and CRC around a body of <paramref name="bodyLength"/> bytes that is in place.
    /// </summary>
    private static ReadOnlySpan<byte> Finish(Span<byte> section, byte tableId, int bodyLength)
    {
        var length = SectionHeader + bodyLength + CrcSize;
        section[0] = tableId;
        // section_syntax_indicator, '0', reserved, length of what follows
        BinaryPrimitives.WriteUInt16BigEndian(section[1..], (ushort)(0xB000 | length - 3));
        // transport_stream_id, or program_number: both are 1
        BinaryPrimitives.WriteUInt16BigEndian(section[3..], ProgramNumber);
        // version 0, current; section 0 of 0
        section[5] = 0xC1;
        section[6] = 0;
        section[7] = 0;
        var end = length - CrcSize;
        BinaryPrimitives.WriteUInt32BigEndian(section[end..], Crc32.Compute(section[..end]));
        return section[..length];
    }

    private static ReadOnlySpan<byte> BodyOf(ReadOnlySpan<byte> section, byte tableId)
    {
        if (section.Length < SectionHeader + CrcSize || section[0] != tableId)
            return [];
        var length = 3 + (BinaryPrimitives.ReadUInt16BigEndian(section[1..]) & 0x0FFF);
        if (length < SectionHeader + CrcSize || length > section.Length || Crc32.Compute(section[..length]) != 0)
            return [];
        return section[SectionHeader..(length - CrcSize)];
    }
}
