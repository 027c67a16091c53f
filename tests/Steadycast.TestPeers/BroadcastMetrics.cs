using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Steadycast.Protocols.Codecs;

namespace Steadycast.TestPeers;

/// <summary>The timestamps that OBS writes into keyframes: "broadcast performance metrics".</summary>
public static class BroadcastMetrics
{
    private static readonly byte[] Uuid = Convert.FromHexString("0aecffe752724e2fa62fd19cd61a93b5");

    /// <summary>Four events, of which the first is the composition; the others come 5 ms after each other.</summary>
    public static byte[] Text(long utcMs, string zone = "Z")
    {
        byte[] message = [.. Uuid, 3];
        for (var e = 0; e < 4; e++)
        {
            var time = DateTimeOffset.FromUnixTimeMilliseconds(utcMs + (5 * e));
            var text = time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff", CultureInfo.InvariantCulture) + zone;
            message = [.. message, 1, (byte)(e + 1), .. Encoding.ASCII.GetBytes(text), 0];
        }

        return message;
    }

    /// <summary>As a number, which OBS knows but does not write.</summary>
    public static byte[] Number(long utcMs)
    {
        byte[] message = [.. Uuid, 0, 2, 1, .. new byte[8]];
        BinaryPrimitives.WriteInt64BigEndian(message.AsSpan(message.Length - 8), utcMs);
        return message;
    }

    /// <summary>The picture with the message in it, where OBS puts it; NAL units have 4-byte lengths.</summary>
    public static byte[] In(ReadOnlySpan<byte> picture, Codec codec, byte[] message)
    {
        if (codec == Codec.Av1)
            return [.. picture, 0x2A, .. Leb128(message.Length + 2), 6, .. message, 0x80];
        byte[] sei = [5, .. Enumerable.Repeat((byte)0xFF, message.Length / 255), (byte)(message.Length % 255)];
        var nal = Escaped([.. codec == Codec.H264 ? (byte[])[6] : [40 << 1, 1], .. sei, .. message, 0x80]);
        byte[] whole = [0, 0, (byte)(nal.Length >> 8), (byte)nal.Length, .. nal];
        return codec == Codec.H264 ? [.. whole, .. picture] : [.. picture, .. whole];
    }

    private static byte[] Leb128(int value) => value < 128 ? [(byte)value] : [(byte)(value | 0x80), (byte)(value >> 7)];

    private static byte[] Escaped(byte[] nal)
    {
        var (escaped, zeros) = (new List<byte>(), 0);
        foreach (var b in nal)
        {
            if (zeros == 2 && b <= 3)
            {
                escaped.Add(3);
                zeros = 0;
            }

            escaped.Add(b);
            zeros = b == 0 ? zeros + 1 : 0;
        }

        return [.. escaped];
    }
}
