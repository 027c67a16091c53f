using System.Buffers;
using System.Security.Cryptography;

namespace Steadycast.Protocols.Mp4;

/// <summary>The initialisation section that EXT-X-MAP names: ftyp and a moov without samples.</summary>
public static class InitSegment
{
    private const uint MovieTimescale = 90000;
    private const int EnabledInMovie = 3;

    /// <summary>ISO-639-2/T "und", three letters of five bits.</summary>
    private const int UndeterminedLanguage = 0x55C4;

    /// <summary>Unity, as 16.16 fixed point with 2.30 in its last column.</summary>
    private static readonly uint[] UnityMatrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

    public static void Write(IBufferWriter<byte> output, IReadOnlyList<Mp4Track> tracks)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tracks.Count, nameof(tracks));
        var boxes = new BoxWriter();
        using (boxes.Box("ftyp"u8))
        {
            boxes.Bytes("iso6"u8);
            boxes.UInt32(0);
            boxes.Bytes("iso6mp41"u8);
        }

        using (boxes.Box("moov"u8))
        {
            WriteMovieHeader(boxes, tracks);
            foreach (var track in tracks) WriteTrack(boxes, track);
            using (boxes.Box("mvex"u8))
            {
                foreach (var track in tracks) WriteTrackExtends(boxes, track);
            }
        }

        output.Write(boxes.Written);
    }

    /// <summary>The name that follows from the content: <c>init-1a2b3c4d.mp4</c>.</summary>
    public static string NameOf(ReadOnlySpan<byte> initSegment)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(initSegment, hash);
        return $"init-{Convert.ToHexStringLower(hash[..4])}.mp4";
    }

    private static void WriteMovieHeader(BoxWriter boxes, IReadOnlyList<Mp4Track> tracks)
    {
        using var _ = boxes.FullBox("mvhd"u8, version: 0, flags: 0);
        boxes.Zeros(8);
        boxes.UInt32(MovieTimescale);
        boxes.UInt32(0);
        boxes.UInt32(0x00010000);
        boxes.UInt16(0x0100);
        boxes.Zeros(10);
        foreach (var value in UnityMatrix) boxes.UInt32(value);
        boxes.Zeros(24);
        boxes.UInt32(tracks.Max(track => (uint)track.TrackId) + 1);
    }

    private static void WriteTrack(BoxWriter boxes, Mp4Track track)
    {
        using var _ = boxes.Box("trak"u8);
        using (boxes.FullBox("tkhd"u8, version: 0, flags: EnabledInMovie))
        {
            boxes.Zeros(8);
            boxes.UInt32(track.TrackId);
            boxes.Zeros(4 + 4 + 8 + 2 + 2);
            boxes.UInt16(track.IsVideo ? 0 : 0x0100);
            boxes.Zeros(2);
            foreach (var value in UnityMatrix) boxes.UInt32(value);
            boxes.UInt32((uint)track.Description.Width << 16);
            boxes.UInt32((uint)track.Description.Height << 16);
        }

        using (boxes.Box("mdia"u8))
        {
            using (boxes.FullBox("mdhd"u8, version: 0, flags: 0))
            {
                boxes.Zeros(8);
                boxes.UInt32((uint)track.Timescale);
                boxes.UInt32(0);
                boxes.UInt16(UndeterminedLanguage);
                boxes.UInt16(0);
            }

            using (boxes.FullBox("hdlr"u8, version: 0, flags: 0))
            {
                boxes.UInt32(0);
                boxes.Bytes(track.IsVideo ? "vide"u8 : "soun"u8);
                boxes.Zeros(12);
                boxes.Bytes(track.IsVideo ? "Video\0"u8 : "Sound\0"u8);
            }

            WriteMediaInformation(boxes, track);
        }
    }

    private static void WriteMediaInformation(BoxWriter boxes, Mp4Track track)
    {
        using var _ = boxes.Box("minf"u8);
        if (track.IsVideo)
        {
            using (boxes.FullBox("vmhd"u8, version: 0, flags: 1)) boxes.Zeros(8);
        }
        else
        {
            using (boxes.FullBox("smhd"u8, version: 0, flags: 0)) boxes.Zeros(4);
        }

        using (boxes.Box("dinf"u8))
        {
            using (boxes.FullBox("dref"u8, version: 0, flags: 0))
            {
                boxes.UInt32(1);
                // Flag 1: the media is in this very file.
                using (boxes.FullBox("url "u8, version: 0, flags: 1)) { }
            }
        }

        using (boxes.Box("stbl"u8))
        {
            using (boxes.FullBox("stsd"u8, version: 0, flags: 0))
            {
                boxes.UInt32(1);
                SampleEntry.Write(boxes, track.Description);
            }

            using (boxes.FullBox("stts"u8, version: 0, flags: 0)) boxes.UInt32(0);
            using (boxes.FullBox("stsc"u8, version: 0, flags: 0)) boxes.UInt32(0);
            using (boxes.FullBox("stsz"u8, version: 0, flags: 0)) boxes.Zeros(8);
            using (boxes.FullBox("stco"u8, version: 0, flags: 0)) boxes.UInt32(0);
        }
    }

    private static void WriteTrackExtends(BoxWriter boxes, Mp4Track track)
    {
        using var _ = boxes.FullBox("trex"u8, version: 0, flags: 0);
        boxes.UInt32(track.TrackId);
        boxes.UInt32(1);
        boxes.Zeros(12);
    }
}
