using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Steadycast.Protocols.Codecs;

/// <summary>
/// The time of day at which a picture was made, where the encoder wrote it into the picture: the timestamps of OBS's
/// "broadcast performance metrics", on each keyframe, in UTC.
/// </summary>
/// <remarks>
/// <code>
/// H.264, H.265: SEI message user_data_unregistered; AV1: metadata OBU of type 6 (user private), then trailing bits
///   UUID 16 bytes | reserved 4, number - 1 UB4 | number x ( type UI8 | event UI8 | value )
///   type 1: RFC 3339 text and a zero byte; 2: ms since 1970, UI64; 3: ns since the one before, UI64
///   event 1: composed; 2: handed to the encoder; 3: encoded; 4: handed to the output
/// </code>
/// OBS puts it behind an H.265 picture (suffix SEI), before an H.264 one, and behind an AV1 one.
/// </remarks>
public static class WallClock
{
    /// <summary>Four timestamps as text are 130 bytes; more is not read.</summary>
    private const int MaxMessageBytes = 1024;

    private const int MaxTextBytes = 64;
    private const int UserDataUnregistered = 5;
    private const int UserPrivateMetadata = 6;
    private const byte TypeText = 1;
    private const byte TypeMilliseconds = 2;
    private const byte TypeDelta = 3;
    private const byte EventComposed = 1;

    private static ReadOnlySpan<byte> Uuid =>
        [0x0A, 0xEC, 0xFF, 0xE7, 0x52, 0x72, 0x4E, 0x2F, 0xA6, 0x2F, 0xD1, 0x9C, 0xD6, 0x1A, 0x93, 0xB5];

    /// <summary>When the picture was composed, in Unix milliseconds; null where it does not say so.</summary>
    /// <param name="track">Of video.</param>
    /// <param name="picture">One access unit as the publisher sent it.</param>
    /// <exception cref="CodecFormatException">The picture is not made of NAL units, or of OBUs.</exception>
    public static long? Read(TrackDescription track, ReadOnlySpan<byte> picture)
    {
        if (track.Config.Codec == Codec.Av1) return ReadObus(picture);
        var isH264 = track.Config.Codec == Codec.H264;
        foreach (var nal in NalUnits.Of(picture, track.NalLengthSize))
        {
            var header = isH264 ? 1 : 2;
            var isSei = isH264
                ? H264Nal.TypeOf(nal) == H264Nal.Sei
                : H265Nal.TypeOf(nal) is H265Nal.PrefixSei or H265Nal.SuffixSei;
            if (isSei && nal.Length > header && ReadSei(nal[header..]) is { } time) return time;
        }

        return null;
    }

    private static long? ReadObus(ReadOnlySpan<byte> picture)
    {
        foreach (var obu in Av1Obus.Of(picture))
        {
            // The metadata's type is leb128 too; those that are known have one byte.
            if (obu.Type == Av1Obu.Metadata && !obu.Payload.IsEmpty && obu.Payload[0] == UserPrivateMetadata
                && ReadTimestamps(obu.Payload[1..]) is { } time)
                return time;
        }

        return null;
    }

    /// <summary>sei_message() of H.264 and H.265 alike (7.3.2.3.1, 7.3.5).</summary>
    private static long? ReadSei(ReadOnlySpan<byte> escaped)
    {
        Span<byte> buffer = stackalloc byte[MaxMessageBytes];
        ReadOnlySpan<byte> sei = buffer[..Unescape(escaped, buffer)];
        // The last byte holds the trailing bits.
        while (sei.Length > 2)
        {
            var type = ReadExtended(ref sei);
            var size = ReadExtended(ref sei);
            if (size > sei.Length) return null;
            if (type == UserDataUnregistered && ReadTimestamps(sei[..size]) is { } time) return time;
            sei = sei[size..];
        }

        return null;
    }

    private static int ReadExtended(ref ReadOnlySpan<byte> bytes)
    {
        var value = 0;
        while (!bytes.IsEmpty)
        {
            var b = bytes[0];
            bytes = bytes[1..];
            value += b;
            if (b != 0xFF) break;
        }

        return value;
    }

    /// <summary>Without the 03 of 00 00 03, as far as there is room; how many bytes that is.</summary>
    private static int Unescape(ReadOnlySpan<byte> escaped, Span<byte> output)
    {
        var (length, zeros) = (0, 0);
        foreach (var b in escaped)
        {
            if (zeros >= 2 && b == 3)
            {
                zeros = 0;
                continue;
            }

            if (length == output.Length) break;
            output[length++] = b;
            zeros = b == 0 ? zeros + 1 : 0;
        }

        return length;
    }

    private static long? ReadTimestamps(ReadOnlySpan<byte> message)
    {
        if (message.Length <= Uuid.Length || !message.StartsWith(Uuid)) return null;
        var count = (message[Uuid.Length] & 0x0F) + 1;
        var rest = message[(Uuid.Length + 1)..];
        for (; count > 0 && rest.Length > 2; count--)
        {
            var (type, tag) = (rest[0], rest[1]);
            rest = rest[2..];
            var length = type switch
            {
                TypeText => rest.IndexOf((byte)0) + 1,
                TypeMilliseconds or TypeDelta => sizeof(ulong),
                _ => 0,
            };
            if (length == 0 || length > rest.Length) return null;
            if (tag == EventComposed && type != TypeDelta) return ReadTime(type, rest[..length]);
            rest = rest[length..];
        }

        return null;
    }

    private static long? ReadTime(byte type, ReadOnlySpan<byte> value)
    {
        if (type == TypeMilliseconds)
        {
            var milliseconds = BinaryPrimitives.ReadUInt64BigEndian(value);
            return milliseconds <= long.MaxValue ? (long)milliseconds : null;
        }

        if (value.Length > MaxTextBytes) return null;
        var text = Encoding.ASCII.GetString(value[..^1]);
        return DateTimeOffset.TryParseExact(
            text,
            "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time)
            ? time.ToUnixTimeMilliseconds()
            : null;
    }
}
