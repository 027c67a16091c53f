using System.Text.Json.Serialization;

namespace Steadycast.Server.Lab;

/// <summary>One line to the lab's control socket.</summary>
/// <param name="Action">See <see cref="LabControl"/>.</param>
/// <param name="Box">As in <c>lab.json</c>; null for <c>lift</c>.</param>
/// <param name="Fault">The line for the box, with <c>inject</c>.</param>
internal sealed record ControlRequest(string Action, string? Box = null, string? Fault = null);

/// <param name="Error">Null when it was done.</param>
internal sealed record ControlAnswer(string? Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlAnswer))]
internal sealed partial class ControlJson : JsonSerializerContext;
