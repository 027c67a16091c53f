using System.Diagnostics;

namespace Steadycast.Server.Telemetry;

/// <summary>What this process costs, under the names that every Prometheus client uses, and who it is.</summary>
internal static class ProcessMetrics
{
    public static void Write(PrometheusText text)
    {
        using var process = Process.GetCurrentProcess();
        text.Single("dotnet_gc_collections_total", FamilyKind.Counter, GC.CollectionCount(0));
        text.Single("dotnet_gc_heap_bytes", FamilyKind.Gauge, GC.GetTotalMemory(false));
        text.Single("dotnet_gc_pause_seconds_total", FamilyKind.Counter, GC.GetTotalPauseDuration().TotalSeconds);
        text.Single("dotnet_gc_allocated_bytes_total", FamilyKind.Counter, GC.GetTotalAllocatedBytes());
        text.Single("process_cpu_seconds_total", FamilyKind.Counter, process.TotalProcessorTime.TotalSeconds);
        if (OperatingSystem.IsLinux())
        {
            var open = Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
            text.Single("process_open_fds", FamilyKind.Gauge, open);
        }

        text.Single("process_resident_memory_bytes", FamilyKind.Gauge, process.WorkingSet64);
        var started = new DateTimeOffset(process.StartTime.ToUniversalTime());
        text.Single("process_start_time_seconds", FamilyKind.Gauge, started.ToUnixTimeMilliseconds() / 1000.0);
        text.Single("process_threads", FamilyKind.Gauge, process.Threads.Count);
        text.Single("steadycast_build_info", FamilyKind.Gauge, 1,
            new("version", BuildInfo.Version), new("commit", BuildInfo.Commit), new("runtime", BuildInfo.Runtime));
    }
}
