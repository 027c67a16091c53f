using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// The feed's bytes, both directions. A connection carries <see cref="Preamble"/> once, then records without end:
/// <code>
/// record      length u32 (of what follows) | kind u8 | body
/// Begin       epoch u32 | ingest 16 | anchor-utc-ms i64 | target-duration-s u16 | msn i64 | time i64 | disc-seq i64
///             | flags u8 (1 discontinuity, 2 independent, 4 all independent, 8 a timeline of an epoch before)
///             | stream u16 + UTF-8 | tracks u8 x ( id u8 | codec u8 | record u32 + bytes )
///             | with flag 8: timeline u32
/// AccessUnit  track u8 | flags u8 (1 keyframe) | dts i64 | composition-offset i32 | sample-position i64 | payload
/// End         msn i64 | duration i64 | access-units u32 | flags u8 (1 short) | hash 32
/// State       activity u8 | epoch u32 | edge-msn i64
/// </code>
/// All integers are big-endian. A record has exactly one encoding: <see cref="FeedHash"/> depends on it. Records of an
/// unknown kind are skipped, so that a later version may add some; any other change takes a new preamble.
/// </summary>
public static class FeedCodec
{
    /// <summary>"SCF" and the version.</summary>
    public static ReadOnlySpan<byte> Preamble => "SCF\u0001"u8;

    public const string ContentType = "application/vnd.steadycast.feed";

    /// <summary>
    /// An RTMP message has at most 2^24 - 1 bytes, and so has an access unit; the rest is room for fields.
    /// </summary>
    public const int MaxRecordBytes = (1 << 24) + 64;

    public const int MaxTracks = 8;
    public const int MaxTrackRecordBytes = 64 * 1024;
    public const int MaxStreamNameBytes = 512;

    internal const int PrefixBytes = 4 + 1;
    internal const int AccessUnitFieldBytes = 1 + 1 + 8 + 4 + 8;
    private const int BeginFixedBytes = 4 + 16 + 8 + 2 + 8 + 8 + 8 + 1 + 2 + 1;
    private const int TimelineBytes = 4;
    private const int EndBytes = 8 + 8 + 4 + 1 + FeedHash.Bytes;
    private const int StateBytes = 1 + 4 + 8;

    public static void Write(IBufferWriter<byte> output, SegmentBegin begin)
    {
        var nameBytes = Encoding.UTF8.GetByteCount(begin.Epoch.Stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(nameBytes, MaxStreamNameBytes, nameof(begin));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(begin.Tracks.Length, MaxTracks, nameof(begin));
        var goesOn = begin.Epoch.TimelineId != begin.Epoch.EpochId;
        var size = PrefixBytes + BeginFixedBytes + nameBytes + begin.Tracks.Sum(track => 6 + track.Record.Length)
            + (goesOn ? TimelineBytes : 0);
        var writer = new SpanWriter(output.GetSpan(size));
        writer.Prefix(size, FeedRecordKind.Begin);
        writer.UInt32(begin.Epoch.EpochId);
        writer.Guid(begin.Epoch.IngestId);
        writer.Int64(begin.Epoch.AnchorUtcMs);
        writer.UInt16(checked((ushort)begin.Epoch.TargetDurationSeconds));
        writer.Int64(begin.Msn);
        writer.Int64(begin.Time);
        writer.Int64(begin.DiscontinuitySequence);
        var flags = (begin.Discontinuity ? 1 : 0) | (begin.Independent ? 2 : 0) | (begin.AllIndependent ? 4 : 0)
            | (goesOn ? 8 : 0);
        writer.Byte((byte)flags);
        writer.UInt16((ushort)nameBytes);
        writer.Text(begin.Epoch.Stream);
        writer.Byte((byte)begin.Tracks.Length);
        foreach (var track in begin.Tracks)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(track.Record.Length, MaxTrackRecordBytes, nameof(begin));
            writer.Byte(track.TrackId);
            writer.Byte((byte)track.Codec);
            writer.UInt32((uint)track.Record.Length);
            writer.Bytes(track.Record.Span);
        }

        if (goesOn)
            writer.UInt32(begin.Epoch.TimelineId);
        output.Advance(size);
    }

    public static void Write(IBufferWriter<byte> output, in AccessUnit unit)
    {
        const int HeaderBytes = PrefixBytes + AccessUnitFieldBytes;
        WriteHeader(output.GetSpan(HeaderBytes), unit);
        output.Advance(HeaderBytes);
        output.Write(unit.Payload.Span);
    }

