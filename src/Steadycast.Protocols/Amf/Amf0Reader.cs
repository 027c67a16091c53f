using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Steadycast.Protocols.Amf;

/// <summary>
/// Reads AMF 0 values from a complete span. Short input, unknown markers and anything past the limits throw
/// <see cref="Amf0FormatException"/>; memory follows the bytes that are there, never a declared count.
/// </summary>
public ref struct Amf0Reader(ReadOnlySpan<byte> bytes, Amf0Limits limits)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;
    private int _nodes;

    public Amf0Reader(ReadOnlySpan<byte> bytes)
        : this(bytes, Amf0Limits.Command)
    {
    }

    public readonly bool AtEnd => _at == _bytes.Length;

    /// <summary>How many bytes have been read.</summary>
    public readonly int Consumed => _at;

    /// <summary>The next value, which must be a string; long strings count.</summary>
    public string ReadString()
    {
        int start = _at;
        Amf0Value value = ReadValue();
        return value.IsString
            ? value.Text
            : throw new Amf0FormatException($"string expected, {value.Kind} found", start);
    }

    /// <summary>The next value, which must be a number.</summary>
    public double ReadNumber()
    {
        int start = _at;
        Amf0Value value = ReadValue();
        return value.IsNumber
            ? value.Number
            : throw new Amf0FormatException($"number expected, {value.Kind} found", start);
    }

    /// <summary>The next value, of whatever kind.</summary>
    public Amf0Value ReadValue() => ReadValue(0);

    private Amf0Value ReadValue(int depth)
    {
        if (depth > limits.Depth)
            throw Fault($"nested deeper than {limits.Depth}");
        if (++_nodes > limits.Nodes)
            throw Fault($"more than {limits.Nodes} values");

        byte marker = ReadByte();
        switch (marker)
        {
            case (byte)Amf0Kind.Number:
                return Amf0Value.Of(ReadDouble());
            case (byte)Amf0Kind.Boolean:
                return Amf0Value.Of(ReadByte() != 0);
            case (byte)Amf0Kind.String:
                return Amf0Value.Of(ReadText(ReadUInt16()));
            case Amf0Marker.LongString:
                return Amf0Value.Of(ReadText(ReadUInt32()));
            case (byte)Amf0Kind.Xml:
                return Amf0Value.Xml(ReadText(ReadUInt32()));
            case (byte)Amf0Kind.Null:
                return Amf0Value.Null;
            case (byte)Amf0Kind.Undefined:
                return Amf0Value.Undefined;
            case (byte)Amf0Kind.Unsupported:
                return Amf0Value.Unsupported;
            case (byte)Amf0Kind.Reference:
                return Amf0Value.Reference(ReadUInt16());
            case (byte)Amf0Kind.Object:
                return Amf0Value.Object(ReadProperties(depth));
            case (byte)Amf0Kind.TypedObject:
                return Amf0Value.Typed(ReadText(ReadUInt16()), ReadProperties(depth));
            case (byte)Amf0Kind.EcmaArray:
                // The count is a hint that encoders get wrong (several write 0): the end marker decides.
                ReadUInt32();
                return Amf0Value.EcmaArray(ReadProperties(depth));
            case (byte)Amf0Kind.StrictArray:
                return Amf0Value.StrictArray(ReadItems(depth));
            case (byte)Amf0Kind.Date:
                double milliseconds = ReadDouble();
                ReadUInt16(); // Time zone: "should be set to 0x0000" (2.13).
                return Amf0Value.Date(milliseconds);
            case Amf0Marker.AvmPlus:
                throw Fault("switch to AMF 3, which is not spoken here");
            case Amf0Marker.MovieClip or Amf0Marker.RecordSet:
                throw Fault($"reserved marker 0x{marker:x2}");
            default:
                throw Fault($"unknown marker 0x{marker:x2}");
        }
    }

    private ImmutableArray<Amf0Property> ReadProperties(int depth)
    {
        var properties = ImmutableArray.CreateBuilder<Amf0Property>();
        while (true)
        {
            string name = ReadText(ReadUInt16());
            if (name.Length == 0 && !AtEnd && _bytes[_at] == Amf0Marker.ObjectEnd)
            {
                _at++;
                return properties.DrainToImmutable();
            }

            properties.Add(new Amf0Property(name, ReadValue(depth + 1)));
        }
    }

    private ImmutableArray<Amf0Value> ReadItems(int depth)
    {
        uint count = ReadUInt32();
        if (count > limits.Nodes - _nodes)
            throw Fault($"array of {count} values where {limits.Nodes - _nodes} are left");
        if (count > _bytes.Length - _at)
            throw Fault($"array of {count} values in {_bytes.Length - _at} bytes");

        var items = ImmutableArray.CreateBuilder<Amf0Value>((int)count);
        for (uint i = 0; i < count; i++)
            items.Add(ReadValue(depth + 1));
        return items.MoveToImmutable();
    }

    private string ReadText(uint length)
    {
        if (length > limits.StringBytes)
            throw Fault($"string of {length} bytes, at most {limits.StringBytes} are taken");
        return Encoding.UTF8.GetString(Take((int)length));
    }

    private byte ReadByte() => Take(1)[0];

    private ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    private double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _bytes.Length - _at)
            throw Fault($"ends {count - (_bytes.Length - _at)} bytes short");
        ReadOnlySpan<byte> taken = _bytes.Slice(_at, count);
        _at += count;
        return taken;
    }

    private readonly Amf0FormatException Fault(string fault) => new($"AMF 0: {fault}", _at);
}
