using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Transport;

public sealed class TlsTests : IAsyncDisposable
{
    private static readonly ListenAddress Loopback = ListenAddress.Parse("127.0.0.1:0");

    private readonly CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
    private readonly string folder = Directory.CreateTempSubdirectory("steadycast-tls-").FullName;
    private readonly ManualTime time = new();
    private readonly TestMeters meters = new();
    private readonly SocketTransport transport;
    private readonly TlsCertificateOptions files;

    public TlsTests()
    {
        transport = new SocketTransport(time, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);
        files = new TlsCertificateOptions(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
    }

    [Fact]
    public async Task Bytes_come_back_through_TLS()
    {
        WriteCertificate("one");
        TransportListener listener = transport.Listen(Loopback, files, "test", EchoAsync);
        await using TransportConnection client = await ConnectAsync(listener);

        byte[] sent = new byte[300_000];
        Random.Shared.NextBytes(sent);
        Task sending = client.SendAsync(sent, deadline.Token).AsTask();
        byte[] received = new byte[sent.Length];
        for (int at = 0; at < received.Length;)
            at += await client.ReceiveAsync(received.AsMemory(at), deadline.Token);
        await sending;

        Assert.True(client.IsEncrypted);
        Assert.Equal(sent, received);
    }

    [Fact]
    public async Task A_new_certificate_is_taken_and_a_broken_one_is_not()
    {
        WriteCertificate("one");
        TransportListener listener = transport.Listen(Loopback, files, "test", EchoAsync);
        Assert.Equal("CN=one", await SubjectAsync(listener));

        WriteCertificate("two");
        Touch(minutes: 1);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("CN=two", await SubjectAsync(listener));

        await File.WriteAllTextAsync(files.KeyFile, "nonsense", deadline.Token);
        Touch(minutes: 2);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("CN=two", await SubjectAsync(listener));
        Assert.Equal(1, meters.Sum("steadycast_transport_certificate_reloads_total", "outcome=kept_old"));
    }

    [Fact]
    public async Task A_peer_that_never_shakes_hands_is_closed_after_5_s()
    {
        WriteCertificate("one");
        TransportListener listener = transport.Listen(Loopback, files, "test", EchoAsync);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", listener.Port, deadline.Token);
        Task<int> reading = client.GetStream().ReadAsync(new byte[1], deadline.Token).AsTask();

        // The server may not have begun the handshake when the clock first moves: move it until it has.
        while (!reading.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await Assert.ThrowsAsync<IOException>(() => reading);
        Assert.Equal(1, meters.Sum("steadycast_transport_aborts_total", "kind=deadline"));
    }

    [Fact]
    public async Task Files_that_are_no_certificate_stop_the_start()
    {
        await File.WriteAllTextAsync(files.CertFile, "nonsense", deadline.Token);
        await File.WriteAllTextAsync(files.KeyFile, "nonsense", deadline.Token);

        IOException e = Assert.Throws<IOException>(
            () => transport.Listen(Loopback, files, "test", EchoAsync));

        Assert.Contains("cert.pem", e.Message, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync();
        deadline.Dispose();
        meters.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task EchoAsync(TransportConnection connection)
    {
        byte[] buffer = new byte[65536];
        while (await connection.ReceiveAsync(buffer) is > 0 and var count)
            await connection.SendAsync(buffer.AsMemory(0, count));
    }

    private Task<TransportConnection> ConnectAsync(
        TransportListener listener, RemoteCertificateValidationCallback? trust = null) =>
        transport.ConnectAsync("127.0.0.1", listener.Port, useTls: true, trust ?? Any, cancellationToken: deadline.Token);

    private static bool Any(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate is not null;

    private async Task<string?> SubjectAsync(TransportListener listener)
    {
        string? subject = null;
        await using TransportConnection client = await ConnectAsync(listener, (_, certificate, _, _) =>
        {
            subject = certificate?.Subject;
            return subject is not null;
        });
        return subject;
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(
            DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        File.WriteAllText(files.CertFile, certificate.ExportCertificatePem());
        File.WriteAllText(files.KeyFile, key.ExportPkcs8PrivateKeyPem());
    }

    // Two writes within one tick of the file system's clock would look like one.
    private void Touch(int minutes)
    {
        DateTime at = File.GetLastWriteTimeUtc(files.CertFile).AddMinutes(minutes);
        File.SetLastWriteTimeUtc(files.CertFile, at);
        File.SetLastWriteTimeUtc(files.KeyFile, at);
    }
}
