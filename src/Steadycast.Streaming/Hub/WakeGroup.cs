namespace Steadycast.Streaming.Hub;

/// <summary>Subscribers that are woken in turn, by one work item on the thread pool.</summary>
/// <remarks>
/// <para>
/// Hundreds of players cost the publisher a handful of work items per message, and none while the item of the message
/// before has not begun. Players run in groups of <see cref="Capacity"/>; who may take longer has a group of its own.
/// </para>
/// <para>
/// No wake is lost. The writer publishes, then (full fence) looks whether the group is queued. The group unmarks
/// itself (full fence), then looks who waits. A subscriber marks itself waiting (full fence), then looks once more for
/// something to read. Of any two that race, the later one sees what the earlier one did.
/// </para>
/// </remarks>
internal sealed class WakeGroup(SubscriptionKind kind) : IThreadPoolWorkItem
{
    public const int Capacity = 64;

    private readonly Subscription?[] members = new Subscription?[kind == SubscriptionKind.Player ? Capacity : 1];
    private int isQueued;
    private int count;

    public SubscriptionKind Kind => kind;

    /// <summary>Whether its members wait for the merge window.</summary>
    public bool IsPlayers => kind == SubscriptionKind.Player;

    public int Count => Volatile.Read(ref count);

    /// <summary>Adds a member if there is room for one of its kind. Under the stream's lock of subscribers.</summary>
    public bool TryAdd_NeedsLock(Subscription member)
    {
        int free = Array.IndexOf(members, null);
        if (member.Kind != kind || free < 0)
            return false;
        Volatile.Write(ref members[free], member);
        Volatile.Write(ref count, count + 1);
        return true;
    }

    public void Remove_NeedsLock(Subscription member)
    {
        int place = Array.IndexOf(members, member);
        if (place < 0)
            return;
        Volatile.Write(ref members[place], null);
        Volatile.Write(ref count, count - 1);
    }

    /// <summary>Wakes those who wait; the caller has published, and a full fence lies between.</summary>
    public void Signal()
    {
        if (Volatile.Read(ref isQueued) == 0 && Interlocked.Exchange(ref isQueued, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute()
    {
        Interlocked.Exchange(ref isQueued, 0);
        for (int i = 0; i < members.Length; i++)
            Volatile.Read(ref members[i])?.Wake();
    }

    /// <summary>The slab of the slowest cursor; <see cref="long.MaxValue"/> when none needs any.</summary>
    public long SlowestSlab()
    {
        long slowest = long.MaxValue;
        for (int i = 0; i < members.Length; i++)
            slowest = Math.Min(slowest, Volatile.Read(ref members[i])?.KeepFrom ?? long.MaxValue);
        return slowest;
    }

    public void CloseAll()
    {
        for (int i = 0; i < members.Length; i++)
            Volatile.Read(ref members[i])?.Close();
    }
}
