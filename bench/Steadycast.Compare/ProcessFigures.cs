using System.Globalization;

namespace Steadycast.Compare;

/// <summary>What the kernel says of a process.</summary>
internal readonly record struct ProcessFigures(int Pid)
{
    // USER_HZ, what /proc counts in; 100 on every Linux of the last twenty years.
    private const double TicksPerSecond = 100;

    /// <summary>CPU-seconds so far.</summary>
    public (double User, double System) Cpu
    {
        get
        {
            // The second field, the program's name, may hold spaces; the state follows its closing parenthesis.
            string stat = File.ReadAllText($"/proc/{Pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (Number(fields[11]) / TicksPerSecond, Number(fields[12]) / TicksPerSecond);
        }
    }

    public double RssMegabytes => Number(File.ReadLines($"/proc/{Pid}/status")
        .First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) / 1024;

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
