using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Steadycast.Streaming.Segments;

namespace Steadycast.Server.Tests.Segments;

/// <summary>Records and indexes as a packager makes them, with bytes that can be told apart.</summary>
internal static class TestSegments
{
    public const long BaseMsn = 54_321_000;
    public const long AnchorUtcMs = 1_767_225_600_000; // 2026-01-01T00:00:00Z

    public static readonly TimeSpan Window = TimeSpan.FromSeconds(20);

    public static readonly byte[] InitBytes = Encoding.ASCII.GetBytes("initialisation section");

    public static readonly MapRecord Map = new("init-1a2b3c4d.mp4", InitBytes.Length, Sha256(InitBytes));

    public static readonly VariantInfo Variant = new(0, 0, "avc1.64001f,mp4a.40.2", 1280, 720, 30);

    public static byte[] BytesOf(long msn, int length = 1000)
    {
        var bytes = new byte[length];
        new Random((int)msn).NextBytes(bytes);
        return bytes;
    }

    public static SegmentRecord Record(
        long msn,
        long time,
        long duration = 180_000,
        bool discontinuity = false,
        long discontinuitySequence = 0,
        int bytes = 1000,
        string? map = "init-1a2b3c4d.mp4",
        uint epoch = 1,
        bool independent = true) => new()
        {
            Msn = msn,
            Uri = msn.ToString(CultureInfo.InvariantCulture) + ".m4s",
            MapUri = map,
            Time = time,
            Duration = duration,
            ProgramDateTimeMs = AnchorUtcMs + time / 90,
            Discontinuity = discontinuity,
            DiscontinuitySequence = discontinuitySequence,
            EpochId = epoch,
            Independent = independent,
            Bytes = bytes,
            Sha256 = Sha256(BytesOf(msn, bytes)),
        };

    /// <summary>The index after <paramref name="count"/> equal segments from <paramref name="from"/> on.</summary>
    public static StreamIndex Index(
        string stream = "live/show",
        long from = BaseMsn,
        int count = 4,
        StreamIndex? before = null,
        long duration = 180_000)
    {
        for (var msn = from; msn < from + count; msn++)
            before = Append(before, Record(msn, (msn - BaseMsn) * duration, duration), stream);
        return before!;
    }

    public static StreamIndex Append(
        StreamIndex? before,
        SegmentRecord record,
        string stream = "live/show",
        int target = 2,
        AudioGroup? audio = null)
    {
        var maps = record.MapUris.Distinct().Select(uri => Map with { Uri = uri }).ToImmutableArray();
        return SegmentWindow.Append(before, stream, target, record, maps, Variant, true, Window, audio);
    }

    public static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>
    /// Stores and publishes the segments <paramref name="from"/> up to <paramref name="to"/>, as a packager does.
    /// </summary>
    public static async Task<StreamIndex> PublishAsync(
        ISegmentStore store,
        long from,
        long to,
        StreamIndex? before = null,
        string stream = "live/show")
    {
        var token = TestContext.Current.CancellationToken;
        if (before is null)
            await store.PutAsync(stream, Map.Uri, InitBytes, token);
        for (var msn = from; msn <= to; msn++)
        {
            await store.PutAsync(stream, $"{msn}.m4s", BytesOf(msn), token);
            before = Index(stream, msn, 1, before);
            await store.PublishAsync(before, token);
        }

        return before!;
    }
}
