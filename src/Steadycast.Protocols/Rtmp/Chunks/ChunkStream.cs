using System.Buffers;

namespace Steadycast.Protocols.Rtmp.Chunks;

/// <summary>What a reader remembers of one chunk stream: its last header and the message that it assembles.</summary>
internal sealed class ChunkStream(int id)
{
    private const int FirstBufferBytes = 4096;

    private byte[] _buffer = [];
    private int _largestMessage;

    public int Id { get; } = id;

    /// <summary>The absolute time of the message in flight, or of the last one.</summary>
    public uint Timestamp { get; set; }

    /// <summary>The timestamp field as it was on the wire: absolute after type 0, else a delta.</summary>
    public uint TimestampField { get; set; }

    /// <summary>Whether that field stood in the extended timestamp.</summary>
    public bool IsExtended { get; set; }

    public int MessageLength { get; set; }

    public RtmpMessageType Type { get; set; }

    public uint MessageStreamId { get; set; }

    public bool InFlight { get; private set; }

    public int Received { get; private set; }

    public int Missing => MessageLength - Received;

    public int BufferedBytes => _buffer.Length;

    public ReadOnlyMemory<byte> Message => _buffer.AsMemory(0, MessageLength);

    public void Begin()
    {
        InFlight = true;
        Received = 0;
    }

    /// <summary>
    /// Makes room for bytes that are about to be appended. A message gets its whole buffer at once only up to the size
    /// of one that this chunk stream has already delivered; beyond that the buffer doubles, behind the bytes that came.
    /// </summary>
    public void Reserve(int upcoming)
    {
        int needed = Math.Min(MessageLength, Received + upcoming);
        if (needed <= _buffer.Length)
            return;

        int trusted = Math.Max(FirstBufferBytes, Math.Max(_largestMessage, _buffer.Length * 2));
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Min(MessageLength, trusted)));
        _buffer.AsSpan(0, Received).CopyTo(larger);
        ReturnBuffer();
        _buffer = larger;
    }

    /// <summary>Room must have been reserved.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(Received));
        Received += bytes.Length;
    }

    /// <summary>The message is whole; its bytes stay until <see cref="Release"/>.</summary>
    public void End()
    {
        InFlight = false;
        _largestMessage = Math.Max(_largestMessage, MessageLength);
    }

    /// <summary>Forgets the message, delivered or not, and gives its buffer back.</summary>
    public void Release()
    {
        InFlight = false;
        Received = 0;
        ReturnBuffer();
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
