using System.Buffers;
using System.Security.Cryptography;

namespace Steadycast.Streaming.Feed;

/// <summary>
/// The hash that a segment's end carries: SHA-256 over its begin record and its access unit records, exactly as
/// <see cref="FeedCodec"/> writes them, length prefixes included.
/// </summary>
/// <remarks>Not thread-safe. Reused from segment to segment: <see cref="Begin"/> starts anew.</remarks>
public sealed class FeedHash : IDisposable
{
    public const int Bytes = SHA256.HashSizeInBytes;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> _scratch = new(256);
    private readonly byte[] _header = new byte[FeedCodec.PrefixBytes + FeedCodec.AccessUnitFieldBytes];

    public void Begin(SegmentBegin begin)
    {
        Span<byte> discarded = stackalloc byte[Bytes];
        _hash.GetHashAndReset(discarded);
        _scratch.ResetWrittenCount();
        FeedCodec.Write(_scratch, begin);
        _hash.AppendData(_scratch.WrittenSpan);
    }

    public void Append(in AccessUnit unit)
    {
        FeedCodec.WriteHeader(_header, unit);
        _hash.AppendData(_header);
        _hash.AppendData(unit.Payload.Span);
    }

    public byte[] End() => _hash.GetHashAndReset();

    public void Dispose() => _hash.Dispose();
}
