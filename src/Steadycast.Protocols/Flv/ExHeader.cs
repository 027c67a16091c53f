using System.Buffers.Binary;

namespace Steadycast.Protocols.Flv;

/// <summary>
/// The part of an Enhanced RTMP header that audio and video share: ModEx packets, the multitrack fields, the FourCC.
/// </summary>
/// <remarks>
/// <code>
/// first byte | n x ( ModEx: size-1 UI8, or FF and size-1 UI16 | data | option UB4, next packet type UB4 )
///            | multitrack: ( kind UB4, packet type UB4 )
///            | FourCC, unless kind is ManyTracksManyCodecs
///            | per track: ( FourCC of ManyTracksManyCodecs | track id UI8 | size UI24 unless OneTrack ) | body
/// </code>
/// Enhanced RTMP v2, "ExVideoTagHeader" and "ExAudioTagHeader". <c>Multitrack</c> has another number in each.
/// </remarks>
internal struct ExHeader
{
    /// <summary>Real senders use one or two ModEx packets; more is an attack on the loop.</summary>
    private const int MaxModEx = 8;

    private const byte ModEx = 7;
    private const byte NotMultitrack = 0xFF;
    private const byte OneTrack = 0;
    private const byte ManyTracks = 1;
    private const byte ManyTracksManyCodecs = 2;

    public byte PacketType;
    public byte MultitrackKind;
    public uint FourCc;
    public byte Track;
    public int BodyStart;

    /// <summary>Where this track's body ends; the end of the payload unless the message says otherwise.</summary>
    public int BodyEnd;

    /// <summary>Reads from the second byte; <paramref name="packetType"/> is the first byte's low nibble.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, byte packetType, byte multitrackType, out ExHeader header)
    {
        header = new ExHeader { PacketType = packetType, MultitrackKind = NotMultitrack };
        var at = 1;
        for (var count = 0; header.PacketType == ModEx; count++)
        {
            if (count == MaxModEx || !TrySkipModEx(payload, ref at, out header.PacketType)) return false;
        }

        if (header.PacketType == multitrackType)
        {
            if (payload.Length <= at) return false;
            header.MultitrackKind = (byte)(payload[at] >> 4);
            header.PacketType = (byte)(payload[at] & 0x0F);
            at++;
            // A multitrack message inside a multitrack message has no meaning, and neither has a kind above 2.
            if (header.MultitrackKind > ManyTracksManyCodecs) return false;
            if (header.PacketType == multitrackType || header.PacketType == ModEx) return false;
        }

        if (header.MultitrackKind != ManyTracksManyCodecs && !TryReadFourCc(payload, ref at, out header.FourCc))
            return false;
        return header.TryReadTrack(payload, at);
    }

    /// <summary>Moves to the next track of the same message; false when there is none or it is cut off.</summary>
    public static bool TryReadNext(
        ReadOnlySpan<byte> payload, byte packetType, byte kind, uint fourCc, int previousEnd, out ExHeader header)
    {
        header = new ExHeader { PacketType = packetType, MultitrackKind = kind, FourCc = fourCc };
        if (kind is not (ManyTracks or ManyTracksManyCodecs) || previousEnd >= payload.Length) return false;
        return header.TryReadTrack(payload, previousEnd);
    }

    private bool TryReadTrack(ReadOnlySpan<byte> payload, int at)
    {
        BodyEnd = payload.Length;
        if (MultitrackKind != NotMultitrack)
        {
            if (MultitrackKind == ManyTracksManyCodecs && !TryReadFourCc(payload, ref at, out FourCc)) return false;
            if (payload.Length <= at) return false;
            Track = payload[at++];
            if (MultitrackKind != OneTrack)
            {
                if (payload.Length < at + 3) return false;
                var size = (payload[at] << 16) | (payload[at + 1] << 8) | payload[at + 2];
                at += 3;
                if (size > payload.Length - at) return false;
                BodyEnd = at + size;
            }
        }

        BodyStart = at;
        return true;
    }

    private static bool TryReadFourCc(ReadOnlySpan<byte> payload, ref int at, out uint fourCc)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(payload[Math.Min(at, payload.Length)..], out fourCc)) return false;
        at += 4;
        return true;
    }

    private static bool TrySkipModEx(ReadOnlySpan<byte> payload, ref int at, out byte nextPacketType)
    {
        nextPacketType = 0;
        if (payload.Length <= at) return false;
        var size = payload[at++] + 1;
        if (size == 256)
        {
            if (payload.Length < at + 2) return false;
            size = BinaryPrimitives.ReadUInt16BigEndian(payload[at..]) + 1;
            at += 2;
        }

        if (payload.Length - at <= size) return false;
        at += size;
        nextPacketType = (byte)(payload[at++] & 0x0F);
        return true;
    }
}
