using System.Buffers.Binary;

namespace Steadycast.Protocols.Codecs;

/// <summary>The Opus identification header (RFC 7845, section 5.1).</summary>
/// <param name="Mapping">Channel mapping family and, unless it is 0, the mapping table after it.</param>
public sealed record OpusConfig(
    int Channels, int PreSkip, int InputSampleRate, short OutputGain, ReadOnlyMemory<byte> Mapping)
{
    /// <summary>Opus always decodes to 48 kHz.</summary>
    public const int SampleRate = 48000;

    /// <summary>20 ms: what every live encoder sends; a packet's own length is in its first byte.</summary>
    public const int UsualSamplesPerFrame = 960;

    private const string Subject = "OpusHead";
    private const int Length = 19;
    private const int MappingOffset = 18;

    /// <exception cref="CodecFormatException">Not such a header.</exception>
    public static OpusConfig Parse(ReadOnlyMemory<byte> record)
    {
        var span = record.Span;
        if (span.Length < Length) throw new CodecFormatException(Subject, span.Length, "Ends too early");
        if (!span.StartsWith("OpusHead"u8)) throw new CodecFormatException(Subject, 0, "Does not begin with OpusHead");
        if ((span[8] & 0xF0) != 0) throw new CodecFormatException(Subject, 8, $"Version {span[8]}; 0 to 15 are known");
        var channels = span[9];
        if (channels == 0) throw new CodecFormatException(Subject, 9, "No channels");
        var tableLength = span[MappingOffset] == 0 ? 0 : 2 + channels;
        if (span.Length < Length + tableLength)
            throw new CodecFormatException(Subject, span.Length, "Ends inside the channel mapping");
        return new OpusConfig(
            channels,
            BinaryPrimitives.ReadUInt16LittleEndian(span[10..]),
            BinaryPrimitives.ReadInt32LittleEndian(span[12..]),
            BinaryPrimitives.ReadInt16LittleEndian(span[16..]),
            record.Slice(MappingOffset, 1 + tableLength));
    }
}
