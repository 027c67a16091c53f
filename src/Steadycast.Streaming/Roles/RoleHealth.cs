namespace Steadycast.Streaming.Roles;

/// <summary>What a role says of itself for <c>/readyz</c> and <c>/healthz</c>.</summary>
/// <param name="Reasons">Why it cannot do its job, one sentence each; empty means ready.</param>
/// <param name="Summary">Merged into the <c>/healthz</c> object; snake_case keys, JSON-serialisable values.</param>
public sealed record RoleHealth(IReadOnlyList<string> Reasons, IReadOnlyDictionary<string, object?> Summary)
{
    public bool Ready => Reasons.Count == 0;
}
