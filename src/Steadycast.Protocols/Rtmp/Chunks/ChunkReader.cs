using System.Buffers.Binary;
using Steadycast.Protocols.Rtmp.Messages;

namespace Steadycast.Protocols.Rtmp.Chunks;

/// <summary>
/// Turns the bytes of a connection after its handshake into whole messages. SetChunkSize and Abort, which change how
/// the bytes are read, are obeyed here and not handed on.
/// </summary>
/// <remarks>
/// Takes all input that it is given, in pieces of any size. A message's payload is valid until the next call. Buffers
/// come from the shared pool and are held only while a message is in flight. Not thread-safe.
/// </remarks>
public sealed class ChunkReader(RtmpLimits limits) : IDisposable
{
    //  0 1 2 3 4 5 6 7
    // +-+-+-+-+-+-+-+-+   csid 0: one more byte, 64 to 319; csid 1: two more bytes, little endian, 64 to 65,599;
    // |fmt|   csid    |   2 is the protocol's own. Then 11, 7, 3 or 0 bytes of message header (5.3.1.2), then four of
    // +-+-+-+-+-+-+-+-+   extended timestamp when the three-byte field is all ones.
    private const int MaxHeaderBytes = 3 + 11 + 4;
    private const uint ExtendedTimestamp = 0xFFFFFF;
    private const int NearChunkStreams = 64;

    private readonly ChunkStream?[] _near = new ChunkStream?[NearChunkStreams];
    private readonly byte[] _held = new byte[MaxHeaderBytes];
    private Dictionary<int, ChunkStream>? _far;
    private int _chunkStreams;
    private int _heldCount;
    private ChunkStream? _current;
    private int _chunkLeft;
    private ChunkStream? _lent;
    private int _buffered;
    private int _lengthAtEntry;

    /// <summary>The peer's chunk size, as last set.</summary>
    public int ChunkSize { get; private set; } = ChunkWriter.InitialChunkSize;

    /// <summary>The longest message taken; the session raises it when the peer has been let in.</summary>
    public int MaxMessageBytes { get; set; } = limits.MaxMessageBytes;

    /// <summary>Bytes taken so far, and where faults count from: set once, to the size of the handshake.</summary>
    public long BytesRead { get; set; }

    /// <summary>Memory held for messages in flight.</summary>
    public int BufferedBytes => _buffered;

    /// <summary>Takes bytes from the front of input until a message is whole; false when all input is taken.</summary>
    /// <exception cref="RtmpProtocolException">The peer broke the protocol or a limit.</exception>
    public bool TryRead(ref ReadOnlySpan<byte> input, out RtmpMessage message)
    {
        ReleaseLent();
        _lengthAtEntry = input.Length;
        while (TryReadMessage(ref input))
        {
            ChunkStream stream = _current!;
            _current = null;
            _lent = stream;
            stream.End();
            message = new RtmpMessage(
                stream.Id, stream.Type, stream.MessageStreamId, stream.Timestamp, stream.Message);
            if (!TryObey(message, input.Length))
            {
                BytesRead += _lengthAtEntry - input.Length;
                return true;
            }

            ReleaseLent();
        }

        BytesRead += _lengthAtEntry;
        message = default;
        return false;
    }

    public void Dispose()
    {
        foreach (ChunkStream? stream in _near)
            stream?.Release();
        foreach (ChunkStream stream in _far?.Values ?? Enumerable.Empty<ChunkStream>())
            stream.Release();
    }

    private bool TryReadMessage(ref ReadOnlySpan<byte> input)
    {
        while (true)
        {
            if (_current is null && !TryReadHeader(ref input))
                return false;
            if (TryReadPayload(ref input))
                return true;
            if (_current is not null)
                return false;
        }
    }

