using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Tests.Hosting;

/// <summary>A role that does as it is told and writes down what was asked of it.</summary>
internal sealed class FakeRole(string name, List<string> diary) : IRole
{
    public string Name => name;

    public string? HttpAddress { get; init; } = "127.0.0.1:0";

    public List<string> Reasons { get; } = [];

    public Exception? StartFault { get; init; }

    /// <summary>Whether stopping waits until its grace has passed.</summary>
    public bool HangsAtStop { get; init; }

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/" + name, () => Results.Text("I am " + name));
        routes.MapGet($"/{name}/broken", (HttpContext _) => throw new InvalidOperationException("secret detail"));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        Write("start");
        return StartFault is null ? Task.CompletedTask : Task.FromException(StartFault);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Write("stop");
        if (HangsAtStop)
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }

    public RoleHealth Health() => new(Reasons, new Dictionary<string, object?> { [name + "_streams"] = 2 });

    public ValueTask DisposeAsync()
    {
        Write("dispose");
        return ValueTask.CompletedTask;
    }

    private void Write(string what)
    {
        lock (diary)
            diary.Add($"{what} {name}");
    }
}
