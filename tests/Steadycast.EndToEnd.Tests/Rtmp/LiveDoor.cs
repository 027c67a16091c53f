using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Admission;
using Steadycast.Streaming.Hub;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Rtmp;
using Steadycast.Streaming.Transport;

namespace Steadycast.EndToEnd.Tests.Rtmp;

/// <summary>A hub behind an RTMP and an RTMPS door on loopback; writes down every message of every stream.</summary>
internal sealed class LiveDoor : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SocketTransport _transport;
    private readonly StreamHub _hub;
    private readonly ConcurrentBag<Task> _listening = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("steadycast-rtmp-");

    private LiveDoor()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _transport = new SocketTransport(
            TimeProvider.System, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);
        _hub = new StreamHub(
            new HubOptions(), TimeProvider.System, new HubMetrics(meters), NullLogger<StreamHub>.Instance);
    }

    public ConcurrentQueue<LiveMessage> Messages { get; } = new();

    public int Port { get; private set; }

    public int TlsPort { get; private set; }

    public static async Task<LiveDoor> OpenAsync(params PublishRule[] rules)
    {
        var live = new LiveDoor();
        live._hub.Observe(stream => live._listening.Add(live.ListenAsync(stream.Name)));
        var meters = live._services.GetRequiredService<IMeterFactory>();
        var admission = new AdmissionMetrics(meters);
        var door = new RtmpDoor(
            new RtmpOptions(),
            live._transport,
            live._hub,
            new ConnectionGate(new AdmissionOptions(), admission, TimeProvider.System),
            new PublishGate(rules),
            new RtmpMetrics(meters),
            admission,
            NullLogger<RtmpDoor>.Instance);
        var address = ListenAddress.Parse("127.0.0.1:0");
        live.Port = door.Listen(address, null, "ingest.listen_addr").Port;
        live.TlsPort = door.Listen(address, live.MakeCertificate(), "ingest.tls.listen_addr").Port;
        return live;
    }

    public string Url(string path) => $"rtmp://127.0.0.1:{Port}/{path}";

    /// <summary>A file that is deleted with the door.</summary>
    public string FileName(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Waits until so many pictures have come, or fails after half a minute.</summary>
    public async Task WaitForPicturesAsync(int count)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        while (Messages.Count(m => m.Type == RtmpMessageType.Video) < count)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        await _hub.DisposeAsync();
        await Task.WhenAll(_listening);
        await _services.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task ListenAsync(StreamName name)
    {
        var recorder = new SubscriptionOptions(SubscriptionKind.Recorder);
        if (!_hub.TrySubscribe(name, recorder, out Subscription? subscription))
            return;
        using (subscription)
        {
            while (await subscription.WaitAsync())
            {
                while (subscription.TryReadMessage(out LogMessage m))
                {
                    Messages.Enqueue(
                        new LiveMessage(name.Value, m.Type, m.WireTimestamp, m.Flags, m.Payload.ToArray()));
                }
            }
        }
    }

    private TlsCertificateOptions MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var files = new TlsCertificateOptions(FileName("cert.pem"), FileName("key.pem"));
        File.WriteAllText(files.CertFile, certificate.ExportCertificatePem());
        File.WriteAllText(files.KeyFile, key.ExportPkcs8PrivateKeyPem());
        return files;
    }
}

/// <summary>One message as the hub had it.</summary>
internal sealed record LiveMessage(
    string Stream, RtmpMessageType Type, uint Timestamp, LogMessageFlags Flags, byte[] Payload)
{
    public bool IsPicture => Type == RtmpMessageType.Video && Payload is [_, 1, ..];

    public bool IsSound => Type == RtmpMessageType.Audio && Payload is [_, 1, ..];
}
