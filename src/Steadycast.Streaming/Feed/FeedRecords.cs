using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>A segment begins here: everything that a packager needs to know before its first access unit.</summary>
/// <param name="Epoch">The timeline that the segment belongs to.</param>
/// <param name="Msn">
/// Media sequence number: one more than the segment before, or higher when the numbers were lost.
/// </param>
/// <param name="Time">Media time of the first access unit's DTS, in 1/90000 s since the stream's anchor.</param>
/// <param name="Discontinuity">Whether EXT-X-DISCONTINUITY stands before this segment.</param>
/// <param name="DiscontinuitySequence">
/// The segment's discontinuity sequence number, its own discontinuity included.
/// </param>
/// <param name="Independent">Whether it starts with a keyframe (or has no video).</param>
/// <param name="AllIndependent">False once any segment of the stream did not start with a keyframe.</param>
/// <param name="Tracks">The tracks with their decoder configurations, video first.</param>
public sealed record SegmentBegin(
    StreamEpoch Epoch,
    long Msn,
    long Time,
    bool Discontinuity,
    long DiscontinuitySequence,
    bool Independent,
    bool AllIndependent,
    ImmutableArray<TrackConfig> Tracks);

/// <summary>One coded picture or audio frame, in decoding order over all tracks.</summary>
/// <param name="TrackId">One of the segment's tracks.</param>
/// <param name="Dts">Media time in 1/90000 s since the stream's anchor; strictly increasing within a track.</param>
/// <param name="CompositionOffset">PTS minus DTS in 1/90000 s; may be negative; 0 for audio.</param>
/// <param name="SamplePosition">Audio: position in samples since media time 0 at the track's rate; video: 0.</param>
/// <param name="IsKeyframe">Video: a random access point; audio: true.</param>
/// <param name="Payload">Video: NAL units with 4-byte lengths (AV1: OBUs); audio: one raw frame without ADTS.</param>
public readonly record struct AccessUnit(
    byte TrackId,
    long Dts,
    int CompositionOffset,
    long SamplePosition,
    bool IsKeyframe,
    ReadOnlyMemory<byte> Payload);

/// <summary>A segment ends: what a packager checks before it publishes anything.</summary>
/// <param name="Duration">In 1/90000 s: the next segment's begin minus this one's; EXTINF is exactly this.</param>
/// <param name="AccessUnits">How many access units lie between begin and end.</param>
/// <param name="Hash">SHA-256 over the begin and access unit records as on the wire.</param>
/// <param name="IsShort">Cut short by a publisher that left.</param>
public sealed record SegmentEnd(long Msn, long Duration, int AccessUnits, ReadOnlyMemory<byte> Hash, bool IsShort);

/// <summary>A whole segment as stamped: the unit that a packager turns into bytes.</summary>
public sealed record StampedSegment(SegmentBegin Begin, IReadOnlyList<AccessUnit> AccessUnits, SegmentEnd End);

/// <summary>
/// What the feed says of itself once a second, and at each change: silence longer than a few seconds therefore means a
/// dead or frozen ingest, whatever the publisher does.
/// </summary>
/// <param name="Activity">Whether a publisher is sending.</param>
/// <param name="EpochId">The newest epoch, 0 before the first.</param>
/// <param name="EdgeMsn">The newest segment that has its end; -1 when there is none.</param>
public sealed record FeedState(FeedActivity Activity, uint EpochId, long EdgeMsn);

/// <summary>What a stream's publisher is doing, as the ingest sees it.</summary>
public enum FeedActivity : byte
{
    /// <summary>There is no publisher; the stream's numbers wait for the next one.</summary>
    Idle = 0,

    /// <summary>
    /// A publisher sends, but nothing is cut yet: waiting for a keyframe, or measuring keyframe intervals.
    /// </summary>
    Starting = 1,

    /// <summary>Segments are being cut.</summary>
    Live = 2,
}

/// <summary>What a record of the feed is.</summary>
public enum FeedRecordKind : byte
{
    Begin = 1,
    AccessUnit = 2,
    End = 3,
    State = 4,
}

/// <summary>One record of the feed; exactly the member that <see cref="Kind"/> names is set.</summary>
/// <remarks>
/// Order within a stream: (Begin AccessUnit* End)*, State anywhere. A Begin without an End before it takes back what
/// was begun: nothing of that segment may be published; the new one may carry the same number.
/// </remarks>
public readonly record struct FeedRecord
{
    public FeedRecord(SegmentBegin begin) => (Kind, Begin) = (FeedRecordKind.Begin, begin);

    public FeedRecord(in AccessUnit unit) => (Kind, AccessUnit) = (FeedRecordKind.AccessUnit, unit);

    public FeedRecord(SegmentEnd end) => (Kind, End) = (FeedRecordKind.End, end);

    public FeedRecord(FeedState state) => (Kind, State) = (FeedRecordKind.State, state);

    public FeedRecordKind Kind { get; }

    public SegmentBegin? Begin { get; }

    public AccessUnit AccessUnit { get; }

    public SegmentEnd? End { get; }

    public FeedState? State { get; }
}
