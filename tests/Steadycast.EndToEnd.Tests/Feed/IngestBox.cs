using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Ingest;
using Steadycast.TestPeers;

namespace Steadycast.EndToEnd.Tests.Feed;

/// <summary>An ingest on loopback: RTMP and HTTP ports of the system's choice, or those of the life before.</summary>
internal sealed class IngestBox : IAsyncDisposable
{
    private readonly TestMeters _meters = new();
    private readonly WebApplication _app;

    private IngestBox(string stateDirectory, int rtmpPort, int httpPort)
    {
        var options = new IngestOptions { ListenAddr = $"127.0.0.1:{rtmpPort}", StateDir = stateDirectory };
        Role = new IngestRole(options, TimeProvider.System, NullLoggerFactory.Instance, _meters);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddProblemDetails();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, httpPort));
        _app = builder.Build();
        Role.Map(_app);
    }

    public IngestRole Role { get; }

    public int HttpPort { get; private set; }

    public Uri Feed => new($"http://127.0.0.1:{HttpPort}");

    public string Rtmp(string stream) => $"rtmp://127.0.0.1:{Role.RtmpPort}/{stream}";

    public static async Task<IngestBox> StartAsync(
        string stateDirectory, CancellationToken cancellationToken, IngestBox? after = null)
    {
        var box = new IngestBox(stateDirectory, after?.Role.RtmpPort ?? 0, after?.HttpPort ?? 0);
        await box.Role.StartAsync(cancellationToken);
        await box._app.StartAsync(cancellationToken);
        box.HttpPort = new Uri(box._app.Urls.Single()).Port;
        return box;
    }

    public double Count(string metric, params string[] labels) => _meters.Sum(metric, labels);

    public Dictionary<string, object?> Describe(string stream)
    {
        var streams = (Dictionary<string, object?>)Role.Health().Summary["ingest_streams"]!;
        return (Dictionary<string, object?>)streams[stream]!;
    }

    /// <summary>
    /// As a process that is told to stop: publishers and readers lose it, segments end, numbers are kept.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource();
        await atOnce.CancelAsync();
        await Role.StopAsync(atOnce.Token);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
        await Role.DisposeAsync();
        _meters.Dispose();
    }
}
