using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Each promise, broken alone.</summary>
public sealed class PublishGuardTests
{
    private const long Base = SyntheticStream.Base;
    private static readonly SyntheticStream Stream = new("live", segmentBytes: 8);
    private static readonly StreamIndex Before = Stream.Index(Base + 5, Base + 10);

    public static TheoryData<string?, StreamIndex> Cases => new()
    {
        { null, Before },
        { null, Stream.Index(Base + 6, Base + 11) },
        { null, Stream.Index(Base + 20, Base + 25) },
        { "edge", Stream.Index(Base + 5, Base + 9) },
        { "first", Stream.Index(Base + 4, Base + 10) },
        { "hole", Before with { Segments = Before.Segments.RemoveAt(2) } },
        { "line", Change(Stream.Index(Base + 6, Base + 11), 1, s => s with { Sha256 = new string('a', 64) }) },
        { "line", Change(Stream.Index(Base + 6, Base + 11), 1, s => s with { Gap = true, Bytes = 0 }) },
        { "target_duration", Stream.Index(Base + 6, Base + 11) with { TargetDurationSeconds = 9 } },
        { null, Stream.Index(Base + 11, Base + 12) with { TargetDurationSeconds = 9 } },
        { "playlists", Before with { Playlists = new PlaylistSet([Variant("index.m3u8"), Variant("variant-2.m3u8")], []) } },
        { "epoch", Change(Stream.Index(Base + 11, Base + 11), 0, s => s with { EpochId = 0 }) },
        { "discontinuity_sequence", Change(Stream.Index(Base + 11, Base + 11), 0, Unannounced) },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_playlist_that_goes_back_is_named(string? violation, StreamIndex next) =>
        Assert.Equal(violation, PublishGuard.FindViolation(Before, next));

    private static VariantStream Variant(string uri) => new() { Uri = uri, Bandwidth = 1 };

    /// <summary>A discontinuity that its sequence number does not count lowers the playlist's number.</summary>
    private static SegmentRecord Unannounced(SegmentRecord segment) => segment with { Discontinuity = true };

    private static StreamIndex Change(StreamIndex index, int at, Func<SegmentRecord, SegmentRecord> change) =>
        index with { Segments = index.Segments.SetItem(at, change(index.Segments[at])) };
}
