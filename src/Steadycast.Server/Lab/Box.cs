using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Lab;

/// <summary>One process of the lab, as it is to be started.</summary>
/// <param name="Name">As in <c>lab.json</c>: <c>origin-primary</c>.</param>
/// <param name="Role">The section that it runs, or <c>publisher</c>.</param>
/// <param name="Http">Its HTTP address as a URL; null when it has none.</param>
/// <param name="Rtmp">Its RTMP address as a URL; null when it has none.</param>
/// <param name="Program">The executable.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Listens">What it binds; tried before anything starts.</param>
/// <param name="Configuration">Its configuration file's text; null when it has none.</param>
internal sealed record Box(
    string Name,
    string Role,
    string? Http,
    string? Rtmp,
    string Program,
    IReadOnlyList<string> Arguments,
    IReadOnlyList<ListenAddress> Listens,
    string? Configuration);
