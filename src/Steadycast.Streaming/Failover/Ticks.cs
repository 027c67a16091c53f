namespace Steadycast.Streaming.Failover;

/// <summary>Media time: 1/90000 s.</summary>
internal static class Ticks
{
    public const long PerSecond = 90_000;

    public static TimeSpan ToSpan(long ticks) => TimeSpan.FromMicroseconds(ticks * 100 / 9);

    public static long Of(TimeSpan span) => span.Ticks * 9 / 1000;
}
