using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.Compare;

/// <summary>Our RTMP door and hub in a process of their own: what nginx-rtmp does, and no more.</summary>
internal static class OurDoor
{
    public static async Task<int> RunAsync(int port, TimeSpan mergeWindow)
    {
        await using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        var time = TimeProvider.System;
        var admission = new AdmissionMetrics(meters);
        await using var hub = new StreamHub(
            new HubOptions { MergeWindow = mergeWindow }, time, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        await using var transport = new SocketTransport(
            time, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);
        var door = new RtmpDoor(
            new RtmpOptions(),
            transport,
            hub,
            new ConnectionGate(new AdmissionOptions(), admission, time),
            new PublishGate([]),
            new RtmpMetrics(meters),
            admission,
            NullLogger<RtmpDoor>.Instance);
        door.Listen(ListenAddress.Parse($"127.0.0.1:{port}"), null, "port");

        var stopped = new TaskCompletionSource();
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s =>
        {
            s.Cancel = true;
            stopped.TrySetResult();
        });
        await stopped.Task;
        return 0;
    }
}
