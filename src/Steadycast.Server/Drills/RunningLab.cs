using System.Text.Json;
using System.Text.Json.Serialization;
using Steadycast.Server.Lab;

namespace Steadycast.Server.Drills;

/// <summary>A lab as its <c>lab.json</c> describes it; read anew each time, since processes come and go.</summary>
internal sealed class RunningLab
{
    private readonly HashSet<string> _boxes;

    private RunningLab(string file, LabContents first)
    {
        File = file;
        _boxes = first.Processes.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        Switch = new Uri(first.Processes.First(p => p.Role == "switch").Http!);
        Control = first.Control!;
    }

    /// <summary>The full path of its <c>lab.json</c>.</summary>
    public string File { get; }

    public Uri Switch { get; }

    public Uri Playlist => new(Switch, "/hls/index.m3u8");

    /// <summary>The path of the control socket.</summary>
    public string Control { get; }

    /// <exception cref="DrillException">No lab, or none to drill; the message says what to do.</exception>
    public static RunningLab Find(string file)
    {
        var full = Path.GetFullPath(file);
        if (Read(full) is not { } contents)
            throw new DrillException(
                $"no lab runs here ({full}): start one with `steadycast lab` in another terminal, " +
                "or name the lab.json of one with --lab FILE");
        if (!contents.Processes.Any(p => p is { Role: "switch", Http: not null }))
            throw new DrillException($"the lab of {full} has no switch to watch");
        if (contents.Control is null)
            throw new DrillException(
                $"the lab of {full} has no control socket; start it in a folder with a shorter path, --data DIR");
        return new RunningLab(full, contents);
    }

    /// <summary>The boxes now; none when the lab has gone.</summary>
    public IReadOnlyList<LabProcess> Boxes => Read(File)?.Processes ?? [];

    /// <summary>Whether it has the boxes that the drill hits, and the source that it is about.</summary>
    public bool Fits(Drill drill) =>
        drill.Fault.Boxes.All(_boxes.Contains) && (drill.Source is null || drill.Source == Source);

    private LabSource Source => _boxes.Contains("standby") ? LabSource.Standby
        : _boxes.Contains("ingest-2") ? LabSource.TwoIngests
        : LabSource.Single;

    private static LabContents? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(file), LabJson.Default.LabContents);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}

internal sealed record LabContents(IReadOnlyList<LabProcess> Processes, string? Control);

/// <param name="Pid">Null between a death and the next start.</param>
internal sealed record LabProcess(string Name, int? Pid, string Role, string? Http, int Restarts);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(LabContents))]
internal sealed partial class LabJson : JsonSerializerContext;
