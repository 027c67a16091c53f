using System.Globalization;
using System.Text;

namespace Steadycast.Protocols.Rtmp;

/// <summary>
/// The peer broke RTMP or a limit: the connection cannot go on. The message says what, where (chunk stream, message
/// type, byte offset in what was received) and shows up to 64 bytes of hex.
/// </summary>
public sealed class RtmpProtocolException : Exception
{
    public RtmpProtocolException(string fault, RtmpPlace place, ReadOnlySpan<byte> bytes = default)
        : base(Describe(fault, place, bytes))
    {
        Fault = fault;
        Place = place;
    }

    /// <summary>What is wrong, in a few words without the place.</summary>
    public string Fault { get; }

    public RtmpPlace Place { get; }

    private static string Describe(string fault, RtmpPlace place, ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(fault);
        text.Append(CultureInfo.InvariantCulture, $" (byte {place.Offset}");
        if (place.ChunkStreamId is int id)
            text.Append(CultureInfo.InvariantCulture, $", chunk stream {id}");
        if (place.MessageType is RtmpMessageType type)
            text.Append(CultureInfo.InvariantCulture, $", message {type}");
        text.Append(')');
        if (!bytes.IsEmpty)
            text.Append(": ").Append(Convert.ToHexStringLower(bytes[..Math.Min(64, bytes.Length)]));
        return text.ToString();
    }
}

/// <summary>Where in the incoming bytes of a connection.</summary>
/// <param name="Offset">Bytes received since the connection began, the handshake included.</param>
/// <param name="ChunkStreamId">The chunk stream, when one is known.</param>
/// <param name="MessageType">The message's type, when it is known.</param>
public readonly record struct RtmpPlace(long Offset, int? ChunkStreamId = null, RtmpMessageType? MessageType = null);
