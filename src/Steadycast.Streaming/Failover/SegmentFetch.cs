using System.Collections.Immutable;
using System.Security.Cryptography;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// Brings one object from whichever of the origins has it, valid or not at all: the next origin is asked at once when
/// one fails, early when one is slow, and continues in the middle where one broke off.
/// </summary>
internal sealed class SegmentFetch(
    IReadOnlyList<OriginClient> origins,
    HedgeBudget budget,
    SwitchMetrics metrics,
    TimeProvider time)
{
    private static readonly TimeSpan MinHedge = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan MaxHedge = TimeSpan.FromMilliseconds(250);

    /// <param name="key">The stream and the object's name.</param>
    /// <param name="kind"><c>segment</c> or <c>init</c>, for the counts.</param>
    /// <param name="candidates">Places in the list of origins, best first; more may come while the fetch runs.</param>
    /// <param name="deadline">For everything together.</param>
    public async Task<FetchResult> GetAsync(
        ObjectKey key,
        string kind,
        int length,
        string sha256,
        Func<IReadOnlyList<int>> candidates,
        TimeSpan deadline,
        CancellationToken cancellationToken)
    {
        budget.Earn();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var wanted = new Wanted(key, kind, length, sha256, deadline, time.GetTimestamp());
        var race = new Race(wanted, candidates, cancel.Token);
        var result = await RunAsync(race);
        // The losers' requests end here, not later behind somebody's back.
        await cancel.CancelAsync();
        await Task.WhenAll(race.Running);
        return result;
    }

    private async Task<FetchResult> RunAsync(Race race)
    {
        Start(race, from: null);
        using var hedge = new CancellationTokenSource();
        var early = Task.Delay(HedgeDelay(race.Started[0]), time, hedge.Token);
        var late = Task.Delay(race.Wanted.Deadline / 2, time, hedge.Token);
        try
        {
            while (race.Running.Count > 0)
            {
                var first = await Task.WhenAny([.. race.Running, early, late]);
                if (first == early || first == late)
                {
                    // Nobody else has it yet: whoever has it next is asked then.
                    var next = race.HasMore ? Never : Task.Delay(MinHedge, time, hedge.Token);
                    var isLate = first == late;
                    // Half the time gone is a failure in all but name: no budget is needed to ask elsewhere.
                    if (race.Running.Count == 1 && race.HasMore && (isLate || budget.TrySpend()))
                    {
                        race.Hedged = true;
                        race.Late = isLate ? race.Started[^1] : race.Late;
                        Start(race, from: null);
                    }

                    (early, late) = isLate ? (Never, next) : (next, late);
                    continue;
                }

                var attempt = await (Task<Attempt>)first;
                race.Running.Remove((Task<Attempt>)first);
                if (attempt.Fault == OriginFault.None)
                    return Won(race, attempt);
                Lost(race, attempt);
            }

            return new FetchResult(null, race.Failures.ToImmutable(), Winner: -1);
        }
        finally
        {
            await hedge.CancelAsync();
        }
    }

    private static Task Never { get; } = new TaskCompletionSource().Task;

    private TimeSpan HedgeDelay(int origin)
    {
        var usual = origins[origin].Latency.Percentile95() ?? MaxHedge;
        return usual < MinHedge ? MinHedge : usual > MaxHedge ? MaxHedge : usual;
    }

    private FetchResult Won(Race race, Attempt attempt)
    {
        if (race.Hedged)
            metrics.Hedged(origins[attempt.Origin].Name);
        if (attempt.Transfer.Spliced)
            metrics.Spliced();
        if (race.Late is { } late && late != attempt.Origin)
        {
            var error = $"{race.Wanted.Kind}: no answer in half of the time";
            race.Failures.Add(new FetchFailure(late, OriginFault.Timeout, error));
        }

        var response = new SegmentResponse(race.Wanted.Key.Name, attempt.Transfer.Bytes, race.Wanted.Sha256);
        return new FetchResult(response, race.Failures.ToImmutable(), attempt.Origin);
    }

    private void Lost(Race race, Attempt attempt)
    {
        if (attempt.Fault == OriginFault.Corrupt)
            metrics.Corrupt(origins[attempt.Origin].Name);
        if (attempt is { Fault: OriginFault.Corrupt, Transfer.Spliced: true })
        {
            // One of the two halves is wrong; the second origin gets the chance to show that it was not its own.
            race.Again(attempt.Origin);
            Start(race, from: null);
            return;
        }

        race.Failures.Add(new FetchFailure(attempt.Origin, attempt.Fault, attempt.Error));
        if (!race.HasMore)
            return;
        metrics.FellBack(attempt.Fault);
        Start(race, from: attempt);
    }

    private void Start(Race race, Attempt? from) =>
        race.Running.Add(TryAsync(race.Next(), race.Wanted, from, race.Cancelled));

    private async Task<Attempt> TryAsync(int origin, Wanted wanted, Attempt? from, CancellationToken cancellationToken)
    {
        // A whole body that is wrong is no start for the rest of another one.
        var broken = from?.Transfer is { } t && t.Received < t.Length && t.Bytes.Length > 0 ? t : null;
        var transfer = new Transfer(wanted.Length, broken);
        var left = wanted.Deadline - time.GetElapsedTime(wanted.Started);
        var answer = await origins[origin].GetObjectAsync(
            wanted.Key.Stream,
            wanted.Key.Name,
            wanted.Sha256,
            transfer,
            left > MinHedge ? left : MinHedge,
            cancellationToken);
        var (fault, error) = (answer.Fault, answer.Error);
        if (fault == OriginFault.Garbage)
            fault = OriginFault.Corrupt;
        if (fault == OriginFault.None && !HasHash(transfer.Bytes, wanted.Sha256))
            (fault, error) = (OriginFault.Corrupt, "the bytes are not what the index promises");
        metrics.Fetched(origins[origin].Name, wanted.Kind, fault, answer.Status, answer.Elapsed);
        if (fault == OriginFault.None)
            origins[origin].Latency.Add(answer.Elapsed);
        return new Attempt(origin, fault, $"{wanted.Kind}: {error}", transfer);
    }

    private static bool HasHash(byte[] bytes, string sha256) =>
        string.Equals(Convert.ToHexStringLower(SHA256.HashData(bytes)), sha256, StringComparison.Ordinal);

    private sealed record Wanted(
        ObjectKey Key,
        string Kind,
        int Length,
        string Sha256,
        TimeSpan Deadline,
        long Started);

    private sealed record Attempt(int Origin, OriginFault Fault, string Error, Transfer Transfer);

    private sealed class Race(Wanted wanted, Func<IReadOnlyList<int>> candidates, CancellationToken cancelled)
    {
        private int? _again;

        public Wanted Wanted => wanted;

        public CancellationToken Cancelled => cancelled;

        public List<Task<Attempt>> Running { get; } = [];

        /// <summary>Who was asked, in that order.</summary>
        public List<int> Started { get; } = [];

        public ImmutableArray<FetchFailure>.Builder Failures { get; } = ImmutableArray.CreateBuilder<FetchFailure>();

        public bool Hedged { get; set; }

        /// <summary>Who took half of the time, so that another one was asked.</summary>
        public int? Late { get; set; }

        public bool HasMore => candidates().Any(origin => !Started.Contains(origin));

        public void Again(int origin) => _again = origin;

        public int Next()
        {
            var next = _again ?? candidates().First(origin => !Started.Contains(origin));
            _again = null;
            Started.Add(next);
            return next;
        }
    }
}

/// <param name="Response">Null when no candidate could deliver.</param>
/// <param name="Winner">Place of the origin in the list; -1 for none.</param>
internal sealed record FetchResult(SegmentResponse? Response, ImmutableArray<FetchFailure> Failures, int Winner);

internal readonly record struct FetchFailure(int Origin, OriginFault Fault, string Error);
