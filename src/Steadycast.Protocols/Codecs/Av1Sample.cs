using System.Buffers;

namespace Steadycast.Protocols.Codecs;

/// <summary>One AV1 temporal unit as a sample of ISO base media (AV1 in ISO base media 1.2, section 2.4).</summary>
/// <param name="IsRandomAccess">It begins with a key frame that is shown, and has its sequence header with it.</param>
/// <param name="SequenceHeader">Payload of the sequence header that the publisher sent in it; empty: none.</param>
/// <param name="Bytes">
/// Its OBUs, each with its size, without temporal delimiters, padding and users' own metadata; at a key frame with the
/// sequence header.
/// </param>
public readonly record struct Av1Sample(
    bool IsRandomAccess, ReadOnlyMemory<byte> SequenceHeader, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>show_existing_frame 0, frame_type KEY_FRAME, show_frame 1: a frame header's first bits.</summary>
    private const byte ShownKeyFrame = 0x10;
    private const byte FirstFourBits = 0xF0;
    private const int FirstUserPrivateMetadata = 6;
    private const int LastUserPrivateMetadata = 31;

    /// <summary>False when there is no frame in it.</summary>
    /// <param name="unit">As RTMP brings it; what is returned holds copies.</param>
    /// <param name="config">In force: its sequence header goes to a key frame that brings none.</param>
    /// <exception cref="CodecFormatException">It is not made of OBUs.</exception>
    public static bool TryRead(ReadOnlySpan<byte> unit, Av1Config config, out Av1Sample sample)
    {
        sample = default;
        var output = new ArrayBufferWriter<byte>(unit.Length + config.SequenceHeader.Length + 8);
        bool? isKey = null;
        var isReducedStill = config.IsReducedStill;
        ReadOnlyMemory<byte> sequenceHeader = default;
        foreach (var obu in Av1Obus.Of(unit))
        {
            if (obu.Type is Av1Obu.TemporalDelimiter or Av1Obu.Padding || IsUserPrivate(obu)) continue;
            if (obu.Type == Av1Obu.SequenceHeader && sequenceHeader.IsEmpty)
            {
                sequenceHeader = obu.Payload.ToArray();
                isReducedStill = Av1SequenceHeader.Parse(obu.Payload).IsReducedStill;
            }
            else if (obu.Type is Av1Obu.Frame or Av1Obu.FrameHeader && isKey is null && !obu.Payload.IsEmpty)
                isKey = isReducedStill || (obu.Payload[0] & FirstFourBits) == ShownKeyFrame;

            obu.Write(output);
        }

        if (isKey is null) return false;
        var bytes = output.WrittenMemory;
        var isRandomAccess = isKey.Value && !(sequenceHeader.IsEmpty && config.SequenceHeader.IsEmpty);
        if (isRandomAccess && sequenceHeader.IsEmpty) bytes = Prefixed(config.SequenceHeader.Span, bytes.Span);
        sample = new Av1Sample(isRandomAccess, sequenceHeader, bytes);
        return true;
    }

    /// <summary>
    /// Metadata of a user's own kind (6.7.1): not for players, and dav1d 1.0 has a warning for each.
    /// </summary>
    private static bool IsUserPrivate(in Av1Obu obu) =>
        obu.Type == Av1Obu.Metadata && !obu.Payload.IsEmpty
        && obu.Payload[0] is >= FirstUserPrivateMetadata and <= LastUserPrivateMetadata;

    private static ReadOnlyMemory<byte> Prefixed(ReadOnlySpan<byte> sequenceHeader, ReadOnlySpan<byte> obus)
    {
        var output = new ArrayBufferWriter<byte>(sequenceHeader.Length + 8 + obus.Length);
        new Av1Obu(Av1Obu.SequenceHeader << 3, 0, sequenceHeader).Write(output);
        output.Write(obus);
        return output.WrittenMemory;
    }
}
