namespace Steadycast.Server.Lab;

/// <summary>Keeps boxes alive until told to stop.</summary>
/// <param name="logFile">Where a box's lines go.</param>
/// <param name="backoff">Makes one per box.</param>
/// <param name="onStarted">Told of every start: the box's name and process id.</param>
internal sealed class Supervisor(
    IReadOnlyList<Box> boxes,
    Func<Box, string> logFile,
    LabFile file,
    LabTerminal terminal,
    Func<Backoff> backoff,
    TimeProvider time,
    Action<string, int> onStarted)
{
    /// <summary>What a drill may do to each box, by its name.</summary>
    public IReadOnlyDictionary<string, BoxHandle> Handles { get; } =
        boxes.ToDictionary(box => box.Name, _ => new BoxHandle(), StringComparer.Ordinal);

    /// <summary>Returns when <paramref name="stop"/> was asked for and every child is gone.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var logs = new List<BoxLog>();
        try
        {
            foreach (var box in boxes)
                file.Add(box, logFile(box));
            file.Write();
            var runs = new List<Task>();
            foreach (var box in boxes)
            {
                var log = new BoxLog(logFile(box));
                logs.Add(log);
                var run = new BoxRun(box, log, terminal, file, Handles[box.Name], backoff(), time, onStarted);
                runs.Add(run.RunAsync(stop));
            }

            await Task.WhenAll(runs);
        }
        finally
        {
            foreach (var log in logs)
                log.Dispose();
        }
    }
}
