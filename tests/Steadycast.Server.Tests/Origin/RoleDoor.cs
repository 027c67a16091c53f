using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Tests.Origin;

/// <summary>
/// One role behind a real Kestrel on a port of the system's choice, and a client that decompresses nothing.
/// </summary>
internal sealed class RoleDoor : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly IRole role;

    private RoleDoor(WebApplication app, IRole role)
    {
        (this.app, this.role) = (app, role);
        var handler = new SocketsHttpHandler { UseProxy = false, AutomaticDecompression = DecompressionMethods.None };
        Http = new HttpClient(handler)
        {
            BaseAddress = new Uri(app.Urls.First()),
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    public HttpClient Http { get; }

    public static async Task<RoleDoor> OpenAsync(IRole role)
    {
        await role.StartAsync(CancellationToken.None);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication built = builder.Build();
        built.UseRouting();
        role.Map(built);
        await built.StartAsync();
        return new RoleDoor(built, role);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await role.StopAsync(CancellationToken.None);
        await role.DisposeAsync();
        await app.StopAsync(new CancellationToken(canceled: true));
        await app.DisposeAsync();
    }
}
