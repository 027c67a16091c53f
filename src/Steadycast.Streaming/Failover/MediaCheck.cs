using Steadycast.Protocols.Mp4;

namespace Steadycast.Streaming.Failover;

/// <summary>What a segment's bytes are made of.</summary>
internal enum MediaContainer
{
    Ts,
    Fmp4,
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
