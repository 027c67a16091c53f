using System.Security.Cryptography;
using Steadycast.Protocols.Codecs;
using Steadycast.Streaming.Feed;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Packaging;

/// <summary>What a record meant to the packager.</summary>
public enum PackagingStep
{
    /// <summary>Taken in; nothing came out.</summary>
    Accepted,

    /// <summary>A segment came out.</summary>
    Packaged,

    /// <summary>A segment came out whose media cannot be written: its number is kept as a gap.</summary>
    Gap,

    /// <summary>A segment was taken back by the ingest before its end.</summary>
    Abandoned,

    /// <summary>Records of an epoch below one already seen.</summary>
    Fenced,

    /// <summary>Count or hash did not match: nothing comes out under this number from these records.</summary>
    Damaged,

    /// <summary>A whole segment under a number that has been given away already.</summary>
    Repeated,

    /// <summary>A whole segment whose tracks the container cannot carry.</summary>
    Unsupported,
}

/// <summary>One stream's records in, its segments out. Pure; not thread-safe.</summary>
/// <remarks>
/// Joins at a begin, wherever in the feed it starts reading. State is only what keeps it from publishing a wrong
/// segment: the fence, and the last number; what comes out depends on the records of one segment alone.
/// </remarks>
public sealed class HlsPackager : IDisposable
{
    private const string EmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private readonly Container _container;
    private readonly SegmentAssembler _assembler;
    private SegmentLayout? _layout;

    /// <param name="published">What the store already has of the stream: it is continued, never contradicted.</param>
    public HlsPackager(Container container, StreamIndex? published = null)
    {
        _container = container;
        _assembler = new SegmentAssembler(published?.Segments[^1].EpochId ?? 0);
        LastMsn = published?.Edge ?? -1;
    }

    /// <summary>The highest number given to a segment; -1 before the first.</summary>
    public long LastMsn { get; private set; }

    /// <summary>Why the last segment was a gap or unsupported.</summary>
    public string? LastFault { get; private set; }

    /// <summary>Audio tracks of the last segment that its container cannot carry beside the first one.</summary>
    public IReadOnlyList<TrackConfig> LeftOut => _layout?.LeftOut ?? [];

    /// <summary>Takes the next record; <paramref name="segment"/> is set on Packaged and Gap.</summary>
    public PackagingStep Add(in FeedRecord record, out PackagedSegment? segment)
    {
        segment = null;
        var step = _assembler.Add(record, out var stamped);
        if (stamped is null)
        {
            return step switch
            {
                AssemblyStep.Abandoned => PackagingStep.Abandoned,
                AssemblyStep.Fenced => PackagingStep.Fenced,
                AssemblyStep.Damaged => PackagingStep.Damaged,
                _ => PackagingStep.Accepted,
            };
        }

        // A playlist has no place for a segment without a length; an ingest never makes one.
        if (stamped.End.Duration <= 0) return PackagingStep.Damaged;
        if (stamped.Begin.Msn <= LastMsn) return PackagingStep.Repeated;
        try
        {
            if (_layout is null || !_layout.Tracks.SequenceEqual(stamped.Begin.Tracks))
                _layout = new SegmentLayout(_container, stamped.Begin.Tracks);
        }
        catch (CodecFormatException e)
        {
            LastFault = e.Message;
            return PackagingStep.Unsupported;
        }

        segment = Package(stamped, _layout);
        LastMsn = stamped.Begin.Msn;
        return segment.Record.Gap ? PackagingStep.Gap : PackagingStep.Packaged;
    }

    private PackagedSegment Package(StampedSegment stamped, SegmentLayout layout)
    {
        ReadOnlyMemory<byte> bytes = default;
        SegmentParts? parts = null;
        var sha256 = EmptySha256;
        try
        {
            bytes = layout.Write(stamped, out parts);
            sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes.Span));
        }
        catch (CodecFormatException e)
        {
            LastFault = e.Message;
        }

        var begin = stamped.Begin;
        var record = new SegmentRecord
        {
            Msn = begin.Msn,
            Uri = layout.UriOf(begin.Msn),
            MapUri = layout.Maps.FirstOrDefault()?.Record.Uri,
            Time = begin.Time,
            Duration = stamped.End.Duration,
            ProgramDateTimeMs = begin.Epoch.AnchorUtcMs + (begin.Time / 90),
            Discontinuity = begin.Discontinuity,
            DiscontinuitySequence = begin.DiscontinuitySequence,
            EpochId = begin.Epoch.EpochId,
            TimelineId = begin.Epoch.TimelineId == begin.Epoch.EpochId ? null : begin.Epoch.TimelineId,
            Independent = begin.Independent,
            Gap = bytes.IsEmpty,
            Bytes = bytes.Length,
            Parts = parts,
            Sha256 = sha256,
        };
        return new PackagedSegment(
            begin.Epoch.Stream,
            begin.Epoch.TargetDurationSeconds,
            bytes,
            record,
            layout.Maps,
            Variant.Of(stamped, layout.Descriptions),
            begin.AllIndependent,
            layout.Audio);
    }

    public void Dispose() => _assembler.Dispose();
}
