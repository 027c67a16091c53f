using System.Buffers;

namespace Steadycast.Streaming.Feed;

/// <summary>The records of one segment as bytes, in blocks that never move. Guarded by its ring's lock.</summary>
internal sealed class RingSegment(long msn) : IBufferWriter<byte>
{
    /// <summary>Below the size at which arrays are collected only with the oldest generation.</summary>
    public const int BlockBytes = 64 * 1024;

    private readonly List<(byte[] Bytes, int Used)> _blocks = [];

    public long Msn { get; } = msn;

    /// <summary>In 1/90000 s, once it has ended.</summary>
    public long Duration { get; set; }

    public RingSegment? Next { get; set; }

    /// <summary>Ended or taken back: nothing more will be added.</summary>
    public bool IsClosed { get; set; }

    public bool IsTakenBack { get; set; }

    public bool IsEvicted { get; private set; }

    public long Bytes => (long)_blocks.Count * BlockBytes;

    public void Advance(int count)
    {
        var (bytes, used) = _blocks[^1];
        _blocks[^1] = (bytes, used + count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeHint, BlockBytes);
        if (_blocks.Count == 0 || _blocks[^1].Used + Math.Max(1, sizeHint) > BlockBytes)
            _blocks.Add((new byte[BlockBytes], 0));
        var (bytes, used) = _blocks[^1];
        return bytes.AsMemory(used);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>
    /// What has been written from a place on, as far as it lies in one piece; moves the place behind it.
    /// </summary>
    public ReadOnlyMemory<byte> Read(ref int block, ref int offset)
    {
        while (block < _blocks.Count)
        {
            var (bytes, used) = _blocks[block];
            if (offset < used)
            {
                var read = bytes.AsMemory(offset, used - offset);
                offset = used;
                return read;
            }

            if (block == _blocks.Count - 1)
                break;
            (block, offset) = (block + 1, 0);
        }

        return default;
    }

    public void Evict()
    {
        IsEvicted = true;
        _blocks.Clear();
    }
}
