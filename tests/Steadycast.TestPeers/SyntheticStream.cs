using System.Globalization;
using System.Security.Cryptography;
using Steadycast.Streaming.Segments;

namespace Steadycast.TestPeers;

/// <summary>A stream that any number of origins hold alike: every segment is a function of its number.</summary>
/// <param name="name">The stream's name.</param>
/// <param name="targetSeconds">Length of every segment, and the target duration.</param>
/// <param name="segmentBytes">Size of every segment.</param>
public sealed class SyntheticStream(string name, int targetSeconds = 1, int segmentBytes = 20_000)
{
    public const long Base = 54_321_000;

    private const long AnchorUtcMs = 1_767_225_600_000; // 2026-01-01T00:00:00Z

    private readonly byte[] init = "initialisation section"u8.ToArray();

    public string Name => name;

    public string InitName => "init-1a2b3c4d.mp4";

    /// <summary>The bytes of an object by its name; null for a name that is none.</summary>
    public byte[]? Bytes(string objectName)
    {
        if (objectName == InitName)
            return init;
        return objectName.EndsWith(".m4s", StringComparison.Ordinal) && long.TryParse(objectName[..^4], out long msn)
            ? Bytes(msn)
            : null;
    }

    public byte[] Bytes(long msn)
    {
        byte[] bytes = new byte[segmentBytes];
        new Random((int)msn).NextBytes(bytes);
        return bytes;
    }

    public SegmentRecord Record(long msn)
    {
        long duration = targetSeconds * 90_000L;
        return new SegmentRecord
        {
            Msn = msn,
            Uri = msn.ToString(CultureInfo.InvariantCulture) + ".m4s",
            MapUri = InitName,
            Time = (msn - Base) * duration,
            Duration = duration,
            ProgramDateTimeMs = AnchorUtcMs + (msn - Base) * targetSeconds * 1000,
            DiscontinuitySequence = 0,
            EpochId = 1,
            Bytes = segmentBytes,
            Sha256 = Hash(Bytes(msn)),
        };
    }

    /// <summary>What an origin says that lists these segments.</summary>
    public StreamIndex Index(long first, long edge) => new()
    {
        Stream = name,
        TargetDurationSeconds = targetSeconds,
        Segments = [.. Enumerable.Range(0, (int)(edge - first + 1)).Select(i => Record(first + i))],
        Maps = [new MapRecord(InitName, init.Length, Hash(init))],
        Variant = new VariantInfo(1_000_000, 1_000_000, "avc1.64001f,mp4a.40.2", 1280, 720, 30),
    };

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
