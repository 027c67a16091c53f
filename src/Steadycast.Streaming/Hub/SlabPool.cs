using System.Collections.Concurrent;

namespace Steadycast.Streaming.Hub;

/// <summary>Slabs to be used again, in a few sizes; keeps a bounded number of bytes.</summary>
/// <remarks>Safe from all threads; takes no lock.</remarks>
internal sealed class SlabPool(int maxKeptBytes)
{
    /// <summary>Holds a third of a second of 3 Mbit/s: small for memory, large for one send.</summary>
    public const int SlabBytes = 128 * 1024;

    // The last takes the largest message, 16 MiB, with its chunk headers.
    private static readonly int[] Sizes = [SlabBytes, 512 << 10, 2 << 20, 8 << 20, (16 << 20) + (64 << 10)];

    private readonly ConcurrentQueue<Slab>[] kept = [.. Sizes.Select(_ => new ConcurrentQueue<Slab>())];
    private long keptBytes;
    private long rentedBytes;

    /// <summary>What logs and cursors hold at this moment.</summary>
    public long RentedBytes => Interlocked.Read(ref rentedBytes);

    public long KeptBytes => Interlocked.Read(ref keptBytes);

    /// <summary>How large a slab is that takes a message of so many chunk bytes.</summary>
    public static int SizeFor(int bytes) => Sizes[ClassOf(bytes)];

    /// <summary>A slab that takes a message of so many chunk bytes.</summary>
    public Slab Rent(int bytes)
    {
        int sizeClass = ClassOf(bytes);
        Interlocked.Add(ref rentedBytes, Sizes[sizeClass]);
        if (!kept[sizeClass].TryDequeue(out Slab? slab))
            return new Slab(this, Sizes[sizeClass]);
        Interlocked.Add(ref keptBytes, -Sizes[sizeClass]);
        return slab;
    }

    public void Return(Slab slab)
    {
        int size = slab.Bytes.Length;
        Interlocked.Add(ref rentedBytes, -size);
        if (Interlocked.Add(ref keptBytes, size) <= maxKeptBytes)
            kept[ClassOf(size)].Enqueue(slab);
        else
            Interlocked.Add(ref keptBytes, -size);
    }

    private static int ClassOf(int bytes)
    {
        int sizeClass = 0;
        while (Sizes[sizeClass] < bytes)
            sizeClass++;
        return sizeClass;
    }
}
