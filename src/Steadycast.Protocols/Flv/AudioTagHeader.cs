using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Flv;

/// <summary>What an audio message carries: Enhanced RTMP's AudioPacketType; legacy AAC has 0 and 1 of them.</summary>
public enum AudioPacketType : byte
{
    /// <summary>The decoder configuration record.</summary>
    SequenceStart = 0,
    CodedFrames = 1,
    SequenceEnd = 2,
    MultichannelConfig = 4,
    Multitrack = 5,
    ModEx = 7,
}

/// <summary>The header before the coded data of one audio track in an RTMP or FLV audio message.</summary>
/// <param name="PacketType">
/// Never Multitrack or ModEx: those are unwrapped. Other unknown values are to be ignored.
/// </param>
/// <param name="Codec">Null: a codec that is only carried.</param>
/// <param name="FourCc">Enhanced RTMP's code, also for legacy AAC and MP3; 0 for other legacy codecs.</param>
/// <param name="HeaderLength">Where the coded data (or the configuration record) starts in the payload.</param>
/// <param name="Track">Enhanced RTMP's track id; 0 for a message without tracks.</param>
public readonly record struct AudioTagHeader(
    AudioPacketType PacketType,
    Codec? Codec,
    uint FourCc,
    int HeaderLength,
    byte Track) : ITagHeader<AudioTagHeader>
{
    private const byte LegacyMp3 = 2;
    private const byte ExSoundFormat = 9;
    private const byte LegacyAac = 10;
    private const byte LegacyMp3At8KHz = 14;

    /// <summary>Length of this track's coded data, from <see cref="HeaderLength"/>.</summary>
    public int BodyLength { get; private init; }

    private byte MultitrackKind { get; init; }

    public bool IsSequenceHeader => PacketType == AudioPacketType.SequenceStart;

    /// <summary>Whether the body is a coded audio frame.</summary>
    public bool IsCodedFrame => PacketType == AudioPacketType.CodedFrames;

    /// <summary>Reads the header of the message's first track; false when it is too short or not understood.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out AudioTagHeader header)
    {
        header = default;
        if (payload.IsEmpty) return false;
        var format = (byte)(payload[0] >> 4);
        if (format == ExSoundFormat)
        {
            var low = (byte)(payload[0] & 0x0F);
            if (!ExHeader.TryRead(payload, low, (byte)AudioPacketType.Multitrack, out var ex)) return false;
            header = Finish(ex);
            return true;
        }

        if (format == LegacyAac)
        {
            if (payload.Length < 2 || payload[1] > (byte)AudioPacketType.CodedFrames) return false;
            header = new AudioTagHeader((AudioPacketType)payload[1], Codecs.Codec.Aac, Flv.FourCc.Mp4a, 2, 0)
            {
                BodyLength = payload.Length - 2,
            };
            return true;
        }

        Codec? codec = format is LegacyMp3 or LegacyMp3At8KHz ? Codecs.Codec.Mp3 : null;
        header = new AudioTagHeader(AudioPacketType.CodedFrames, codec, codec is null ? 0 : Flv.FourCc.Mp3, 1, 0)
        {
            BodyLength = payload.Length - 1,
        };
        return true;
    }

    /// <summary>
    /// Reads the header of the track after this one in the same message; false when this was the last.
    /// </summary>
    public bool TryReadNext(ReadOnlySpan<byte> payload, out AudioTagHeader next)
    {
        // A caller's loop passes this very header as the next one: it must not change before it has been read.
        var current = this;
        next = default;
        var kind = (byte)(current.MultitrackKind - 1);
        var end = current.HeaderLength + current.BodyLength;
        if (!ExHeader.TryReadNext(payload, (byte)current.PacketType, kind, current.FourCc, end, out var ex))
            return false;
        next = Finish(ex);
        return true;
    }

    private static AudioTagHeader Finish(in ExHeader ex) =>
        new((AudioPacketType)ex.PacketType, Flv.FourCc.ToCodec(ex.FourCc), ex.FourCc, ex.BodyStart, ex.Track)
        {
            BodyLength = ex.BodyEnd - ex.BodyStart,
            // Stored plus one, so that default means "no tracks".
            MultitrackKind = (byte)(ex.MultitrackKind + 1),
        };
}
