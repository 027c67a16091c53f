using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Rtmp;

/// <summary>A whole RTMP door on a loopback port, with a clock that a test moves and meters that it reads.</summary>
internal sealed class TestDoor : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _deadline = new(Patience);
    private readonly TransportListener _listener;

    private TestDoor(
        ManualTime time, TestMeters meters, SocketTransport transport, StreamHub hub, LineLog log, RtmpDoor door)
    {
        (Time, Meters, Transport, Hub, Log) = (time, meters, transport, hub, log);
        _listener = door.Listen(ListenAddress.Parse("127.0.0.1:0"), null, "ingest.listen_addr");
    }

    public ManualTime Time { get; }

    public TestMeters Meters { get; }

    public SocketTransport Transport { get; }

    public StreamHub Hub { get; }

    public LineLog Log { get; }

    public int Port => _listener.Port;

    /// <summary>Fires long after any test should have ended: waits get it, so that a failure is not a hang.</summary>
    public CancellationToken Deadline => _deadline.Token;

    public static TestDoor Open(
        IEnumerable<PublishRule>? rules = null,
        HubOptions? hubOptions = null,
        AdmissionOptions? admissionOptions = null,
        RtmpOptions? options = null,
        Func<StreamHub, SocketTransport, TestMeters, IPublishRoute>? route = null)
    {
        var time = new ManualTime();
        var meters = new TestMeters();
        var transport =
            new SocketTransport(time, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);
        // Held audio leaves by the clock, which stands still here.
        HubOptions hubs = (hubOptions ?? new HubOptions()) with { AudioWait = TimeSpan.Zero };
        var hub = new StreamHub(hubs, time, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
        var admission = new AdmissionMetrics(meters);
        var log = new LineLog();
        var door = new RtmpDoor(
            options ?? new RtmpOptions(),
            transport,
            hub,
            new ConnectionGate(admissionOptions ?? new AdmissionOptions(), admission, time),
            new PublishGate(rules ?? []),
            new RtmpMetrics(meters),
            admission,
            log,
            route?.Invoke(hub, transport, meters));
        return new TestDoor(time, meters, transport, hub, log, door);
    }

    public RtmpUrl Url(string path) =>
        RtmpUrl.TryParse($"rtmp://127.0.0.1:{Port}/{path}", out RtmpUrl? url)
            ? url
            : throw new ArgumentException(path, nameof(path));

    public Task<RtmpPublisher> PublishAsync(string path) =>
        RtmpPublisher.ConnectAsync(Transport, Url(path), new RtmpDialOptions(), TimeProvider.System, Deadline);

    public Task<RtmpPlayer> PlayAsync(string path) =>
        RtmpPlayer.ConnectAsync(Transport, Url(path), new RtmpDialOptions(), TimeProvider.System, Deadline);

    public async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, Port, Deadline);
        return client;
    }

    /// <summary>Returns when a condition of the other side holds; looks again whenever other work has run.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            Deadline.ThrowIfCancellationRequested();
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Deadline);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Transport.DisposeAsync();
        await Hub.DisposeAsync();
        Meters.Dispose();
        _deadline.Dispose();
    }
}

/// <summary>Keeps log lines for tests to read.</summary>
internal sealed class LineLog : ILogger<RtmpDoor>
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}
