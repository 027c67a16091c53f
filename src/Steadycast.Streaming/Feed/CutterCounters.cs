namespace Steadycast.Streaming.Feed;

/// <summary>Why a frame or a configuration did not get into the feed.</summary>
internal enum FeedDrop
{
    /// <summary>A codec that is carried over RTMP but not packaged.</summary>
    UnsupportedCodec,

    /// <summary>A decoder configuration that breaks its format.</summary>
    BadConfiguration,

    /// <summary>A frame before its track's configuration.</summary>
    NoConfiguration,

    /// <summary>A message or an access unit that breaks its format.</summary>
    Malformed,

    /// <summary>A second or further video track, or an audio track beyond the seventh (Enhanced RTMP).</summary>
    ExtraTrack,

    /// <summary>Before the keyframe that an epoch starts with.</summary>
    BeforeKeyframe,

    /// <summary>Of a track that is new or has a new configuration, before the keyframe at which it can join.</summary>
    WaitingForTrackChange,

    /// <summary>Audio that came faster than its sample rate allows.</summary>
    AudioAhead,

    /// <summary>In a segment of less than a second that was taken back.</summary>
    TooShort,
}

/// <summary>Why a discontinuity was stamped.</summary>
internal enum DiscontinuityCause
{
    /// <summary>Another publisher, or the same one again.</summary>
    Publisher,

    /// <summary>Timestamps jumped.</summary>
    Timestamps,

    /// <summary>The feed fell behind the hub's log, and what lay between is lost.</summary>
    Loss,

    /// <summary>The ingest itself was started again.</summary>
    Restart,

    /// <summary>Tracks came, went or changed their configuration.</summary>
    Tracks,
}

/// <summary>
/// What one cutter has counted since it was made; only grows. Read by the loop that drives the cutter.
/// </summary>
internal sealed class CutterCounters
{
    public long Frames { get; set; }

    public long Bytes { get; set; }

    public long Cuts { get; set; }

    /// <summary>Cuts at a frame that is not a keyframe, because none came within the target duration.</summary>
    public long ForcedCuts { get; set; }

    public long AudioResnaps { get; set; }

    public long RepairedTimestamps { get; set; }

    /// <summary>
    /// Tracks whose first timestamp was so far from the other track's that it must be on another base.
    /// </summary>
    public long RebasedTracks { get; set; }

    /// <summary>Epochs whose time of day is the one that their first picture brought.</summary>
    public long WallClocksUsed { get; set; }

    /// <summary>Epochs whose first picture brought one that cannot be right.</summary>
    public long WallClocksRefused { get; set; }

    /// <summary>The last one that a picture brought, minus when it came.</summary>
    public long WallClockErrorMs { get; set; }

    public long[] Drops { get; private init; } = new long[Enum.GetValues<FeedDrop>().Length];

    public long[] Discontinuities { get; private init; } = new long[Enum.GetValues<DiscontinuityCause>().Length];

    public CutterCounters Copy() => new()
    {
        Frames = Frames,
        Bytes = Bytes,
        Cuts = Cuts,
        ForcedCuts = ForcedCuts,
        AudioResnaps = AudioResnaps,
        RepairedTimestamps = RepairedTimestamps,
        RebasedTracks = RebasedTracks,
        WallClocksUsed = WallClocksUsed,
        WallClocksRefused = WallClocksRefused,
        WallClockErrorMs = WallClockErrorMs,
        Drops = [.. Drops],
        Discontinuities = [.. Discontinuities],
    };

    public void Drop(FeedDrop reason, int count = 1) => Drops[(int)reason] += count;
}
