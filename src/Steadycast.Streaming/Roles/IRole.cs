using Microsoft.AspNetCore.Routing;

namespace Steadycast.Streaming.Roles;

/// <summary>
/// One role of a process: a section of the configuration file that is present. The server starts, maps, asks and stops
/// each in the same way; the roles are ingest, packager, origin and switch here, others in their own planes.
/// </summary>
public interface IRole : IAsyncDisposable
{
    /// <summary>The name of the section: <c>ingest</c>, <c>packager</c>, <c>origin</c>, <c>switch</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Where this role's HTTP routes listen, as <c>host:port</c> or <c>:port</c>; null when it has none.
    /// </summary>
    string? HttpAddress { get; }

    /// <summary>Adds the role's routes (not health or metrics: the server adds those to every process).</summary>
    void Map(IEndpointRouteBuilder routes);

    /// <summary>
    /// Binds and starts the role's loops; returns when it can do its work, throws when it cannot bind.
    /// </summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Stops accepting, finishes or aborts what runs, and awaits every loop; the token is the grace period.
    /// </summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Whether the role can do its job now; reads memory only.</summary>
    RoleHealth Health();
}
