using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Mp4;

/// <summary>The stsd entry of each codec: what a decoder is set up with.</summary>
internal static class SampleEntry
{
    private const byte FourByteLengths = 3;
    private const int AvcLengthSizeOffset = 4;
    private const int HevcLengthSizeOffset = 21;
    private const int HevcArraysOffset = 22;
    private const byte ArrayCompleteness = 0x80;
    private const byte AacObjectType = 0x40;
    private const byte Mpeg2AudioObjectType = 0x69;
    private const byte Mpeg1AudioObjectType = 0x6B;

    /// <summary>streamType 5 (audio) in six bits, upStream 0, reserved 1.</summary>
    private const byte AudioStream = 0x15;

    public static void Write(BoxWriter boxes, TrackDescription track)
    {
        var record = track.Config.Record;
        switch (track.Config.Codec)
        {
            case Codec.H264:
                WriteVideo(boxes, track, "avc1"u8, "avcC"u8, WithFourByteLengths(record.Span, AvcLengthSizeOffset));
                break;
            case Codec.H265:
                WriteVideo(boxes, track, "hvc1"u8, "hvcC"u8, CompleteHevc(record.Span));
                break;
            case Codec.Av1:
                WriteVideo(boxes, track, "av01"u8, "av1C"u8, record.Span);
                break;
            case Codec.Aac:
                using (boxes.Box("mp4a"u8))
                {
                    WriteAudioHead(boxes, track);
                    WriteElementaryStream(boxes, AacObjectType, record.Span);
                }

                break;
            case Codec.Mp3:
                using (boxes.Box("mp4a"u8))
                {
                    WriteAudioHead(boxes, track);
                    var isMpeg1 = Mp3Config.Parse(record.Span).IsMpeg1;
                    WriteElementaryStream(boxes, isMpeg1 ? Mpeg1AudioObjectType : Mpeg2AudioObjectType, []);
                }

                break;
            case Codec.Opus:
                using (boxes.Box("Opus"u8))
                {
                    WriteAudioHead(boxes, track);
                    WriteOpus(boxes, OpusConfig.Parse(record));
                }

                break;
            default:
                throw new CodecFormatException(track.Config.Codec.ToString(), 0, "No sample entry is known");
        }
    }

    /// <summary>VisualSampleEntry, 14496-12 section 12.1.3.</summary>
    private static void WriteVideo(
        BoxWriter boxes,
        TrackDescription track,
        ReadOnlySpan<byte> entry,
        ReadOnlySpan<byte> box,
        ReadOnlySpan<byte> record)
    {
        using var _ = boxes.Box(entry);
        boxes.Zeros(6);
        boxes.UInt16(1);
        boxes.Zeros(16);
        boxes.UInt16(track.Width);
        boxes.UInt16(track.Height);
        // 72 dpi, twice; both are said to be ignored.
        boxes.UInt32(0x00480000);
        boxes.UInt32(0x00480000);
        boxes.UInt32(0);
        boxes.UInt16(1);
        boxes.Zeros(32);
        boxes.UInt16(0x0018);
        boxes.UInt16(-1);
        using (boxes.Box(box)) boxes.Bytes(record);
    }

    /// <summary>AudioSampleEntry, 14496-12 section 12.2.3.</summary>
    private static void WriteAudioHead(BoxWriter boxes, TrackDescription track)
    {
        boxes.Zeros(6);
        boxes.UInt16(1);
        boxes.Zeros(8);
        boxes.UInt16(track.Channels);
        boxes.UInt16(16);
        boxes.Zeros(4);
        // 16.16 fixed point: a rate above 65535 Hz has no place here and stands in the codec's record only.
        boxes.UInt16(track.SampleRate <= ushort.MaxValue ? track.SampleRate : 0);
        boxes.UInt16(0);
    }

    /// <summary>
    /// esds: ES, decoder configuration, decoder specific and SL descriptors (14496-1, 7.2.6). MP3 has nothing specific:
    /// its frames say all.
    /// </summary>
    private static void WriteElementaryStream(BoxWriter boxes, byte objectType, ReadOnlySpan<byte> specific)
    {
        using var _ = boxes.FullBox("esds"u8, version: 0, flags: 0);
        const int HeadLength = 5;
        var decoderLength = 13 + (specific.IsEmpty ? 0 : HeadLength + specific.Length);
        WriteDescriptorHead(boxes, tag: 3, 3 + HeadLength + decoderLength + HeadLength + 1);
        boxes.Zeros(3);
        WriteDescriptorHead(boxes, tag: 4, decoderLength);
        boxes.UInt8(objectType);
        boxes.UInt8(AudioStream);
        boxes.Zeros(3 + 4 + 4);
        if (!specific.IsEmpty)
        {
            WriteDescriptorHead(boxes, tag: 5, specific.Length);
            boxes.Bytes(specific);
        }

        WriteDescriptorHead(boxes, tag: 6, 1);
        // Predefined SL configuration 2: the one for MP4.
        boxes.UInt8(2);
    }

    /// <summary>The length in four groups of seven bits: the form that every reader knows.</summary>
    private static void WriteDescriptorHead(BoxWriter boxes, byte tag, int length)
    {
        boxes.UInt8(tag);
        for (var shift = 21; shift > 0; shift -= 7) boxes.UInt8(0x80 | ((length >> shift) & 0x7F));
        boxes.UInt8(length & 0x7F);
    }

    /// <summary>dOps (Opus in ISO base media, 4.3.2): the identification header's fields, big-endian.</summary>
    private static void WriteOpus(BoxWriter boxes, OpusConfig opus)
    {
        using var _ = boxes.Box("dOps"u8);
        boxes.UInt8(0);
        boxes.UInt8(opus.Channels);
        boxes.UInt16(opus.PreSkip);
        boxes.Int32(opus.InputSampleRate);
        boxes.UInt16(opus.OutputGain);
        boxes.Bytes(opus.Mapping.Span);
    }

    private static byte[] WithFourByteLengths(ReadOnlySpan<byte> record, int offset)
    {
        var copy = record.ToArray();
        copy[offset] |= FourByteLengths;
        return copy;
    }

    /// <summary>
    /// hvc1 asks for array_completeness on parameter sets (14496-15, 8.4.1.1); publishers often leave it 0.
    /// </summary>
    private static byte[] CompleteHevc(ReadOnlySpan<byte> record)
    {
        var copy = WithFourByteLengths(record, HevcLengthSizeOffset);
        var at = HevcArraysOffset + 1;
        for (var array = 0; array < copy[HevcArraysOffset]; array++)
        {
            if ((copy[at] & 0x3F) is H265Nal.Vps or H265Nal.Sps or H265Nal.Pps) copy[at] |= ArrayCompleteness;
            var count = (copy[at + 1] << 8) | copy[at + 2];
            at += 3;
            for (var i = 0; i < count; i++) at += 2 + ((copy[at] << 8) | copy[at + 1]);
        }

        return copy;
    }
}
