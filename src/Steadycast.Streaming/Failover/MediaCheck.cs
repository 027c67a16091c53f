using Steadycast.Protocols.Mp4;

namespace Steadycast.Streaming.Failover;

/// <summary>What a segment's bytes are made of.</summary>
internal enum MediaContainer
{
    Ts,
    Fmp4,

    /// <summary>Bare AAC (ADTS) behind an ID3 tag, of audio renditions.</summary>
    PackedAudio,

    /// <summary>Subtitles.</summary>
    WebVtt,
}

/// <summary>
/// Whether bytes from an origin that gives no hashes look like media: an error page under a segment's name, or half a
/// segment, must not be published.
/// </summary>
internal static class MediaCheck
{
    private const int TsPacket = 188;
    private const byte TsSync = 0x47;

    /// <summary>The container, when the bytes are whole: a grid of packets, or boxes to the end.</summary>
    public static MediaContainer? Recognise(ReadOnlySpan<byte> segment)
    {
        if (segment.IsEmpty)
            return null;
        if (segment[0] == TsSync)
            return IsPacketGrid(segment) ? MediaContainer.Ts : null;
        if (segment.StartsWith("WEBVTT"u8) || segment.StartsWith("\uFEFFWEBVTT"u8))
            return MediaContainer.WebVtt;
        if (IsPackedAudio(segment))
            return MediaContainer.PackedAudio;
        return HasFragment(segment) ? MediaContainer.Fmp4 : null;
    }

    /// <summary>Whether the bytes are an initialisation section: boxes to the end, a movie among them.</summary>
    public static bool IsInitialisation(ReadOnlySpan<byte> bytes)
    {
        var boxes = new BoxReader(bytes);
        var found = false;
        while (boxes.TryRead(out var box))
            found |= box.Is("moov"u8);
        return found && boxes.AtEnd;
    }

    private static bool IsPacketGrid(ReadOnlySpan<byte> segment)
    {
        if (segment.Length % TsPacket != 0)
            return false;
        for (var at = 0; at < segment.Length; at += TsPacket)
        {
            if (segment[at] != TsSync)
                return false;
        }

        return true;
    }

    /// <summary>
    /// Section 3.1.4: an ID3 tag with the timestamp first. Then ADTS frames, each saying how long it is, to the end.
    /// </summary>
    private static bool IsPackedAudio(ReadOnlySpan<byte> segment)
    {
        const int id3Header = 10, adtsHeader = 7;
        if (segment.Length < id3Header || !segment.StartsWith("ID3"u8))
            return false;
        // Four times seven bits.
        var at = id3Header + (segment[6] << 21 | segment[7] << 14 | segment[8] << 7 | segment[9]);
        var frames = 0;
        while (at + adtsHeader <= segment.Length && segment[at] == 0xFF && (segment[at + 1] & 0xF6) == 0xF0)
        {
            var length = (segment[at + 3] & 3) << 11 | segment[at + 4] << 3 | segment[at + 5] >> 5;
            if (length < adtsHeader)
                return false;
            (at, frames) = (at + length, frames + 1);
        }

        return frames > 0 && at == segment.Length;
    }

    private static bool HasFragment(ReadOnlySpan<byte> segment)
    {
        var boxes = new BoxReader(segment);
        var (heads, data) = (0, 0);
        while (boxes.TryRead(out var box))
        {
            if (box.Is("moof"u8))
                heads++;
            else if (box.Is("mdat"u8) && heads > data)
                data++;
        }

        return heads > 0 && heads == data && boxes.AtEnd;
    }
}
