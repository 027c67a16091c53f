using System.Globalization;
using System.Runtime.InteropServices;

namespace Steadycast.Server.Drills;

/// <summary>Where figures were measured: without it they say nothing.</summary>
internal sealed record Machine(string Processor, int Cores, double MemoryGib, string System, string Runtime)
{
    public static Machine This() => new(
        ModelName() ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30), 1),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription);

    /// <summary>The system's load average over the last minute; null where it tells none.</summary>
    public static double? Load() =>
        double.TryParse(Read("/proc/loadavg", _ => true)?.Split(' ')[0], CultureInfo.InvariantCulture, out var load)
            ? load
            : null;

    private static string? ModelName() =>
        Read("/proc/cpuinfo", line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    /// <returns>The first such line; null when there is none.</returns>
    private static string? Read(string file, Func<string, bool> wanted)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault(wanted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
