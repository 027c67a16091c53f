using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Steadycast.Protocols.Amf;

/// <summary>Writes AMF 0 values, one after the other, to a buffer writer.</summary>
public readonly ref struct Amf0Writer(IBufferWriter<byte> output)
{
    public void WriteNumber(double value)
    {
        WriteByte((byte)Amf0Kind.Number);
        WriteDouble(value);
    }

    /// <summary>A string, as a long string when it is over 65,535 bytes.</summary>
    public void WriteString(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        if (length <= ushort.MaxValue)
        {
            WriteByte((byte)Amf0Kind.String);
            WriteUInt16((ushort)length);
        }
        else
        {
            WriteByte(Amf0Marker.LongString);
            WriteUInt32((uint)length);
        }

        WriteUtf8(value, length);
    }

    public void WriteNull() => WriteByte((byte)Amf0Kind.Null);

    public void WriteValue(Amf0Value value)
    {
        switch (value.Kind)
        {
            case Amf0Kind.String:
                WriteString(value.Text);
                return;
            case Amf0Kind.Number:
                WriteNumber(value.Number);
                return;
        }

        WriteByte((byte)value.Kind);
        switch (value.Kind)
        {
            case Amf0Kind.Boolean:
                WriteByte((byte)value.Number);
                break;
            case Amf0Kind.Reference:
                WriteUInt16((ushort)value.Number);
                break;
            case Amf0Kind.Object:
                WriteProperties(value);
                break;
            case Amf0Kind.TypedObject:
                WriteName(value.Text);
                WriteProperties(value);
                break;
            case Amf0Kind.EcmaArray:
                WriteUInt32((uint)value.Properties.Length);
                WriteProperties(value);
                break;
            case Amf0Kind.StrictArray:
                WriteUInt32((uint)value.Items.Length);
                foreach (Amf0Value item in value.Items)
                    WriteValue(item);
                break;
            case Amf0Kind.Date:
                WriteDouble(value.Number);
                WriteUInt16(0);
                break;
            case Amf0Kind.Xml:
                int length = Encoding.UTF8.GetByteCount(value.Text);
                WriteUInt32((uint)length);
                WriteUtf8(value.Text, length);
                break;
        }
    }

    private void WriteProperties(Amf0Value value)
    {
        foreach (Amf0Property property in value.Properties)
        {
            WriteName(property.Name);
            WriteValue(property.Value);
        }

        WriteUInt16(0);
        WriteByte(Amf0Marker.ObjectEnd);
    }

    private void WriteName(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ushort.MaxValue, nameof(name));
        WriteUInt16((ushort)length);
        WriteUtf8(name, length);
    }

    private void WriteUtf8(string text, int length)
    {
        Encoding.UTF8.GetBytes(text, output.GetSpan(length));
        output.Advance(length);
    }

    private void WriteByte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    private void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(output.GetSpan(2), value);
        output.Advance(2);
    }

    private void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    private void WriteDouble(double value)
    {
        BinaryPrimitives.WriteDoubleBigEndian(output.GetSpan(8), value);
        output.Advance(8);
    }
}
