using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steadycast.Streaming.Viewing;

/// <summary>What a strict viewer saw. Its JSON (snake_case) is a promise: keys are added, never renamed.</summary>
public sealed record ViewerReport
{
    public required string Url { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long the viewer watched.</summary>
    public required double Seconds { get; init; }

    /// <summary>It played, and there was no seam of any kind.</summary>
    public required bool Seamless { get; init; }

    /// <summary>From the first request to the first whole segment; null when there never was one.</summary>
    public double? JoinSeconds { get; init; }

    public double PlayedSeconds { get; init; }

    public double StalledSeconds { get; init; }

    /// <summary>Age of the picture at the play head at the end: this clock minus its programme date.</summary>
    public double? LatencySeconds { get; init; }

    /// <summary>Media in hand when it was least, just before a segment came.</summary>
    public double? LeastBufferSeconds { get; init; }

    /// <summary>The longest time between two playlists that each moved the edge, as seen by this viewer.</summary>
    public double PlaylistGapMaxSeconds { get; init; }

    public int TargetDurationSeconds { get; init; }

    /// <summary><c>fmp4</c>, <c>ts</c>, or null when neither was recognised.</summary>
    public string? Container { get; init; }

    /// <summary>The stream ended (EXT-X-ENDLIST).</summary>
    public bool Ended { get; init; }

    /// <summary>Playlist requests, failed ones included.</summary>
    public int Playlists { get; init; }

    /// <summary>Segments fetched and played.</summary>
    public int Segments { get; init; }

    public long Bytes { get; init; }

    public long? FirstMsn { get; init; }

    public long? LastMsn { get; init; }

    /// <summary>How many seams of each kind; every kind is present.</summary>
    public required IReadOnlyDictionary<SeamKind, int> Counts { get; init; }

    /// <summary>The seams in the order of their discovery; the first 1000.</summary>
    public required IReadOnlyList<Seam> Seams { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, ViewerReportJson.Default.ViewerReport);

    /// <summary>The name of a kind of seam, as in the JSON: <c>changed_line</c>.</summary>
    public static string NameOf(SeamKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());

    /// <summary>For people: a verdict, the figures, and a line per seam.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        text.AppendLine(Seamless ? "SEAMLESS" : JoinSeconds is null ? "NOTHING PLAYED" : "NOT SEAMLESS");
        text.AppendLine($"  {Url}");
        text.AppendLine($"  watched {Seconds:0.0} s, played {PlayedSeconds:0.0} s, stood still {StalledSeconds:0.0} s" +
            (Ended ? ", until the end of the stream" : ""));
        text.AppendLine($"  {Segments} segments ({FirstMsn} to {LastMsn}), {Bytes / 1e6:0.0} MB, " +
            $"{Container ?? "unknown"}; {Playlists} playlists, " +
            $"longest wait for a new one {PlaylistGapMaxSeconds:0.0} s");
        text.AppendLine($"  joined in {Shown(JoinSeconds)}, least buffer {Shown(LeastBufferSeconds)}, " +
            $"latency to live {Shown(LatencySeconds)}");
        foreach (var (kind, count) in Counts)
            if (count > 0)
                text.AppendLine($"  {count,4} {NameOf(kind)}");
        foreach (var seam in Seams)
            text.AppendLine($"  {seam.AtSeconds,8:0.000} s  {NameOf(seam.Kind),-22} {seam.Detail}");
        return text.ToString();

        static string Shown(double? seconds) => seconds is { } s ? $"{s:0.00} s" : "unknown";
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true)]
[JsonSerializable(typeof(ViewerReport))]
internal sealed partial class ViewerReportJson : JsonSerializerContext;
