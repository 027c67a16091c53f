using System.Buffers.Binary;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Protocols.Flv;

/// <summary>Takes an FLV file apart into the messages that RTMP would carry.</summary>
/// <param name="maxTagBytes">The largest tag body accepted, 1 to 16777215 bytes (the format's own end).</param>
/// <remarks>
/// <code>
/// file: "FLV" | version UI8 | flags UI8 | header size UI32 | previous tag size UI32 = 0 | tag ...
/// tag:  type UI8 | body size UI24 | time UI24, then its bits 24 to 31 UI8 | stream id UI24 | body | tag size UI32
/// </code>
/// FLV 10.1, annex E.2 to E.4. Not thread-safe; holds no bytes of its own.
/// </remarks>
public sealed class FlvReader(int maxTagBytes = FlvReader.DefaultMaxTagBytes)
{
    public const int DefaultMaxTagBytes = 0xFFFFFF;

    private const int FileHeaderLength = 9;
    private const int MaxFileHeaderLength = 4096;
    private const int TagHeaderLength = 11;
    private const int TrailerLength = 4;
    private const byte EncryptedFlag = 0x20;

    private long _offset;
    private bool _headerRead;

    /// <summary>How many bytes of the file have been taken.</summary>
    public long Offset => _offset;

    /// <summary>
    /// Takes one tag from the front of <paramref name="input"/>; false, with the input as it was, when it needs more
    /// bytes. The message's payload is a slice of the input.
    /// </summary>
    /// <exception cref="FlvFormatException">Not FLV, an encrypted or unknown tag, or a tag over the limit.</exception>
    public bool TryRead(ref ReadOnlyMemory<byte> input, out MediaMessage message)
    {
        message = default;
        if (!_headerRead && !TrySkipFileHeader(ref input)) return false;
        var span = input.Span;
        if (span.Length < TagHeaderLength) return false;
        var size = (span[1] << 16) | (span[2] << 8) | span[3];
        var type = (RtmpMessageType)span[0];
        if ((span[0] & EncryptedFlag) != 0) throw new FlvFormatException(_offset, "An encrypted tag");
        if (type is not (RtmpMessageType.Audio or RtmpMessageType.Video or RtmpMessageType.DataAmf0))
            throw new FlvFormatException(_offset, $"Tag type {span[0]}; 8, 9 and 18 are known");
        if (size > maxTagBytes)
            throw new FlvFormatException(_offset, $"A tag of {size} bytes, over the limit of {maxTagBytes}");
        var whole = TagHeaderLength + size + TrailerLength;
        if (span.Length < whole) return false;

        var timestamp = ((uint)span[7] << 24) | ((uint)span[4] << 16) | ((uint)span[5] << 8) | span[6];
        message = new MediaMessage(type, timestamp, input.Slice(TagHeaderLength, size));
        input = input[whole..];
        _offset += whole;
        return true;
    }

    private bool TrySkipFileHeader(ref ReadOnlyMemory<byte> input)
    {
        var span = input.Span;
        if (!"FLV"u8.StartsWith(span[..Math.Min(3, span.Length)]))
            throw new FlvFormatException(0, "The file does not begin with FLV");
        if (span.Length < FileHeaderLength) return false;
        var length = BinaryPrimitives.ReadUInt32BigEndian(span[5..]);
        if (length is < FileHeaderLength or > MaxFileHeaderLength)
            throw new FlvFormatException(5, $"A file header of {length} bytes");
        var whole = (int)length + TrailerLength;
        if (span.Length < whole) return false;
        input = input[whole..];
        _offset = whole;
        _headerRead = true;
        return true;
    }
}