    /// <summary>True when the message is whole. Otherwise the chunk ended (no current one) or the input did.</summary>
    private bool TryReadPayload(ref ReadOnlySpan<byte> input)
    {
        ChunkStream stream = _current!;
        int before = stream.BufferedBytes;
        stream.Reserve(_heldCount + input.Length);
        _buffered += stream.BufferedBytes - before;
        if (_buffered > limits.MaxBufferedBytes)
            throw Fault($"more than {limits.MaxBufferedBytes} bytes of messages in flight", input.Length, stream);

        if (_heldCount > 0)
            AppendHeld(stream);

        // Chunks of 128 bytes make this loop the ingest's hottest: the next header of the same message is one byte
        // that is known, unless the chunk stream has a long id or an extended timestamp.
        int continuation = stream.Id < NearChunkStreams && !stream.IsExtended ? 0xC0 | stream.Id : -1;
        while (true)
        {
            int taken = Math.Min(_chunkLeft, input.Length);
            stream.Append(input[..taken]);
            input = input[taken..];
            _chunkLeft -= taken;
            if (_chunkLeft > 0)
                return false;
            if (stream.Missing == 0)
                return true;
            if (_heldCount > 0 || input.IsEmpty || input[0] != continuation)
            {
                _current = null;
                return false;
            }

            input = input[1..];
            _chunkLeft = Math.Min(ChunkSize, stream.Missing);
        }
    }

    private void AppendHeld(ChunkStream stream)
    {
        int taken = Math.Min(_heldCount, _chunkLeft);
        stream.Append(_held.AsSpan(0, taken));
        _chunkLeft -= taken;
        DropHeld(taken);
    }

    /// <summary>Reads one chunk header; an unfinished one is held until more bytes come.</summary>
    private bool TryReadHeader(ref ReadOnlySpan<byte> input)
    {
        if (_heldCount == 0)
        {
            int length = ParseHeader(input, input.Length);
            if (length == 0)
            {
                input.CopyTo(_held);
                _heldCount = input.Length;
                input = default;
                return false;
            }

            input = input[length..];
            return true;
        }

        int held = _heldCount;
        int added = Math.Min(MaxHeaderBytes - held, input.Length);
        input[..added].CopyTo(_held.AsSpan(held));
        int parsed = ParseHeader(_held.AsSpan(0, held + added), input.Length);
        if (parsed == 0)
        {
            _heldCount += added;
            input = input[added..];
            return false;
        }

        // Bytes that waited to be told from an extended timestamp may turn out to be payload: those stay held.
        if (parsed < held)
        {
            DropHeld(parsed);
        }
        else
        {
            _heldCount = 0;
            input = input[(parsed - held)..];
        }

        return true;
    }

    private void DropHeld(int count)
    {
        _heldCount -= count;
        _held.AsSpan(count, _heldCount).CopyTo(_held);
    }

    /// <summary>Returns the header's length and makes its chunk current; 0 when the header is not whole.</summary>
    private int ParseHeader(ReadOnlySpan<byte> bytes, int left)
    {
        if (bytes.IsEmpty)
            return 0;
        int format = bytes[0] >> 6;
        int id = bytes[0] & 0x3F;
        int at = id switch { 0 => 2, 1 => 3, _ => 1 };
        if (bytes.Length < at)
            return 0;
        if (id == 0)
            id = 64 + bytes[1];
        else if (id == 1)
            id = 64 + BinaryPrimitives.ReadUInt16LittleEndian(bytes[1..]);

        ChunkStream? stream = Find(id);
        return format == 3
            ? ParseContinuation(bytes, at, id, stream, left)
            : ParseMessageHeader(bytes, at, format, id, stream, left);
    }

