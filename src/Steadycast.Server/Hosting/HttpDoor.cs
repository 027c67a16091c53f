using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Steadycast.Server.Api;
using Steadycast.Server.Faults;
using Steadycast.Streaming.Roles;

namespace Steadycast.Server.Hosting;

/// <summary>One HTTP address of this process, and the roles that answer there.</summary>
internal static class HttpDoor
{
    /// <summary>Builds an application for <paramref name="address"/>; not started.</summary>
    public static WebApplication Build(
        ListenAddress address, IEnumerable<IRole> roles, RoleHost host, IServiceProvider services)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // The process has one logger factory and one meter factory; the application only borrows them.
        builder.Services.AddSingleton(services.GetRequiredService<ILoggerFactory>());
        builder.Services.AddSingleton(services.GetRequiredService<IMeterFactory>());
        builder.Services.AddRoutingCore();
        builder.Services.AddProblemDetails();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => Listen(kestrel, address));
        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        if (services.GetService<FaultDoor>() is { } faults)
            app.Use(new FaultyAnswers(faults, services.GetRequiredService<TimeProvider>()).InvokeAsync);
        app.UseRouting();
        host.MapHealth(app);
        foreach (var role in roles)
        {
            role.Map(app);
            if (role.Name == "switch")
                PageEndpoints.Map(app);
        }

        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenAddress address)
    {
        kestrel.AddServerHeader = false;
        // Nothing that is posted here is larger than a page of text.
        kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        // Above the 10 s of a long poll and the reload interval of any player, so that viewers reuse connections.
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
        if (address.Address.Equals(IPAddress.IPv6Any))
            kestrel.ListenAnyIP(address.Port);
        else
            kestrel.Listen(address.EndPoint);
    }
}
