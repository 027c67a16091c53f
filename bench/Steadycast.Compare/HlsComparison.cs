using System.Globalization;

namespace Steadycast.Compare;

/// <summary>
/// The switch with two origins under HLS viewers: how often it asks the origins for a segment, and what a Gbit costs
/// beside nginx, which sends the same files at the same time of day.
/// </summary>
internal sealed class HlsComparison(LabProcess lab, TimeSpan time, CancellationToken cancellationToken)
{
    // All have joined, and the JIT has seen the hot path.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(10);

    /// <summary>Origin fetches per published segment, with so many viewers.</summary>
    public async Task FetchesAsync(IEnumerable<int> viewerCounts)
    {
        Console.WriteLine("\nsegments fetched at both origins together, per published segment (target: 1.00 to 1.10)");
        Write("viewers", "published", "fetched", "each", "viewers got", "failed", "load");
        foreach (int count in viewerCounts)
        {
            await using var viewers = HlsViewers.Start(
                lab.SwitchPort, LabProcess.Playlist, count, cancellationToken);
            await Task.Delay(WarmUp, TimeProvider.System, cancellationToken);
            (long first, double fetches, long got) = (
                await NextAsync(), await lab.FetchesAsync(cancellationToken), viewers.SegmentsReceived);
            await Task.Delay(time, TimeProvider.System, cancellationToken);
            long published = await NextAsync() - first;
            double fetched = await lab.FetchesAsync(cancellationToken) - fetches;
            Write(
                Text(count, "0"), Text(published, "0"), Text(fetched, "0"), Text(fetched / published, "0.00"),
                Text(viewers.SegmentsReceived - got, "0"), Text(viewers.Failures, "0"), Load());
        }
    }

    /// <summary>CPU-seconds per Gbit of the switch and of nginx, in turn.</summary>
    public async Task CostAsync(int viewers, int rounds)
    {
        await using ServerProcess nginx = await ServerProcess.StartFilesAsync(lab.Files);
        var (ours, theirs) = (new List<double>(), new List<double>());
        Console.WriteLine($"\nCPU-seconds per Gbit with {viewers} viewers of 3.03 Mbit/s");
        Write("server", "CPU-s/Gbit", "user", "delivered", "RSS MB", "failed", "load");
        for (int round = 0; round < rounds; round++)
        {
            theirs.Add(await CostAsync("nginx", nginx.Figures, nginx.Port, viewers));
            ours.Add(await CostAsync("ours", lab.Switch, lab.SwitchPort, viewers));
        }

        Console.WriteLine(
            $"medians: nginx {Text(Median(theirs), "0.000")}, ours {Text(Median(ours), "0.000")}: "
            + $"{Text(Median(ours) / Median(theirs), "0.0")} times nginx");
    }

    private async Task<double> CostAsync(string name, ProcessFigures server, int port, int count)
    {
        await using var viewers = HlsViewers.Start(port, LabProcess.Playlist, count, cancellationToken);
        await Task.Delay(WarmUp, TimeProvider.System, cancellationToken);
        ((double user, double system), long bytes) = (server.Cpu, viewers.BytesReceived);
        await Task.Delay(time, TimeProvider.System, cancellationToken);
        (double User, double System) cpu = server.Cpu;
        double gbit = (viewers.BytesReceived - bytes) * 8 / 1e9;
        double cost = (cpu.User - user + cpu.System - system) / gbit;
        Write(
            name, Text(cost, "0.000"), Text((cpu.User - user) / gbit, "0.000"),
            Text(gbit * 1e9 / 8 / (Picture.BytesPerSecond * time.TotalSeconds * count) * 100, "0") + " %",
            Text(server.RssMegabytes, "0"), Text(viewers.Failures, "0"), Load());
        return cost;
    }

    /// <summary>
    /// The number of a segment that has just been published: it is fetched before, so none is on its way now.
    /// </summary>
    private async Task<long> NextAsync()
    {
        long? before = await lab.EdgeAsync(cancellationToken);
        for (long? edge = before; ; edge = await lab.EdgeAsync(cancellationToken))
        {
            if (edge > before)
                return edge.Value;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>The machine's load average over the last minute: what else it did.</summary>
    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void Write(params ReadOnlySpan<string> cells) => Console.WriteLine(string.Format(
        CultureInfo.InvariantCulture, "  {0,-10}{1,12}{2,10}{3,12}{4,14}{5,9}{6,8}", [.. cells]));
}