    private int ParseMessageHeader(ReadOnlySpan<byte> bytes, int at, int format, int id, ChunkStream? stream, int left)
    {
        int end = at + format switch { 0 => 11, 1 => 7, _ => 3 };
        if (bytes.Length < end)
            return 0;
        uint field = ReadUInt24(bytes[at..]);
        bool extended = field == ExtendedTimestamp;
        if (extended)
        {
            if (bytes.Length < end + 4)
                return 0;
            field = BinaryPrimitives.ReadUInt32BigEndian(bytes[end..]);
        }

        // A length that changes in mid-message was FFmpeg's CVE-2016-10191.
        if (stream is { InFlight: true })
            throw Fault($"type {format} header inside a message in flight", left, stream, bytes);

        // librtmp begins its ping chunk stream with type 1, so only a length is asked for.
        if (stream is null && format == 2)
            throw Fault($"type 2 header begins chunk stream {id}", left, null, bytes);
        stream ??= Open(id, left);

        stream.Timestamp = format == 0 ? field : stream.Timestamp + field;
        stream.TimestampField = field;
        stream.IsExtended = extended;
        if (format < 2)
        {
            stream.MessageLength = (int)ReadUInt24(bytes[(at + 3)..]);
            stream.Type = (RtmpMessageType)bytes[at + 6];
        }

        if (format == 0)
            stream.MessageStreamId = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 7)..]);
        BeginMessage(stream, left, bytes);
        return extended ? end + 4 : end;
    }

    private int ParseContinuation(ReadOnlySpan<byte> bytes, int at, int id, ChunkStream? stream, int left)
    {
        if (stream is null)
            throw Fault($"type 3 header begins chunk stream {id}", left, null, bytes);

        // "This field is present in Type 3 chunks when the most recent Type 0, 1, or 2 chunk for the same chunk stream
        // ID indicated the presence of an extended timestamp field" (5.3.1.3). Old librtmp and others leave it out, so
        // it is one only when it repeats the value: a payload does that once in 2^32.
        if (stream.IsExtended)
        {
            Span<byte> repeated = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(repeated, stream.TimestampField);
            int present = Math.Min(4, bytes.Length - at);
            if (bytes.Slice(at, present).SequenceEqual(repeated[..present]))
            {
                if (present < 4)
                    return 0;
                at += 4;
            }
        }

        if (stream.InFlight)
        {
            _current = stream;
            _chunkLeft = Math.Min(ChunkSize, stream.Missing);
            return at;
        }

        // After type 0 the field is the timestamp itself, and 5.3.1.2.4 says that this is the delta; FFmpeg sends so.
        stream.Timestamp += stream.TimestampField;
        BeginMessage(stream, left, bytes);
        return at;
    }

    private void BeginMessage(ChunkStream stream, int left, ReadOnlySpan<byte> header)
    {
        if (stream.MessageLength > MaxMessageBytes)
        {
            throw Fault(
                $"message of {stream.MessageLength} bytes, at most {MaxMessageBytes} are taken", left, stream, header);
        }

        stream.Begin();
        _current = stream;
        _chunkLeft = Math.Min(ChunkSize, stream.MessageLength);
    }

    /// <summary>Applies the two messages that are about chunks; false for every other.</summary>
    private bool TryObey(in RtmpMessage message, int left)
    {
        if (message.Type is not (RtmpMessageType.SetChunkSize or RtmpMessageType.Abort))
            return false;
        ReadOnlySpan<byte> payload = message.Payload.Span;
        if (payload.Length < 4)
            throw Fault("four bytes expected", left, _lent, payload);

        uint value = BinaryPrimitives.ReadUInt32BigEndian(payload);
        if (message.Type == RtmpMessageType.SetChunkSize)
        {
            if (value < limits.MinChunkSize || value > limits.MaxChunkSize)
            {
                string taken = $"{limits.MinChunkSize} to {limits.MaxChunkSize} are taken";
                throw Fault($"chunk size {value}, {taken}", left, _lent, payload);
            }

            ChunkSize = (int)value;
        }
        else if (value <= int.MaxValue && Find((int)value) is { InFlight: true } aborted)
        {
            _buffered -= aborted.BufferedBytes;
            aborted.Release();
        }

        return true;
    }

    private void ReleaseLent()
    {
        if (_lent is null)
            return;
        _buffered -= _lent.BufferedBytes;
        _lent.Release();
        _lent = null;
    }

    private ChunkStream? Find(int id) => id < NearChunkStreams ? _near[id] : _far?.GetValueOrDefault(id);

    private ChunkStream Open(int id, int left)
    {
        if (_chunkStreams == limits.MaxChunkStreams)
            throw Fault($"more than {limits.MaxChunkStreams} chunk streams", left, null);
        _chunkStreams++;
        var stream = new ChunkStream(id);
        if (id < NearChunkStreams)
            _near[id] = stream;
        else
            (_far ??= []).Add(id, stream);
        return stream;
    }

    private RtmpProtocolException Fault(string fault, int left, ChunkStream? stream, ReadOnlySpan<byte> bytes = default)
    {
        var place = new RtmpPlace(
            BytesRead + _lengthAtEntry - left,
            stream?.Id,
            stream is { InFlight: true } || stream == _lent ? stream?.Type : null);
        return new RtmpProtocolException(fault, place, bytes[..Math.Min(bytes.Length, MaxHeaderBytes)]);
    }

    private static uint ReadUInt24(ReadOnlySpan<byte> bytes) => (uint)(bytes[0] << 16 | bytes[1] << 8 | bytes[2]);
}
