using System.Buffers.Binary;

namespace Steadycast.Protocols.Mp4;

/// <summary>Writes nested boxes into memory; sizes are filled in when a box ends. Big-endian, as all of MP4.</summary>
/// <remarks>
/// <code>using (boxes.Box("moov"u8)) { using (boxes.FullBox("mvhd"u8, version: 0, flags: 0)) { ... } }</code>
/// </remarks>
internal sealed class BoxWriter(int capacity = 1024)
{
    private byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public OpenBox Box(ReadOnlySpan<byte> type)
    {
        var start = Length;
        UInt32(0);
        Bytes(type);
        return new OpenBox(this, start);
    }

    public OpenBox FullBox(ReadOnlySpan<byte> type, byte version, uint flags)
    {
        var box = Box(type);
        UInt32(((uint)version << 24) | flags);
        return box;
    }

    public void UInt8(int value) => Take(1)[0] = (byte)value;

    public void UInt16(int value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), (ushort)value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    public void Zeros(int count) => Take(count).Clear();

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Overwrites what was written as a placeholder.</summary>
    public void PatchInt32(int at, int value) => BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(at), value);

    private Span<byte> Take(int count)
    {
        if (Length + count > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        var span = _bytes.AsSpan(Length, count);
        Length += count;
        return span;
    }

    /// <summary>A box whose end is not yet known; disposing writes its size.</summary>
    public readonly ref struct OpenBox(BoxWriter writer, int start)
    {
        public void Dispose() => writer.PatchInt32(start, writer.Length - start);
    }
}
