using System.Globalization;
using Steadycast.Compare;

// As the product sets them, before any socket, and inherited by our server: continuations run on the threads that poll
// the sockets, of which there are half as many as cores.
SetDefault("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", 1);
SetDefault("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", Math.Max(1, Environment.ProcessorCount / 2));

if (args is ["serve", var port, var mergeMs])
    return await OurDoor.RunAsync(Number(port), TimeSpan.FromMilliseconds(Number(mergeMs)));

if (args is ["hls", ..])
{
    string program = Option(
        "--program", Path.Combine(AppContext.BaseDirectory, "../../Steadycast.Server/release/steadycast"));
    // A run that hangs is not left running.
    using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(30));
    await using LabProcess lab = await LabProcess.StartAsync(
        program, Number(Option("--port-offset", "14000")), deadline.Token);
    var hls = new HlsComparison(lab, TimeSpan.FromSeconds(Number(Option("--seconds", "20"))), deadline.Token);
    await hls.FetchesAsync(Option("--viewers", "1,100,1000").Split(',').Select(Number).Where(n => n > 0));
    if (Number(Option("--cost", "300")) is > 0 and var viewers)
        await hls.CostAsync(viewers, Number(Option("--rounds", "3")));
    return 0;
}

string[] servers = Option("--servers", "nginx,ours,merged").Split(',');
int[] players = [.. Option("--players", "100,300").Split(',').Select(Number)];
int[] chunkSizes = [.. Option("--chunks", "4096,128").Split(',').Select(Number)];
int publishers = Number(Option("--publishers", "100"));
TimeSpan time = TimeSpan.FromSeconds(Number(Option("--seconds", "10")));
int rounds = Number(Option("--rounds", "3"));

List<Scenario> scenarios =
[
    .. players.Where(n => n > 0).Select(n => new Scenario($"1 -> {n} players", 1, n, 4096)),
    .. chunkSizes.Where(_ => publishers > 0)
        .Select(c => new Scenario($"{publishers} publishers, {c}-byte chunks", publishers, 0, c)),
];

var report = new Report();
foreach (Scenario scenario in scenarios)
{
    // In turn, not one after the other: what else the machine does falls on all alike.
    for (int round = 0; round < rounds; round++)
        foreach (string server in servers)
            if (!server.StartsWith("merged", StringComparison.Ordinal) || scenario.Players > 0)
                report.Add(scenario, server, await Measurement.RunAsync(scenario, server, time));
    report.Print(scenario);
}

return 0;

string Option(string name, string otherwise) =>
    Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : otherwise;

static void SetDefault(string name, int value)
{
    if (Environment.GetEnvironmentVariable(name) is null)
        Environment.SetEnvironmentVariable(name, value.ToString(CultureInfo.InvariantCulture));
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
