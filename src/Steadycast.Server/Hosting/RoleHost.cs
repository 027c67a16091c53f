using Steadycast.Server.Telemetry;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Hosting;

/// <summary>The life of a process: roles and listeners up, wait, everything down in phases.</summary>
/// <param name="roles">In the order of the journey; started and stopped in it.</param>
internal sealed partial class RoleHost(
    IReadOnlyList<IRole> roles, IServiceProvider services, TimeProvider time, ILogger<RoleHost> log) : IAsyncDisposable
{
    /// <summary>
    /// For roles to finish what runs; with the listeners' share below the 10 s that supervisors grant.
    /// </summary>
    private static readonly TimeSpan RoleGrace = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan HttpGrace = TimeSpan.FromSeconds(2);

    private readonly List<WebApplication> _apps = [];
    private volatile string? _notYet = "Starting.";

    public IReadOnlyList<IRole> Roles => roles;

    /// <summary>Where HTTP is answered, once started: <c>http://127.0.0.1:8080</c>.</summary>
    public IReadOnlyList<string> Urls => [.. _apps.SelectMany(a => a.Urls)];

    /// <summary>Why this process cannot do its job now; empty when it can.</summary>
    public IReadOnlyList<string> Reasons()
    {
        var reasons = roles.SelectMany(r => r.Health().Reasons.Select(x => $"{r.Name}: {x}"));
        return _notYet is { } notYet ? [notYet, .. reasons] : [.. reasons];
    }

    /// <summary>Runs until <paramref name="stop"/>; all is down when it returns.</summary>
    /// <exception cref="StartException">A listener or a role cannot start; what had started is down again.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await StartAsync(stop);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            LogStopping();
        }
        finally
        {
            await StopAsync();
        }
    }

    public void MapHealth(IEndpointRouteBuilder routes) =>
        new HealthEndpoints(this, services.GetRequiredService<MetricStore>()).Map(routes);

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
            await app.DisposeAsync();
        foreach (var role in roles)
            await role.DisposeAsync();
    }

    private async Task StartAsync(CancellationToken stop)
    {
        foreach (var shared in roles.Where(r => r.HttpAddress is not null)
            .GroupBy(r => ListenAddress.Parse(r.HttpAddress!)))
            _apps.Add(HttpDoor.Build(shared.Key, shared, this, services));
        foreach (var role in roles)
        {
            try
            {
                await role.StartAsync(stop);
            }
            catch (Exception e) when (
                e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
            {
                throw new StartException($"{role.Name} cannot start: {e.Message}", e);
            }
        }

        foreach (var app in _apps)
        {
            try
            {
                await app.StartAsync(stop);
            }
            catch (IOException e)
            {
                throw new StartException($"HTTP cannot listen: {e.Message}", e);
            }
        }

        _notYet = null;
        var names = string.Join(
            ", ", roles.Select(r => r.HttpAddress is { } http ? $"{r.Name} (HTTP {http})" : r.Name));
        LogStarted(names, BuildInfo.Version);
    }

    /// <summary>Nothing here may throw: a phase that fails must not keep the next from running.</summary>
    private async Task StopAsync()
    {
        // 1. /readyz says so first, so that whoever balances over this process looks elsewhere.
        _notYet = "Stopping.";

        // 2. Roles stop in the order of the journey: no new publisher, last segments out, viewers last.
        using (var grace = new CancellationTokenSource(RoleGrace, time))
        {
            foreach (var role in roles)
                await Quietly(role.Name, role.StopAsync(grace.Token));
        }

        // 3. Listeners close; requests that are still open when the grace ends are cut.
        using (var grace = new CancellationTokenSource(HttpGrace, time))
            await Task.WhenAll(_apps.Select(app => Quietly("http", app.StopAsync(grace.Token))));
    }

    private async Task Quietly(string name, Task stopping)
    {
        try
        {
            await stopping;
        }
        catch (OperationCanceledException)
        {
            LogCut(name);
        }
        catch (Exception e)
        {
            LogStopFailed(e, name);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Running: {Roles}. Steadycast {Version}.")]
    private partial void LogStarted(string roles, string version);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopping.")]
    private partial void LogStopping();

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Role} did not finish within the grace period and was cut.")]
    private partial void LogCut(string role);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Role} failed while stopping.")]
    private partial void LogStopFailed(Exception exception, string role);
}
