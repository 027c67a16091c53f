using System.ComponentModel.DataAnnotations;

namespace Steadycast.Streaming.Hub;

/// <summary>The bounds and policies of a <see cref="StreamHub"/>.</summary>
public sealed record HubOptions
{
    /// <summary>What happens when a second publisher comes for a live stream.</summary>
    public PublishConflict PublishConflict { get; init; } = PublishConflict.TakeoverWhenSilent;

    /// <summary>When a standby publisher goes on air, and when the main one comes back.</summary>
    public StandbyOptions Standby { get; init; } = new();

    /// <summary>
    /// How long a publisher may send no message before another may take its stream. Default 5 s: longer than any
    /// encoder's keyframe or send queue, shorter than a viewer's patience.
    /// </summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Players are woken at most once in this time, so that more bytes leave with each write. 0 to 350 ms; default 0,
    /// the lowest latency. 350 ms is what SRS merges by default and costs about half the CPU.
    /// </summary>
    public TimeSpan MergeWindow { get; init; } = TimeSpan.Zero;

    /// <summary>
    /// Audio that comes this soon after players were woken does not wake them by itself: it leaves with the next
    /// picture. 0 to 100 ms; default 40 ms, a picture at 25 fps. Pictures never wait for it, players hold audio back
    /// for their picture anyway, and most messages of a stream are audio: it saves more than half of all writes.
    /// </summary>
    public TimeSpan AudioWait { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>
    /// The most memory that one stream's log keeps, in bytes; a group of pictures that outgrows it cannot be joined
    /// until the next keyframe. 1 MiB to 64 MiB; default 8 MiB: 10 s at 6 Mbit/s.
    /// </summary>
    [Range(1 << 20, 64 << 20)]
    public int MaxLogBytes { get; init; } = 8 << 20;

    /// <summary>
    /// How many bytes a subscriber may be behind before it is moved to the newest keyframe. Default 4 MiB: what a slow
    /// network drains in a few seconds; half of the log, so that it is moved before the log ends under it.
    /// </summary>
    [Range(1 << 18, 64 << 20)]
    public int MaxLagBytes { get; init; } = 4 << 20;

    /// <summary>How long after its arrival a message may still be unsent to a subscriber. Default 10 s.</summary>
    public TimeSpan MaxLag { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stream stays with neither publisher nor subscriber. Default 30 s.</summary>
    public TimeSpan StreamGrace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The most streams at once, with or without publisher. Default 10,000; then names are refused.</summary>
    [Range(1, 1_000_000)]
    public int MaxStreams { get; init; } = 10_000;
}
