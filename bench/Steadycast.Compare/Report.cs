using System.Globalization;

namespace Steadycast.Compare;

/// <summary>Medians of the runs, and how they stand to nginx.</summary>
internal sealed class Report
{
    private readonly List<(Scenario Scenario, string Server, Result Result)> runs = [];

    public void Add(Scenario scenario, string server, Result result) => runs.Add((scenario, server, result));

    public void Print(Scenario scenario)
    {
        Console.WriteLine();
        Console.WriteLine(scenario.Name);
        Write("server", "CPU-s/Gbit", "user", "(runs)", "to nginx", "delivered", "RSS MB", "join s");
        double nginx = Median(scenario, "nginx", r => r.CpuPerGbit);
        foreach (string server in runs.Where(r => r.Scenario == scenario).Select(r => r.Server).Distinct())
        {
            double cost = Median(scenario, server, r => r.CpuPerGbit);
            IEnumerable<double> all = Of(scenario, server).Select(r => r.CpuPerGbit);
            Write(
                server,
                Text(cost, "0.000"),
                Text(Median(scenario, server, r => r.UserPerGbit), "0.000"),
                string.Join(' ', all.Select(c => Text(c, ".000"))),
                Text(cost / nginx, "0.00"),
                Text(Median(scenario, server, r => r.Delivered) * 100, "0") + " %",
                Text(Median(scenario, server, r => r.RssMegabytes), "0"),
                Text(Median(scenario, server, r => r.JoinSeconds), "0.000"));
        }
    }

    private IEnumerable<Result> Of(Scenario scenario, string server) =>
        runs.Where(r => r.Scenario == scenario && r.Server == server).Select(r => r.Result);

    private double Median(Scenario scenario, string server, Func<Result, double> value)
    {
        double[] values = [.. Of(scenario, server).Select(value).Order()];
        return values.Length == 0 ? double.NaN : values[values.Length / 2];
    }

    private static string Text(double value, string format) =>
        double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    private static void Write(params ReadOnlySpan<string> cells) => Console.WriteLine(string.Format(
        CultureInfo.InvariantCulture, "  {0,-10}{1,12}{2,8}  {3,-22}{4,10}{5,11}{6,9}{7,9}", [.. cells]));
}
