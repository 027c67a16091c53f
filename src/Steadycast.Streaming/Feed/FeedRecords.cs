using System.Collections.Immutable;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>A segment begins here: everything that a packager needs to know before its first access unit.</summary>
/// <param name="Epoch">The timeline that the segment belongs to.</param>
/// <param name="Msn">Media sequence number: one more than the segment before, or higher when the numbers were lost.</param>
/// <param name="Time">Media time of the first access unit's DTS, in 1/90000 s since the stream's anchor.</param>
/// <param name="Discontinuity">Whether EXT-X-DISCONTINUITY stands before this segment.</param>
/// <param name="DiscontinuitySequence">The segment's discontinuity sequence number, its own discontinuity included.</param>
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
