namespace Steadycast.Protocols.Codecs;

/// <summary>What an Opus packet says of its own length (RFC 6716, section 3.1).</summary>
public static class OpusPacket
{
    /// <summary>120 ms (R5).</summary>
    private const int MaxSamples = 5760;

    /// <summary>Samples at 48 kHz; 0 for bytes that are no packet.</summary>
    public static int SamplesOf(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty) return 0;
        var config = packet[0] >> 3;
        var perFrame = config switch
        {
            < 12 => (config & 3) switch { 0 => 480, 1 => 960, 2 => 1920, _ => 2880 },
            < 16 => (config & 1) == 0 ? 480 : 960,
            _ => 120 << (config & 3),
        };
        var frames = (packet[0] & 3) switch
        {
            0 => 1,
            1 or 2 => 2,
            _ => packet.Length > 1 ? packet[1] & 0x3F : 0,
        };
        var samples = perFrame * frames;
        return samples <= MaxSamples ? samples : 0;
    }
}
