namespace Steadycast.Protocols.MpegTs;

/// <summary>
/// The layout of a transport stream packet (ISO/IEC 13818-1, 2.4.3.2), and the numbers that this program uses.
/// </summary>
/// <remarks><code>
/// 0       sync 0x47
/// 1..2    error 1 | payload_unit_start 1 | priority 1 | PID 13
/// 3       scrambling 2 | adaptation 1 | payload 1 | continuity_counter 4
/// 4..     [adaptation field: length, flags, PCR, stuffing] [payload]
/// </code></remarks>
internal static class TsPacket
{
    public const int Size = 188;
    public const int HeaderSize = 4;
    public const int MaxPayload = Size - HeaderSize;
    public const byte Sync = 0x47;

    public const int PatPid = 0;
    public const int NullPid = 0x1FFF;
    public const int MaxPid = 0x1FFF;

    /// <summary>What FFmpeg uses too, so that tools show what people know.</summary>
    public const int PmtPid = 0x1000;

    /// <summary>The first track's; track n is n - 1 above.</summary>
    public const int FirstMediaPid = 0x100;

    public const byte PayloadUnitStart = 0x40;
    public const byte HasAdaptation = 0x20;
    public const byte HasPayload = 0x10;

    public const byte DiscontinuityFlag = 0x80;
    public const byte RandomAccessFlag = 0x40;
    public const byte PcrFlag = 0x10;

    /// <summary>PTS and DTS are counted modulo this: a wrap every 26.5 h.</summary>
    public const long TimeMask = (1L << 33) - 1;
}

/// <summary>stream_type of a PMT (table 2-34, and ATSC and Apple for the rest).</summary>
public static class TsStreamType
{
    public const byte Mpeg1Audio = 0x03;
    public const byte Mpeg2Audio = 0x04;
    public const byte AacAdts = 0x0F;
    public const byte H264 = 0x1B;
    public const byte H265 = 0x24;
}
