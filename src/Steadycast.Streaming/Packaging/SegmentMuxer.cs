using System.Buffers;
using System.Security.Cryptography;
using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Mp4;
using Steadycast.Protocols.MpegTs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>
/// Writes stamped segments in one container. Pure: equal segments give equal bytes, on any machine, at any time.
/// </summary>
internal sealed class SegmentMuxer
{
    /// <summary>
    /// What a container adds to a unit: boxes, or PES and packet headers and stuffing. A guess on the safe side, since
    /// a buffer that has to grow is copied.
    /// </summary>
    private const int OverheadPerUnit = 256;

    /// <summary>4 of 188 bytes are a transport stream packet's header.</summary>
    private const int PacketOverhead = 40;

    private readonly Container _container;
    private readonly Dictionary<byte, Mp4Track> _tracks;

    /// <exception cref="CodecFormatException">
    /// A track that cannot be described, or not be carried in the container.
    /// </exception>
    public SegmentMuxer(Container container, IReadOnlyList<TrackConfig> tracks)
    {
        _container = container;
        Tracks = tracks;
        if (tracks.Count == 0 || tracks.DistinctBy(track => track.TrackId).Count() != tracks.Count)
            throw new CodecFormatException("Segment", 0, "No tracks, or two with the same number");
        Descriptions = [.. tracks.Select(TrackDescription.Of)];
        _tracks = Descriptions.Select(description => new Mp4Track(description)).ToDictionary(track => track.TrackId);
        if (container == Container.Ts)
        {
            if (tracks.FirstOrDefault(track => !TsSegmentWriter.CanCarry(track.Codec)) is { } other)
            {
                throw new CodecFormatException(
                    other.Codec.ToString(), 0, "MPEG-TS does not carry it: set the packager's container to fmp4");
            }

            return;
        }

        var output = new ArrayBufferWriter<byte>(2048);
        InitSegment.Write(output, [.. Descriptions.Select(description => new Mp4Track(description))]);
        Map = new PackagedMap(
            new MapRecord(
                InitSegment.NameOf(output.WrittenSpan),
                output.WrittenCount,
                Convert.ToHexStringLower(SHA256.HashData(output.WrittenSpan))),
            output.WrittenSpan.ToArray());
    }

    public IReadOnlyList<TrackConfig> Tracks { get; }

    public IReadOnlyList<TrackDescription> Descriptions { get; }

    /// <summary>The initialisation section of every segment with these tracks; null for MPEG-TS.</summary>
    public PackagedMap? Map { get; }

    public string UriOf(long msn) => _container == Container.Ts ? $"{msn}.ts" : $"{msn}.m4s";

    /// <exception cref="CodecFormatException">An access unit that the container has no way to carry.</exception>
    public ReadOnlyMemory<byte> Write(StampedSegment segment) => Write(segment, (uint)segment.Begin.Msn);

    /// <param name="segment">With these tracks and no others.</param>
    /// <param name="sequence">fMP4: the fragment's number in its object and in all before.</param>
    /// <exception cref="CodecFormatException">An access unit that the container has no way to carry.</exception>
    public ReadOnlyMemory<byte> Write(StampedSegment segment, uint sequence)
    {
        var size = 4096L;
        foreach (var unit in segment.AccessUnits)
        {
            if (!_tracks.ContainsKey(unit.TrackId))
                throw new CodecFormatException("Segment", 0, $"An access unit of an unknown track {unit.TrackId}");
            size += unit.Payload.Length + (unit.Payload.Length / PacketOverhead) + OverheadPerUnit;
        }

        var output = new ArrayBufferWriter<byte>((int)Math.Min(size, Array.MaxLength));
        if (_container == Container.Ts)
            WriteTransportStream(output, segment);
        else
            WriteFragment(output, segment, sequence);
        return output.WrittenMemory;
    }

    private static void WriteTransportStream(IBufferWriter<byte> output, StampedSegment segment)
    {
        var units = segment.AccessUnits
            .Select(u => new TsAccessUnit(u.TrackId, u.Dts, u.CompositionOffset, u.IsKeyframe, u.Payload))
            .ToArray();
        var end = segment.Begin.Time + segment.End.Duration;
        TsSegmentWriter.Write(output, segment.Begin.Tracks, segment.Begin.Msn, end, units);
    }

    private void WriteFragment(IBufferWriter<byte> output, StampedSegment segment, uint sequence)
    {
        var fragments = new List<FragmentTrack>(segment.Begin.Tracks.Length);
        foreach (var config in segment.Begin.Tracks)
        {
            var units = segment.AccessUnits.Where(unit => unit.TrackId == config.TrackId).ToArray();
            if (units.Length == 0) continue;
            var track = _tracks[config.TrackId];
            fragments.Add(track.IsVideo ? Video(segment, units) : Audio(units, track.Description));
        }

        if (fragments.Count == 0) throw new CodecFormatException("Segment", 0, "No access units");
        MediaFragment.Write(output, sequence, fragments);
    }

    /// <summary>Each picture lasts until the next one's DTS, the last until the segment's end.</summary>
    private static FragmentTrack Video(StampedSegment segment, AccessUnit[] units)
    {
        var end = segment.Begin.Time + segment.End.Duration;
        var samples = new FragmentSample[units.Length];
        for (var i = 0; i < units.Length; i++)
        {
            var next = i + 1 < units.Length ? units[i + 1].Dts : end;
            samples[i] = new FragmentSample(
                Length(units[i].Dts, next, fallback: 1),
                units[i].CompositionOffset,
                units[i].IsKeyframe,
                units[i].Payload);
        }

        return new FragmentTrack(units[0].TrackId, units[0].Dts, DefaultDuration: 0, samples);
    }

    /// <summary>
    /// In samples: a frame lasts until the next one's position, which is its own length unless audio jumped.
    /// </summary>
    private static FragmentTrack Audio(AccessUnit[] units, TrackDescription track)
    {
        var samples = new FragmentSample[units.Length];
        for (var i = 0; i < units.Length; i++)
        {
            var own = OwnLength(track, units[i]);
            var duration = i + 1 < units.Length
                ? Length(units[i].SamplePosition, units[i + 1].SamplePosition, own)
                : own;
            samples[i] = new FragmentSample(duration, 0, IsKeyframe: true, units[i].Payload);
        }

        var usual = OwnLength(track, units[0]);
        return new FragmentTrack(units[0].TrackId, units[0].SamplePosition, usual, samples);
    }

    /// <summary>The ingest stamps no frame without samples; whoever made this feed may have.</summary>
    private static uint OwnLength(TrackDescription track, in AccessUnit unit) =>
        track.SamplesOf(unit.Payload.Span) is > 0 and var samples ? (uint)samples : (uint)track.SamplesPerFrame;

    private static uint Length(long from, long to, uint fallback) =>
        to > from ? (uint)Math.Min(to - from, uint.MaxValue) : fallback;
}
