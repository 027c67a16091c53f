using Steadycast.Server.Lab;
using Steadycast.Streaming.Viewing;

namespace Steadycast.Server.Drills;

/// <summary>A fault made on purpose, and what viewers were promised for it.</summary>
/// <param name="Name">As on the command line: <c>kill-origin-primary</c>.</param>
/// <param name="About">What is done, in a few words.</param>
/// <param name="Source">The lab that it takes; null: any, since the fault is not at the source.</param>
internal sealed record Drill(
    string Name, string About, DrillFault Fault, DrillPromise Promise, LabSource? Source = null);

/// <summary>What is done to which boxes.</summary>
/// <param name="Action">As the lab's control socket takes it: <c>kill</c>, <c>freeze</c>, …</param>
/// <param name="Line">What the boxes are told, with the action <c>inject</c>.</param>
/// <param name="Lasts">Until it is lifted, each time; zero for what is over at once, such as a kill.</param>
/// <param name="Times">How often, for what flaps or stutters.</param>
/// <param name="Every">From one time to the next.</param>
internal sealed record DrillFault(
    IReadOnlyList<string> Boxes,
    string Action,
    string? Line = null,
    TimeSpan Lasts = default,
    int Times = 1,
    TimeSpan Every = default)
{
    private static readonly string[] Sides = ["primary", "backup"];

    /// <summary>The origins, as the switch names them, that these boxes are or feed; none for all others.</summary>
    public IReadOnlyList<string> Origins =>
        [.. Sides.Where(side => Boxes.Any(box => box.EndsWith("-" + side, StringComparison.Ordinal)))];
}

/// <summary>What a viewer may notice of a fault, and nothing else.</summary>
/// <param name="Text">For the report.</param>
/// <param name="Allowed">Kinds of seams that are no breach.</param>
/// <param name="MaxDiscontinuities">How many of these.</param>
/// <param name="MaxStall">How long playback may stand still altogether.</param>
/// <param name="Targets">What it should take, where there is a figure for it; missing one breaks no promise.</param>
internal sealed record DrillPromise(
    string Text,
    IReadOnlyList<SeamKind> Allowed,
    int MaxDiscontinuities,
    TimeSpan MaxStall,
    DrillTargets Targets);

/// <summary>Targets of the design; null where it has none.</summary>
internal sealed record DrillTargets(double? DetectSeconds = null, double? LongestGapSeconds = null);
