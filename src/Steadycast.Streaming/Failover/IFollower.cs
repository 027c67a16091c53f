using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>How the origins of one stream are asked: the HTTP side of one kind of timeline.</summary>
internal interface IFollower
{
    ITimeline Timeline { get; }

    /// <summary>The newest edge that another switch has shown to viewers; null when there is no other.</summary>
    Watermark? PeerMark { get; }

    /// <summary>
    /// Asks one origin or other switch what it has, tells the loop, and returns when it is time to ask again; false at
    /// once when there was no answer.
    /// </summary>
    Task<bool> AskAsync(OriginView view, CancellationToken cancellationToken);

    /// <summary>What the timeline wants now. Called by the loop; the jobs run beside it.</summary>
    IReadOnlyList<FetchJob> TakeJobs(TimeSpan now);

    /// <summary>An object that was published and is not in memory any more; null when nobody has it.</summary>
    Task<SegmentResponse?> FetchAgainAsync(ObjectKey key, Promised promised, CancellationToken cancellationToken);
}

/// <summary>One object on its way into the cache.</summary>
/// <param name="Run">Returns what the loop is to do about it.</param>
/// <param name="Failed">What the loop is to do when <paramref name="Run"/> has thrown.</param>
internal sealed record FetchJob(Func<CancellationToken, Task<Action>> Run, Action Failed);

/// <summary>What was published of an object: by the current playlist, or by one not long ago.</summary>
/// <param name="Kind"><c>segment</c> or <c>init</c>, for the counts.</param>
internal sealed record Promised(string Kind, int Bytes, string Sha256, int TargetDurationSeconds, bool Listed);

/// <summary>The newest edge that another switch has shown to viewers, and when we heard of it.</summary>
internal sealed record Watermark(long Edge, long SeenAt);
