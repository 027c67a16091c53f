using System.Diagnostics;

namespace Steadycast.Server.Telemetry;

/// <summary>What this process costs, under the names that every Prometheus client uses, and who it is.</summary>
internal static class ProcessMetrics
{
    public static void Write(PrometheusText text)
    {
        using var process = Process.GetCurrentProcess();
        foreach (var (generation, count) in Enumerable.Range(0, GC.MaxGeneration + 1).Select(g => (g, GC.CollectionCount(g))))
        {
            text.Single($"dotnet_gc_gen{generation}_collections_total", FamilyKind.Counter,
                $"Garbage collections of generation {generation}, higher ones included.", count);
        }

        text.Single("dotnet_gc_heap_bytes", FamilyKind.Gauge, "Bytes on the managed heap.", GC.GetTotalMemory(false));
        text.Single("dotnet_gc_pause_seconds_total", FamilyKind.Counter,
            "Time that collections stopped the process.", GC.GetTotalPauseDuration().TotalSeconds);
        text.Single("dotnet_gc_allocated_bytes_total", FamilyKind.Counter,
            "Bytes allocated on the managed heap.", GC.GetTotalAllocatedBytes());
        text.Single("process_cpu_seconds_total", FamilyKind.Counter,
            "User and system CPU time spent.", process.TotalProcessorTime.TotalSeconds);
        if (OperatingSystem.IsLinux())
        {
            text.Single("process_open_fds", FamilyKind.Gauge, "Open file descriptors.",
                Directory.EnumerateFileSystemEntries("/proc/self/fd").Count());
        }

        text.Single("process_resident_memory_bytes", FamilyKind.Gauge, "Resident memory.", process.WorkingSet64);
        var started = new DateTimeOffset(process.StartTime.ToUniversalTime());
        text.Single("process_start_time_seconds", FamilyKind.Gauge,
            "When the process started, in seconds since 1970.", started.ToUnixTimeMilliseconds() / 1000.0);
        text.Single("process_threads", FamilyKind.Gauge, "Threads of the process.", process.Threads.Count);
        text.Single("steadycast_build_info", FamilyKind.Gauge, "Always 1; the labels say what runs.", 1,
            new("version", BuildInfo.Version), new("commit", BuildInfo.Commit), new("runtime", BuildInfo.Runtime));
    }
}
