using System.Buffers;
using System.Buffers.Binary;

namespace Steadycast.Protocols.Codecs;

/// <summary>
/// Sequence parameter sets that a keyframe brings along: publishers that pass a camera on change the picture's size
/// without announcing it, and a sample entry (avc1, hvc1) has to have every set that its samples use.
/// </summary>
public static class InBandSets
{
    private const int AvcLengthSizeOffset = 4;
    private const int HevcLengthSizeOffset = 21;

    /// <summary>More than any encoder sends, and what avcC counts in five bits.</summary>
    private const int MaxSets = 31;

    /// <summary>
    /// The configuration record that follows from the picture; null when it has no sequence parameter set, or none
    /// that its track's record does not have word for word. Sets of a kind that it has none of are the record's.
    /// </summary>
    /// <param name="track">Of H.264 or H.265.</param>
    /// <param name="keyframe">One access unit as the publisher sent it.</param>
    /// <exception cref="CodecFormatException">It is not made of NAL units, or a set cannot be read.</exception>
    public static byte[]? FindRecord(TrackDescription track, ReadOnlySpan<byte> keyframe)
    {
        var isH264 = track.Config.Codec == Codec.H264;
        if (!HasSequenceSet(keyframe, track.NalLengthSize, isH264)) return null;
        var (vps, sps, pps) = (new List<byte[]>(), new List<byte[]>(), new List<byte[]>());
        foreach (var nal in NalUnits.Of(keyframe, track.NalLengthSize))
        {
            var list = isH264
                ? H264Nal.TypeOf(nal) switch { H264Nal.Sps => sps, H264Nal.Pps => pps, _ => null }
                : H265Nal.TypeOf(nal) switch { H265Nal.Vps => vps, H265Nal.Sps => sps, H265Nal.Pps => pps, _ => null };
            if (list is { Count: < MaxSets } && nal.Length <= ushort.MaxValue) list.Add(nal.ToArray());
        }

        return isH264 ? Avc(track, sps, pps) : Hevc(track, vps, sps, pps);
    }

    private static bool HasSequenceSet(ReadOnlySpan<byte> picture, int lengthSize, bool isH264)
    {
        foreach (var nal in NalUnits.Of(picture, lengthSize))
        {
            if (isH264 ? H264Nal.TypeOf(nal) == H264Nal.Sps : H265Nal.TypeOf(nal) == H265Nal.Sps) return true;
        }

        return false;
    }

    private static byte[]? Avc(TrackDescription track, List<byte[]> sps, List<byte[]> pps)
    {
        var record = track.Config.Record;
        var known = H264Config.Parse(record);
        if (AreKnown(sps, known.SequenceParameterSets)) return null;
        if (pps.Count == 0) pps.AddRange(known.PictureParameterSets.Select(set => set.ToArray()));
        var first = H264Sps.Parse(sps[0]);
        var output = new ArrayBufferWriter<byte>(256);
        output.Write(
            (ReadOnlySpan<byte>)[1, first.ProfileIdc, first.ConstraintFlags, first.LevelIdc,
                record.Span[AvcLengthSizeOffset], (byte)(0xE0 | sps.Count)]);
        WriteSets(output, sps);
        output.Write((ReadOnlySpan<byte>)[(byte)pps.Count]);
        WriteSets(output, pps);
        // 5.3.3.1.2: all profiles but Baseline, Main and Extended have four bytes more.
        if (first.ProfileIdc is not (66 or 77 or 88))
        {
            output.Write(
                (ReadOnlySpan<byte>)[(byte)(0xFC | first.ChromaFormat), (byte)(0xF8 | (first.BitDepthLuma - 8)),
                    (byte)(0xF8 | (first.BitDepthChroma - 8)), 0]);
        }

        return output.WrittenSpan.ToArray();
    }

    private static byte[]? Hevc(TrackDescription track, List<byte[]> vps, List<byte[]> sps, List<byte[]> pps)
    {
        var record = track.Config.Record;
        var known = H265Config.Parse(record);
        if (AreKnown(sps, known.SequenceParameterSets)) return null;
        if (vps.Count == 0) vps.AddRange(known.VideoParameterSets.Select(set => set.ToArray()));
        if (pps.Count == 0) pps.AddRange(known.PictureParameterSets.Select(set => set.ToArray()));
        var first = H265Sps.Parse(sps[0]);
        Span<byte> head = stackalloc byte[HevcLengthSizeOffset + 2];
        head[0] = 1;
        head[1] = (byte)((first.ProfileSpace << 6) | (first.HighTier ? 0x20 : 0) | first.ProfileIdc);
        BinaryPrimitives.WriteUInt32BigEndian(head[2..], first.CompatibilityFlags);
        BinaryPrimitives.WriteUInt16BigEndian(head[6..], (ushort)(first.ConstraintFlags >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(head[8..], (uint)first.ConstraintFlags);
        head[12] = first.LevelIdc;
        // Spatial segmentation and parallelism: not said; then chroma, depths, a frame rate that is not said.
        (head[13], head[14], head[15]) = (0xF0, 0, 0xFC);
        head[16] = (byte)(0xFC | first.ChromaFormat);
        head[17] = (byte)(0xF8 | (first.BitDepthLuma - 8));
        head[18] = (byte)(0xF8 | (first.BitDepthChroma - 8));
        (head[19], head[20]) = (0, 0);
        head[HevcLengthSizeOffset] = (byte)(((first.TemporalLayers & 7) << 3) | (first.IsTemporalNested ? 4 : 0)
            | (record.Span[HevcLengthSizeOffset] & 3));
        head[^1] = 3;
        var output = new ArrayBufferWriter<byte>(256);
        output.Write((ReadOnlySpan<byte>)head);
        foreach (var (type, sets) in new[] { (H265Nal.Vps, vps), (H265Nal.Sps, sps), (H265Nal.Pps, pps) })
        {
            output.Write((ReadOnlySpan<byte>)[(byte)(0x80 | type), 0, (byte)sets.Count]);
            WriteSets(output, sets);
        }

        return output.WrittenSpan.ToArray();
    }

    private static bool AreKnown(List<byte[]> sets, IEnumerable<ReadOnlyMemory<byte>> known) =>
        sets.TrueForAll(set => known.Any(other => other.Span.SequenceEqual(set)));

    private static void WriteSets(ArrayBufferWriter<byte> output, List<byte[]> sets)
    {
        foreach (var set in sets)
        {
            BinaryPrimitives.WriteUInt16BigEndian(output.GetSpan(2), (ushort)set.Length);
            output.Advance(2);
            output.Write((ReadOnlySpan<byte>)set);
        }
    }
}
