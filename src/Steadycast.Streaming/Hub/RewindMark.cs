namespace Steadycast.Streaming.Hub;

/// <summary>
/// Where a subscription begins again for another receiver: the last place to join that lies before anything that the
/// one before may not have got. The log keeps what follows it, within its bounds.
/// </summary>
/// <remarks>Used by the subscription's reader; <see cref="Slab"/> by any thread.</remarks>
internal sealed class RewindMark(StreamLog log)
{
    private long slab = StreamLog.NoJoin;
    private int entry;

    // How far entries have been looked at.
    private long nextSlab;
    private int nextEntry;

    /// <summary>In bytes of the log.</summary>
    public long Position { get; private set; }

    /// <summary>The first slab that the log has to keep; <see cref="long.MaxValue"/> when none is needed.</summary>
    public long Slab => Volatile.Read(ref slab) is var number and not StreamLog.NoJoin ? number : long.MaxValue;

    /// <summary>The cursor has joined here, or was moved here: what lies before is of no use any more.</summary>
    public void Set(Slab at, int atEntry)
    {
        Move(at, atEntry);
        (nextSlab, nextEntry) = (at.Number, atEntry + 1);
    }

    /// <summary>The receiver has got everything up to here, counted in bytes of the log.</summary>
    public void Confirm(long position)
    {
        while (slab != StreamLog.NoJoin && nextSlab <= log.NewestSlab)
        {
            bool isComplete = nextSlab < log.NewestSlab;
            if (log.TryAcquire(nextSlab) is { } found)
            {
                bool hasMore = !TryPass(found, position);
                found.Release();
                if (hasMore)
                    return;
            }

            // The order matters: only when a newer slab was there, this one's end was final.
            if (!isComplete)
                return;
            (nextSlab, nextEntry) = (nextSlab + 1, 0);
        }
    }

    /// <summary>A reference to the slab to begin with, and the entry in it; null when there is none.</summary>
    /// <param name="hasLost">Whether the log let go of what was marked: what lies between may be missing.</param>
    public Slab? TryAcquire(out int at, out bool hasLost)
    {
        (at, hasLost) = (entry, false);
        for (long number = slab; number != StreamLog.NoJoin && number <= log.NewestSlab; number++, at = 0)
        {
            if (log.TryAcquire(number) is not { } found)
            {
                hasLost = true;
                continue;
            }

            for (int count = found.Count; at < count; at++)
            {
                if (found.Entries[at].IsJoinPoint)
                    return found;
            }

            found.Release();
        }

        return null;
    }

    /// <summary>Whether all of a slab lies before a position; moves the mark to the last place to join there.</summary>
    private bool TryPass(Slab of, long position)
    {
        for (int count = of.Count; nextEntry < count; nextEntry++)
        {
            LogEntry next = of.Entries[nextEntry];
            if (of.StartPosition + next.Offset > position)
                return false;
            if (next.IsJoinPoint)
                Move(of, nextEntry);
        }

        return true;
    }

    private void Move(Slab to, int toEntry)
    {
        entry = toEntry;
        Position = to.StartPosition + (toEntry == 0 ? 0 : to.Entries[toEntry].Offset);
        Volatile.Write(ref slab, to.Number);
    }
}
