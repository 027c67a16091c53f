namespace Steadycast.TestPeers;

/// <summary>The ways in which a byte stream may arrive; every parser is fed all of them.</summary>
public static class Splits
{
    /// <summary>Whole, then one byte at a time, then in two pieces cut at every position.</summary>
    public static IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> Of(ReadOnlyMemory<byte> bytes)
    {
        yield return [bytes];
        yield return OneByOne(bytes);
        for (int at = 1; at < bytes.Length; at++)
            yield return [bytes[..at], bytes[at..]];
    }

    /// <summary>One byte at a time.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> OneByOne(ReadOnlyMemory<byte> bytes)
    {
        var pieces = new ReadOnlyMemory<byte>[bytes.Length];
        for (int i = 0; i < pieces.Length; i++)
            pieces[i] = bytes.Slice(i, 1);
        return pieces;
    }

    /// <summary>Pieces of 1 to maxPiece bytes, the same for the same seed, for long inputs.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> Random(ReadOnlyMemory<byte> bytes, int seed, int maxPiece)
    {
        var random = new Random(seed);
        var pieces = new List<ReadOnlyMemory<byte>>();
        while (!bytes.IsEmpty)
        {
            int size = Math.Min(random.Next(1, maxPiece + 1), bytes.Length);
            pieces.Add(bytes[..size]);
            bytes = bytes[size..];
        }

        return pieces;
    }
}
