using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.Mp4;

/// <summary>One sample of a fragment, in its track's timescale.</summary>
/// <param name="CompositionOffset">PTS minus DTS; may be negative (trun version 1).</param>
public readonly record struct FragmentSample(
    uint Duration, int CompositionOffset, bool IsKeyframe, ReadOnlyMemory<byte> Payload);

/// <summary>One track's part of a fragment.</summary>
/// <param name="DecodeTime">DTS of the first sample in the track's timescale; 64 bits, never wraps.</param>
/// <param name="DefaultDuration">Audio: the usual samples per frame. 0: every duration is written out (video).</param>
public sealed record FragmentTrack(
    byte TrackId, long DecodeTime, uint DefaultDuration, IReadOnlyList<FragmentSample> Samples);

/// <summary>A media segment: one moof and one mdat, a pure function of its arguments.</summary>
public static class MediaFragment
{
    private const uint DefaultBaseIsMoof = 0x020000;
    private const uint DefaultDurationPresent = 0x000008;
    private const uint DefaultFlagsPresent = 0x000020;

    private const uint DataOffsetPresent = 0x000001;
    private const uint DurationPresent = 0x000100;
    private const uint SizePresent = 0x000200;
    private const uint FlagsPresent = 0x000400;
    private const uint CompositionOffsetPresent = 0x000800;

    /// <summary>sample_depends_on 2: a random access point.</summary>
    private const uint SyncFlags = 0x02000000;

    /// <summary>sample_depends_on 1 and sample_is_non_sync_sample.</summary>
    private const uint NonSyncFlags = 0x01010000;

    private const int BoxHeaderLength = 8;

    /// <param name="sequence">mfhd's sequence_number: the low 32 bits of the media sequence number.</param>
    /// <param name="tracks">Only those with samples; their order is the order in the mdat.</param>
    /// <exception cref="ArgumentException">No samples at all, or 2 GB of them.</exception>
    public static void Write(IBufferWriter<byte> output, uint sequence, IReadOnlyList<FragmentTrack> tracks)
    {
        long media = 0;
        foreach (var track in tracks)
        {
            if (track.Samples.Count == 0)
                throw new ArgumentException($"Track {track.TrackId} is empty", nameof(tracks));
            foreach (var sample in track.Samples) media += sample.Payload.Length;
        }

        if (tracks.Count == 0 || media > int.MaxValue / 2)
            throw new ArgumentException($"{tracks.Count} tracks with {media} bytes are no fragment", nameof(tracks));

        output.Write(WriteMovieFragment(sequence, tracks).Written);
        var head = output.GetSpan(BoxHeaderLength);
        BinaryPrimitives.WriteInt32BigEndian(head, BoxHeaderLength + (int)media);
        "mdat"u8.CopyTo(head[4..]);
        output.Advance(BoxHeaderLength);
        foreach (var track in tracks)
        {
            foreach (var sample in track.Samples) output.Write(sample.Payload.Span);
        }
    }

    /// <summary>
    /// Whether the bytes are whole boxes of which one is a moof and the last an mdat: a cheap damage check.
    /// </summary>
    public static bool IsWhole(ReadOnlySpan<byte> segment)
    {
        var reader = new BoxReader(segment);
        var fragments = 0;
        var endsWithMedia = false;
        while (reader.TryRead(out var box))
        {
            endsWithMedia = box.Is("mdat"u8);
            if (box.Is("moof"u8)) fragments++;
        }

        return reader.AtEnd && endsWithMedia && fragments > 0;
    }

    private static BoxWriter WriteMovieFragment(uint sequence, IReadOnlyList<FragmentTrack> tracks)
    {
        var boxes = new BoxWriter(256 + tracks.Sum(track => track.Samples.Count * 16));
        // Data offsets count from the start of the moof, whose size is known only at its end.
        var dataOffsets = new int[tracks.Count];
        using (boxes.Box("moof"u8))
        {
            using (boxes.FullBox("mfhd"u8, version: 0, flags: 0)) boxes.UInt32(sequence);
            for (var i = 0; i < tracks.Count; i++) dataOffsets[i] = WriteTrackFragment(boxes, tracks[i]);
        }

        var offset = boxes.Length + BoxHeaderLength;
        for (var i = 0; i < tracks.Count; i++)
        {
            boxes.PatchInt32(dataOffsets[i], offset);
            foreach (var sample in tracks[i].Samples) offset += sample.Payload.Length;
        }

        return boxes;
    }

    /// <summary>traf with tfhd, tfdt and trun; returns where the trun's data offset stands.</summary>
    private static int WriteTrackFragment(BoxWriter boxes, FragmentTrack track)
    {
        using var _ = boxes.Box("traf"u8);
        var hasDefaults = track.DefaultDuration != 0;
        var tfhdFlags = DefaultBaseIsMoof | (hasDefaults ? DefaultDurationPresent | DefaultFlagsPresent : 0);
        using (boxes.FullBox("tfhd"u8, version: 0, tfhdFlags))
        {
            boxes.UInt32(track.TrackId);
            if (hasDefaults)
            {
                boxes.UInt32(track.DefaultDuration);
                boxes.UInt32(SyncFlags);
            }
        }

        using (boxes.FullBox("tfdt"u8, version: 1, flags: 0)) boxes.Int64(track.DecodeTime);

        // Audio with a jump inside the segment is rare; only then do its durations differ and are written out.
        var trunFlags = DataOffsetPresent | SizePresent;
        var writeDurations = !hasDefaults || track.Samples.Any(sample => sample.Duration != track.DefaultDuration);
        if (writeDurations) trunFlags |= DurationPresent;
        if (!hasDefaults) trunFlags |= FlagsPresent | CompositionOffsetPresent;
        using (boxes.FullBox("trun"u8, version: 1, trunFlags))
        {
            boxes.UInt32((uint)track.Samples.Count);
            var dataOffset = boxes.Length;
            boxes.UInt32(0);
            foreach (var sample in track.Samples)
            {
                if (writeDurations) boxes.UInt32(sample.Duration);
                boxes.UInt32((uint)sample.Payload.Length);
                if (hasDefaults) continue;
                boxes.UInt32(sample.IsKeyframe ? SyncFlags : NonSyncFlags);
                boxes.Int32(sample.CompositionOffset);
            }

            return dataOffset;
        }
    }
}
