using System.Buffers;
using System.Buffers.Binary;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.MpegTs;

namespace Steadycast.Protocols.Tests.MpegTs;

/// <summary>Tracks with real configuration records, and access units of any size on a regular grid.</summary>
internal static class TestTracks
{
    public static readonly TrackConfig Video = new(1, Codec.H264, Hex.Bytes(
        "0142c00dffe100186742c00dd90141fb0110000003001000000303c0f142a48001000568cb83cb20"));

    public static readonly TrackConfig Audio = new(2, Codec.Aac, Hex.Bytes("1190")); // LC, 48 kHz, stereo

    public static readonly TrackConfig Audio44 = new(2, Codec.Aac, Hex.Bytes("1210"));

    public static readonly byte[] Sps = Hex.Bytes("6742c00dd90141fb0110000003001000000303c0f142a480");
    public static readonly byte[] Pps = Hex.Bytes("68cb83cb20");

    public static byte[] Nals(params byte[][] nals)
    {
        var unit = new byte[nals.Sum(n => n.Length + 4)];
        var at = 0;
        foreach (var nal in nals)
        {
            BinaryPrimitives.WriteInt32BigEndian(unit.AsSpan(at), nal.Length);
            nal.CopyTo(unit, at + 4);
            at += 4 + nal.Length;
        }

        return unit;
    }

    public static byte[] Slice(Random random, bool key, int length)
    {
        var nal = new byte[Math.Max(2, length)];
        random.NextBytes(nal);
        nal[0] = (byte)(key ? 0x65 : 0x41);
        return nal;
    }

    public static TsAccessUnit Picture(Random random, long dts, bool key, int length, int composition = 0) =>
        new(1, dts, composition, key, Nals(Slice(random, key, length)));

    public static TsAccessUnit Frame(Random random, long dts, int length)
    {
        var frame = new byte[length];
        random.NextBytes(frame);
        return new TsAccessUnit(2, dts, 0, true, frame);
    }

    /// <summary>
    /// Two seconds at 25 fps and 48 kHz from <paramref name="start"/>, sizes by <paramref name="random"/>.
    /// </summary>
    public static List<TsAccessUnit> TwoSeconds(
        Random random,
        long start,
        bool video = true,
        bool audio = true,
        int maxSize = 3000)
    {
        var units = new List<TsAccessUnit>();
        if (video)
        {
            for (var i = 0; i < 50; i++)
            {
                var size = random.Next(1, i == 0 ? 10 * maxSize : maxSize);
                units.Add(Picture(random, start + i * 3600, i == 0, size, i % 3 * 3600));
            }
        }

        if (audio)
        {
            for (var dts = (start + 1919) / 1920 * 1920; dts < start + 180_000; dts += 1920)
                units.Add(Frame(random, dts, random.Next(1, 600)));
        }

        return [.. units.OrderBy(u => u.Dts).ThenBy(u => u.TrackId)];
    }

    public static byte[] Write(long msn, long end, IReadOnlyList<TsAccessUnit> units, params TrackConfig[] tracks)
    {
        var output = new ArrayBufferWriter<byte>();
        TsSegmentWriter.Write(output, tracks, msn, end, units);
        return output.WrittenSpan.ToArray();
    }
}