    public static void Write(IBufferWriter<byte> output, SegmentEnd end)
    {
        const int Size = PrefixBytes + EndBytes;
        ArgumentOutOfRangeException.ThrowIfNotEqual(end.Hash.Length, FeedHash.Bytes, nameof(end));
        var writer = new SpanWriter(output.GetSpan(Size));
        writer.Prefix(Size, FeedRecordKind.End);
        writer.Int64(end.Msn);
        writer.Int64(end.Duration);
        writer.UInt32((uint)end.AccessUnits);
        writer.Byte((byte)(end.IsShort ? 1 : 0));
        writer.Bytes(end.Hash.Span);
        output.Advance(Size);
    }

    public static void Write(IBufferWriter<byte> output, FeedState state)
    {
        const int Size = PrefixBytes + StateBytes;
        var writer = new SpanWriter(output.GetSpan(Size));
        writer.Prefix(Size, FeedRecordKind.State);
        writer.Byte((byte)state.Activity);
        writer.UInt32(state.EpochId);
        writer.Int64(state.EdgeMsn);
        output.Advance(Size);
    }

    /// <summary>Everything of an access unit's record but the payload.</summary>
    internal static void WriteHeader(Span<byte> header, in AccessUnit unit)
    {
        var writer = new SpanWriter(header);
        writer.Prefix(PrefixBytes + AccessUnitFieldBytes + unit.Payload.Length, FeedRecordKind.AccessUnit);
        writer.Byte(unit.TrackId);
        writer.Byte((byte)(unit.IsKeyframe ? 1 : 0));
        writer.Int64(unit.Dts);
        writer.UInt32((uint)unit.CompositionOffset);
        writer.Int64(unit.SamplePosition);
    }

    /// <summary>
    /// Takes the preamble from the front of <paramref name="input"/>; false when it is not all there yet.
    /// </summary>
    /// <exception cref="FeedFormatException">Something else, or another version.</exception>
    public static bool TryReadPreamble(ref ReadOnlySequence<byte> input)
    {
        Span<byte> start = stackalloc byte[Preamble.Length];
        var available = (int)Math.Min(input.Length, Preamble.Length);
        input.Slice(0, available).CopyTo(start);
        if (!start[..available].SequenceEqual(Preamble[..available]))
            throw new FeedFormatException("The answer does not begin as a feed of version 1.");
        if (available < Preamble.Length)
            return false;
        input = input.Slice(available);
        return true;
    }

    /// <summary>
    /// Takes one record of a known kind from the front of <paramref name="input"/>, skipping unknown kinds; false when
    /// no further record is complete. What is returned holds copies: the input may be reused.
    /// </summary>
    /// <exception cref="FeedFormatException">A length or a field is outside its range.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> input, out FeedRecord record)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        while (input.Length >= PrefixBytes)
        {
            input.Slice(0, PrefixBytes).CopyTo(prefix);
            var length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
            if (length is 0 or > MaxRecordBytes)
                throw new FeedFormatException($"A record of {length} bytes is outside 1 to {MaxRecordBytes}.");
            if (input.Length < 4 + length)
                break;
            var body = input.Slice(PrefixBytes, length - 1);
            input = input.Slice(4 + length);
            switch ((FeedRecordKind)prefix[4])
            {
                case FeedRecordKind.Begin:
                    record = new FeedRecord(ReadBegin(new SpanReader(Flat(body))));
                    return true;
                case FeedRecordKind.AccessUnit:
                    record = new FeedRecord(ReadAccessUnit(body));
                    return true;
                case FeedRecordKind.End:
                    record = new FeedRecord(ReadEnd(new SpanReader(Flat(body))));
                    return true;
                case FeedRecordKind.State:
                    record = new FeedRecord(ReadState(new SpanReader(Flat(body))));
                    return true;
            }
        }

