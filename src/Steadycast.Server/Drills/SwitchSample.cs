using System.Text.Json;

namespace Steadycast.Server.Drills;

/// <summary>What the switch said of the default stream at one moment.</summary>
/// <param name="At">Since the observer started.</param>
/// <param name="Answered">Whether it said anything.</param>
/// <param name="State"><c>live</c>, <c>stalled</c>, <c>cold</c>; null when it said nothing of a stream.</param>
/// <param name="Edge">The last published number.</param>
internal sealed record SwitchSample(
    TimeSpan At, bool Answered, string? State, string? Active, long? Edge, IReadOnlyList<OriginSample> Origins)
{
    /// <summary>Everything is as it should be.</summary>
    public bool IsHealthy => State == "live" && Active is not null && Origins.Count > 0 && Origins.All(o => o.IsWell);

    /// <summary>Whether the next one tells anything new.</summary>
    public bool Says(SwitchSample other) => Answered == other.Answered && State == other.State &&
        Active == other.Active && Edge == other.Edge && Origins.SequenceEqual(other.Origins);

    /// <exception cref="JsonException">Not the switch's answer.</exception>
    /// <exception cref="KeyNotFoundException">Likewise.</exception>
    public static SwitchSample Read(TimeSpan at, ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        var streams = json.RootElement.GetProperty("streams");
        if (json.RootElement.GetProperty("default_stream").GetString() is not { } name ||
            !streams.TryGetProperty(name, out var stream))
            return new SwitchSample(at, true, null, null, null, []);
        var edge = stream.GetProperty("edge");
        return new SwitchSample(
            at, true, stream.GetProperty("state").GetString(), stream.GetProperty("active_origin").GetString(),
            edge.ValueKind == JsonValueKind.Number ? edge.GetInt64() : null,
            [.. stream.GetProperty("origins").EnumerateArray().Select(o => new OriginSample(
                o.GetProperty("name").GetString() ?? "", o.GetProperty("freshness").GetString() ?? "",
                o.GetProperty("fault").GetString()))]);
    }
}

/// <param name="Fault">What its last answer was, when it was a failure.</param>
internal sealed record OriginSample(string Name, string Freshness, string? Fault)
{
    public bool IsWell => Freshness == "fresh" && Fault is null;
}
