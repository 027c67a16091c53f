namespace Steadycast.Compare;

/// <summary>One run: a fresh server, the load, and a look at the server's clock before and after.</summary>
internal static class Measurement
{
    // Joins and the first keyframes are over by then, and the JIT has seen the hot path.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);

    public static async Task<Result> RunAsync(Scenario scenario, string server, TimeSpan time)
    {
        await using ServerProcess process = await ServerProcess.StartAsync(server);
        using var deadline = new CancellationTokenSource(time + WarmUp + TimeSpan.FromSeconds(60));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
        await using var publishers = await Publishers.StartAsync(process.Port, scenario, stop.Token);
        await using var players = await Players.StartAsync(process.Port, scenario.Players, stop.Token);
        await Task.Delay(WarmUp, TimeProvider.System, stop.Token);

        ((double user, double system), long sent, long received) =
            (process.Figures.Cpu, publishers.BytesSent, players.BytesReceived);
        long began = TimeProvider.System.GetTimestamp();
        await Task.Delay(time, TimeProvider.System, stop.Token);
        double elapsed = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        (double User, double System) cpu = process.Figures.Cpu;
        (sent, received) = (publishers.BytesSent - sent, players.BytesReceived - received);

        long carried = scenario.Players > 0 ? received : sent;
        int streams = scenario.Players > 0 ? scenario.Players : scenario.Publishers;
        double gbit = carried * 8 / 1e9;
        return new Result(
            (cpu.User - user) / gbit,
            (cpu.System - system) / gbit,
            carried / (Picture.BytesPerSecond * elapsed * streams),
            process.Figures.RssMegabytes,
            players.MedianJoinSeconds);
    }
}