        record = default;
        return false;
    }

    private static ReadOnlySpan<byte> Flat(in ReadOnlySequence<byte> body) =>
        body.IsSingleSegment ? body.FirstSpan : body.ToArray();

    private static SegmentBegin ReadBegin(SpanReader reader)
    {
        var epochId = reader.UInt32();
        var ingestId = reader.Guid();
        var anchor = reader.Int64();
        var targetDuration = reader.UInt16();
        var msn = reader.NotNegative("media sequence number");
        var time = reader.NotNegative("media time");
        var discontinuitySequence = reader.NotNegative("discontinuity sequence");
        var flags = reader.Flags(0b1111);
        var stream = reader.Text(SpanReader.Length(reader.UInt16(), MaxStreamNameBytes, "stream name"));
        var count = SpanReader.Length(reader.Byte(), MaxTracks, "track list");
        var tracks = ImmutableArray.CreateBuilder<TrackConfig>(count);
        for (var i = 0; i < count; i++)
        {
            var id = reader.Byte();
            var codec = (Codec)reader.Byte();
            if (!Enum.IsDefined(codec))
                throw new FeedFormatException($"Codec {(byte)codec} is unknown.");
            var record = reader.Bytes(SpanReader.Length(reader.UInt32(), MaxTrackRecordBytes, "decoder configuration"));
            tracks.Add(new TrackConfig(id, codec, record.ToArray()));
        }

        var timeline = (flags & 8) != 0 ? reader.UInt32() : epochId;
        if ((flags & 8) != 0 && timeline >= epochId)
            throw new FeedFormatException($"Epoch {epochId} goes on with the timeline of the later epoch {timeline}.");
        reader.End();
        var epoch = new StreamEpoch(stream, epochId, ingestId, anchor, targetDuration) { TimelineId = timeline };
        return new SegmentBegin(epoch, msn, time, (flags & 1) != 0, discontinuitySequence, (flags & 2) != 0,
            (flags & 4) != 0, tracks.MoveToImmutable());
    }

    private static AccessUnit ReadAccessUnit(in ReadOnlySequence<byte> body)
    {
        if (body.Length < AccessUnitFieldBytes)
            throw new FeedFormatException("An access unit record ends within its fields.");
        Span<byte> fields = stackalloc byte[AccessUnitFieldBytes];
        body.Slice(0, AccessUnitFieldBytes).CopyTo(fields);
        var reader = new SpanReader(fields);
        var track = reader.Byte();
        var keyframe = reader.Flags(1) != 0;
        var dts = reader.NotNegative("decoding time");
        var compositionOffset = (int)reader.UInt32();
        var samplePosition = reader.NotNegative("sample position");
        var payload = body.Slice(AccessUnitFieldBytes).ToArray();
        return new AccessUnit(track, dts, compositionOffset, samplePosition, keyframe, payload);
    }

    private static SegmentEnd ReadEnd(SpanReader reader)
    {
        var msn = reader.NotNegative("media sequence number");
        var duration = reader.NotNegative("duration");
        var units = SpanReader.Length(reader.UInt32(), int.MaxValue, "access unit count");
        var isShort = reader.Flags(1) != 0;
        var hash = reader.Bytes(FeedHash.Bytes).ToArray();
        reader.End();
        return new SegmentEnd(msn, duration, units, hash, isShort);
    }

    private static FeedState ReadState(SpanReader reader)
    {
        var activity = (FeedActivity)reader.Byte();
        if (activity > FeedActivity.Live)
            throw new FeedFormatException($"Activity {(byte)activity} is unknown.");
        var epochId = reader.UInt32();
        var edge = reader.Int64();
        if (edge < -1)
            throw new FeedFormatException($"An edge of {edge} is impossible.");
        reader.End();
        return new FeedState(activity, epochId, edge);
    }

    private ref struct SpanWriter(Span<byte> span)
    {
        private Span<byte> _rest = span;

        public void Prefix(int recordBytes, FeedRecordKind kind)
        {
            UInt32((uint)(recordBytes - 4));
            Byte((byte)kind);
        }

        public void Byte(byte value) => Take(1)[0] = value;

        public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

        public void UInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

        public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

        public void Guid(Guid value) => value.TryWriteBytes(Take(16), bigEndian: true, out _);

        public void Text(string value) => Take(Encoding.UTF8.GetBytes(value, _rest));

        public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

        private Span<byte> Take(int count)
        {
            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }
    }

    private ref struct SpanReader(ReadOnlySpan<byte> span)
    {
        private ReadOnlySpan<byte> _rest = span;

        public byte Byte() => Bytes(1)[0];

        public ushort UInt16() => BinaryPrimitives.ReadUInt16BigEndian(Bytes(2));

        public uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Bytes(4));

        public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Bytes(8));

        public Guid Guid() => new(Bytes(16), bigEndian: true);

        public long NotNegative(string what)
        {
            var value = Int64();
            return value >= 0 ? value : throw new FeedFormatException($"A {what} of {value} is impossible.");
        }

        public byte Flags(byte known)
        {
            var value = Byte();
            return (value & ~known) == 0 ? value : throw new FeedFormatException($"Flags {value:x2} are unknown.");
        }

        public static int Length(uint value, int limit, string what) =>
            value <= (uint)limit ? (int)value : throw new FeedFormatException($"A {what} of {value} is over {limit}.");

        public string Text(int count)
        {
            var bytes = Bytes(count);
            if (!System.Text.Unicode.Utf8.IsValid(bytes))
                throw new FeedFormatException("A stream name is not UTF-8.");
            return Encoding.UTF8.GetString(bytes);
        }

        public ReadOnlySpan<byte> Bytes(int count)
        {
            if (count > _rest.Length)
                throw new FeedFormatException($"A record ends {count - _rest.Length} bytes within a field.");
            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        public readonly void End()
        {
            if (!_rest.IsEmpty)
                throw new FeedFormatException($"A record has {_rest.Length} bytes behind its last field.");
        }
    }
}
