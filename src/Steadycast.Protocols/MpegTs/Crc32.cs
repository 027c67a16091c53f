namespace Steadycast.Protocols.MpegTs;

/// <summary>CRC-32/MPEG-2: polynomial 04C11DB7, not reflected, no final inversion (ISO/IEC 13818-1, annex A).</summary>
public static class Crc32
{
    private const uint Polynomial = 0x04C11DB7;

    private static readonly uint[] Table = MakeTable();

    /// <summary>Over a section with its CRC at the end the result is 0.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
            crc = (crc << 8) ^ Table[(crc >> 24) ^ b];
        return crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            var crc = i << 24;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 0x8000_0000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            table[i] = crc;
        }

        return table;
    }
}
