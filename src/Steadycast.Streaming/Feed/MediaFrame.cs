using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// One picture or audio frame as the publisher sent it, read out of its message, not yet on the timeline.
/// </summary>
/// <param name="Track">Its track, with the configuration in force.</param>
/// <param name="IsKeyframe">Video: decoding can start here, by the coded data's own word; audio: true.</param>
/// <param name="CompositionMs">PTS minus DTS.</param>
/// <param name="Samples">Audio: how many samples it decodes to.</param>
/// <param name="Payload">A copy.</param>
/// <param name="TimeMs">The unwrapped timestamp, both tracks on one base.</param>
/// <param name="UtcMs">When it came.</param>
/// <param name="WallClockMs">When it was made, by the publisher's own word; null: it says nothing.</param>
internal readonly record struct MediaFrame(
    TrackDescription Track,
    bool IsKeyframe,
    int CompositionMs,
    int Samples,
    ReadOnlyMemory<byte> Payload,
    long TimeMs,
    long UtcMs,
    long? WallClockMs = null)
{
    public bool IsVideo => Track.Config.IsVideo;

    public byte TrackId => Track.Config.TrackId;
}

/// <summary>One access unit on the timeline, with what the cutter must know of it.</summary>
/// <param name="EndTime">Where the next access unit of its track may begin, in 1/90000 s.</param>
internal readonly record struct TimedUnit(AccessUnit Unit, TrackDescription Track, long EndTime)
{
    public long Time => Unit.Dts;

    public bool IsVideo => Track.Config.IsVideo;

    /// <summary>The sound that goes with the pictures, and cuts where there are none.</summary>
    public bool IsFirstSound => Unit.TrackId == FeedTracks.Audio;

    public bool IsVideoKeyframe => IsVideo && Unit.IsKeyframe;
}
