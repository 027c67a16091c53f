using Steadycast.Server.Lab;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>Does one drill: waits for a healthy lab, watches, breaks, lifts, watches on, judges.</summary>
internal sealed class DrillRun(
    RunningLab lab, ControlClient control, SwitchObserver observer, HttpClient http, TimeProvider time)
{
    /// <summary>A box that died often is started late: 5 s at most, and then it has to catch up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(1);

    /// <summary>
    /// What the viewer sees before the fault: it has joined and plays, and the lab is well for two segments or more. By
    /// chance up to a segment more, or every fault would come at the same moment of one.
    /// </summary>
    private static readonly (double Least, double Chance) WarmUpSeconds = (4, 2);

    /// <summary>Why the lab is not fit for a drill; null when it is.</summary>
    public string? WhyNotHealthy()
    {
        var boxes = lab.Boxes;
        if (boxes.Count == 0)
            return "the lab has ended";
        if (boxes.FirstOrDefault(b => b.Pid is null) is { } down)
            return $"{down.Name} is not running";
        if (observer.Last is not { Answered: true } last)
            return "the switch does not answer";
        if (last.Origins.FirstOrDefault(o => !o.IsWell) is { } ill)
            return $"the switch finds {ill.Name} {ill.Freshness}{(ill.Fault is { } f ? $" ({f})" : "")}";
        return last.IsHealthy ? null : $"the stream is {last.State ?? "not there"}";
    }

    /// <summary>Waits until the lab is healthy.</summary>
    /// <returns>Why it is not; null when it is.</returns>
    public async Task<string?> SettleAsync(TimeSpan patience, CancellationToken stop) =>
        await observer.UntilAsync(_ => WhyNotHealthy() is null, patience, stop)
            ? null
            : WhyNotHealthy() ?? "it is well and ill in turn";

    /// <param name="watchOn">How long is watched after the fault is over.</param>
    /// <exception cref="DrillException">The lab is not healthy, or does not do what it is told.</exception>
    public async Task<DrillResult> RunAsync(Drill drill, TimeSpan watchOn, CancellationToken stop)
    {
        for (var begun = observer.Now; observer.Now - begun < Patience;)
        {
            if (await SettleAsync(Patience, stop) is { } why)
                throw new DrillException($"the lab is not healthy before {drill.Name}: {why}");
            if (await TryAsync(drill, watchOn, stop) is { } result)
                return result;
            await Task.Delay(BetweenTries, time, stop);
        }

        throw new DrillException($"the lab does not stay healthy before {drill.Name}");
    }

    /// <returns>Null when the lab fell ill before the fault, or the viewer met a seam: of what was before.</returns>
    private async Task<DrillResult?> TryAsync(Drill drill, TimeSpan watchOn, CancellationToken stop)
    {
        observer.Forget();
        var startedAt = time.GetUtcNow();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var seams = new SeamCounter();
        var viewer = new StrictViewer(http, time, new ViewerOptions { WatchFor = null }, seams);
        var watching = viewer.WatchAsync(lab.Playlist, ending.Token);
        try
        {
            var warmUp = WarmUpSeconds.Least + WarmUpSeconds.Chance * Random.Shared.NextDouble();
            var ill = await observer.UntilAsync(
                _ => WhyNotHealthy() is not null || seams.Count > 0, TimeSpan.FromSeconds(warmUp), stop);
            if (ill)
                return null;
            var fault = observer.Now;
            await InflictAsync(drill.Fault, stop);
            var lifted = observer.Now;
            await Task.Delay(watchOn, time, stop);
            await observer.UntilAsync(_ => WhyNotHealthy() is null, Patience, stop);
            var end = observer.Now;
            await ending.CancelAsync();
            var report = await watching;
            var samples = observer.Since(TimeSpan.Zero);
            var figures = DrillFigures.Of(samples, drill.Fault.Origins, fault, lifted, end);
            var published = samples.LastOrDefault(s => s.At <= end && s.Edge is not null)?.Edge;
            var breaches = DrillResult.BreachesOf(drill.Promise, figures, report, published);
            return new DrillResult(drill.Name, startedAt, figures, breaches, report, Machine.Load());
        }
        finally
        {
            // Also when ctrl-c has ended it; and if this process is killed, the lab does it when the connection ends.
            await control.DoAsync(new ControlRequest("lift"), CancellationToken.None);
            await ending.CancelAsync();
            await watching;
        }
    }

    private async Task InflictAsync(DrillFault fault, CancellationToken stop)
    {
        for (var round = 1; round <= fault.Times; round++)
        {
            foreach (var box in fault.Boxes)
                await control.DoAsync(new ControlRequest(fault.Action, box, fault.Line), stop);
            if (fault.Lasts > TimeSpan.Zero)
            {
                await Task.Delay(fault.Lasts, time, stop);
                await control.DoAsync(new ControlRequest("lift"), stop);
            }

            if (round < fault.Times)
                await Task.Delay(fault.Every - fault.Lasts, time, stop);
        }
    }

    private sealed class SeamCounter : IViewerWitness
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void PlaylistArrived(ArrivedPlaylist playlist)
        {
        }

        public void MediaArrived(ArrivedMedia media)
        {
        }

        public void SeamFound(Seam seam) => Interlocked.Increment(ref _count);
    }
}
