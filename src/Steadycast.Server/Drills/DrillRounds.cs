namespace Steadycast.Server.Drills;

/// <summary>Does drills in rounds, each in the next lab that is free and has its boxes.</summary>
/// <remarks>
/// One loop per lab; <paramref name="onBegun"/> and <paramref name="onDone"/> are called one at a time.
/// </remarks>
/// <param name="watchOn">How long is watched after each fault.</param>
/// <param name="endAfter">No drill is begun after so long; null: all of them are.</param>
internal sealed class DrillRounds(
    IReadOnlyList<RunningLab> labs, IReadOnlyList<Drill> drills, int repeat, TimeSpan watchOn, TimeSpan? endAfter,
    TimeProvider time, Action<int, Drill> onBegun, Action<DrillResult> onDone)
{
    /// <summary>A lab that has just started, or that somebody else's drill has left, gets this long.</summary>
    private static readonly TimeSpan HealthPatience = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly DrillQueue _queue = new(drills, repeat);

    /// <summary>Returns when all is done, time is up, or no lab can go on.</summary>
    /// <returns>Why labs could not go on, a sentence each.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken stop)
    {
        var begun = time.GetTimestamp();
        var faults = await Task.WhenAll(labs.Select(lab => RunAsync(lab, begun, stop)));
        return [.. faults.OfType<string>()];
    }

    /// <returns>Why this lab does no more; null when there is nothing left for it.</returns>
    private async Task<string?> RunAsync(RunningLab lab, long begun, CancellationToken stop)
    {
        try
        {
            using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            using var control = await ControlClient.ConnectAsync(lab.Control, time, stop);
            await using var observer = new SwitchObserver(http, lab.Switch, time);
            observer.Start();
            var run = new DrillRun(lab, control, observer, http, time);
            if (await run.SettleAsync(HealthPatience, stop) is { } why)
                throw new DrillException($"the lab is not healthy, so no drill is started: {why}");
            while (!(time.GetElapsedTime(begun) > endAfter) && _queue.Take(lab.Fits) is var (round, drill))
            {
                lock (_gate)
                    onBegun(round, drill);
                var result = await run.RunAsync(drill, watchOn, stop);
                lock (_gate)
                    onDone(result);
            }

            return null;
        }
        catch (DrillException e)
        {
            return labs.Count == 1 ? e.Message : $"{lab.File}: {e.Message}";
        }
    }
}
