namespace Steadycast.Streaming.Feed;

/// <summary>One stream's feed as its readers see it: the ring, the state, and a sign when either has changed.</summary>
/// <remarks>One writer, any number of readers.</remarks>
internal sealed class StampedFeed(string stream, ReplayRing ring, FeedState state) : IDisposable
{
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _known = new();
    private volatile FeedState _state = state;

    public string Stream => stream;

    public ReplayRing Ring => ring;

    public FeedState State => _state;

    /// <summary>Whether this process decides: false where a peer does, and while there is no publisher.</summary>
    public bool Leads { get; private set; }

    /// <summary>The newest that a reader had before it came; it may have got it elsewhere.</summary>
    public FeedState Known { get; private set; } = new(FeedActivity.Idle, 0, -1);

    /// <summary>Completes at the next change; take it before looking, then nothing is missed.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Nothing more will come: readers end once they have read everything.</summary>
    public bool IsClosed { get; private set; }

    public void Append(IReadOnlyList<FeedRecord> records, FeedState state, bool leads)
    {
        if (records.Count == 0 && state == _state && leads == Leads)
            return;
        ring.Append(records);
        (_state, Leads) = (state, leads);
        Signal();
    }

    /// <summary>From any thread: what a reader has of this stream.</summary>
    public void Tell(uint epochId, long edgeMsn)
    {
        lock (_known)
        {
            if (epochId > Known.EpochId || (epochId == Known.EpochId && edgeMsn > Known.EdgeMsn))
                Known = new FeedState(FeedActivity.Idle, epochId, edgeMsn);
        }
    }

    public void Close()
    {
        IsClosed = true;
        Signal();
    }

    public void Dispose() => ring.Dispose();

    private void Signal() => Interlocked.Exchange(
        ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
}
