using System.Buffers.Binary;

namespace Steadycast.Protocols.Mp4;

/// <summary>Walks the boxes of one level: a file, a segment, or a container box's body.</summary>
/// <remarks>Never throws: a box that is cut off or says an impossible size ends the walk, and AtEnd is false.</remarks>
public ref struct BoxReader(ReadOnlySpan<byte> bytes)
{
    private const int HeaderLength = 8;
    private const int LargeHeaderLength = 16;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    /// <summary>Whether everything has been walked; false after damage.</summary>
    public readonly bool AtEnd => _at == _bytes.Length;

    public bool TryRead(out Box box)
    {
        box = default;
        var rest = _bytes[_at..];
        if (rest.Length < HeaderLength) return false;
        long size = BinaryPrimitives.ReadUInt32BigEndian(rest);
        var header = HeaderLength;
        if (size == 1)
        {
            if (rest.Length < LargeHeaderLength) return false;
            size = BinaryPrimitives.ReadInt64BigEndian(rest[HeaderLength..]);
            header = LargeHeaderLength;
        }
        else if (size == 0)
        {
            // To the end of the file.
            size = rest.Length;
        }

        if (size < header || size > rest.Length) return false;
        box = new Box(rest.Slice(4, 4), rest[header..(int)size], _at);
        _at += (int)size;
        return true;
    }

    /// <summary>The body of the first box on a path of container boxes: <c>"moov/mvex/trex"</c>.</summary>
    public static bool TryFind(ReadOnlySpan<byte> bytes, string path, out ReadOnlySpan<byte> body)
    {
        body = bytes;
        foreach (var name in path.Split('/'))
        {
            var reader = new BoxReader(body);
            var found = false;
            while (!found && reader.TryRead(out var box))
            {
                found = box.Name == name;
                if (found) body = box.Body;
            }

            if (!found) return false;
        }

        return true;
    }
}

/// <summary>One box: its four-character type, its body after the header, and where its header begins.</summary>
public readonly ref struct Box(ReadOnlySpan<byte> type, ReadOnlySpan<byte> body, int offset)
{
    public ReadOnlySpan<byte> Type { get; } = type;

    public ReadOnlySpan<byte> Body { get; } = body;

    public int Offset { get; } = offset;

    public string Name => System.Text.Encoding.Latin1.GetString(Type);

    public bool Is(ReadOnlySpan<byte> type) => Type.SequenceEqual(type);
}
