using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Roles;
using Steadycast.Streaming.Transport;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Transport;

public sealed class SocketTransportTests : IAsyncDisposable
{
    private static readonly ListenAddress Loopback = ListenAddress.Parse("127.0.0.1:0");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource deadline = new(Patience);
    private readonly ManualTime time = new();
    private readonly TestMeters meters = new();
    private readonly SocketTransport transport;

    public SocketTransportTests() =>
        transport = new SocketTransport(time, new TransportMetrics(meters), NullLogger<SocketTransport>.Instance);

    [Fact]
    public async Task Bytes_come_back_from_an_echo()
    {
        TransportListener listener = transport.Listen(Loopback, null, "test", EchoAsync);
        await using TransportConnection client =
            await transport.ConnectAsync("127.0.0.1", listener.Port, useTls: false, cancellationToken: deadline.Token);

        byte[] sent = new byte[1_000_000];
        Random.Shared.NextBytes(sent);
        Task sending = client.SendAsync(sent, deadline.Token).AsTask();
        byte[] received = await ReceiveAsync(client, sent.Length);
        await sending;

        Assert.Equal(sent, received);
        Assert.Equal(2, transport.ConnectionCount);
        Assert.Equal(1, meters.Sum("steadycast_transport_accepted_total"));
    }

    [Fact]
    public async Task A_peer_that_resets_what_is_being_dialled_is_a_transport_exception()
    {
        using var peer = new ResettingPeer();
        for (int i = 0; i < ResettingPeer.Enough; i++)
        {
            try
            {
                await using TransportConnection dialled = await transport.ConnectAsync(
                    "127.0.0.1", peer.Port, useTls: false, cancellationToken: deadline.Token);
            }
            catch (TransportException)
            {
                // As good an answer as a connection that ends at once; any other exception is not.
            }
        }

        Assert.Equal(0, transport.ConnectionCount);
    }

    [Fact]
    public async Task The_last_words_reach_a_peer_that_is_still_talking()
    {
        TransportListener listener = transport.Listen(Loopback, null, "test", async c =>
        {
            await c.ReceiveAsync(new byte[1]);
            await c.SendAsync("refused"u8.ToArray());
        });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(new byte[100_000], deadline.Token);

        byte[] answer = new byte[7];
        await stream.ReadExactlyAsync(answer, deadline.Token);

        Assert.Equal("refused", Encoding.ASCII.GetString(answer));
        Assert.Equal(0, await stream.ReadAsync(answer, deadline.Token));
    }

    [Fact]
    public async Task A_deadline_that_passes_aborts_with_its_reason()
    {
        var failure = new TaskCompletionSource<TransportException>();
        var waiting = new TaskCompletionSource();
        TransportListener listener = transport.Listen(Loopback, null, "test", async c =>
        {
            c.SetDeadline(TimeSpan.FromSeconds(5), "no handshake within 5 s");
            ValueTask<int> receiving = c.ReceiveAsync(new byte[1]);
            waiting.SetResult();
            failure.SetResult(await Assert.ThrowsAsync<TransportException>(async () => await receiving));
        });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
        await waiting.Task.WaitAsync(deadline.Token);

        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(failure.Task.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.5));

        Assert.Equal("no handshake within 5 s", (await failure.Task.WaitAsync(deadline.Token)).Reason);
        Assert.Equal(1, meters.Sum("steadycast_transport_aborts_total", "kind=deadline"));
    }

    [Fact]
    public async Task A_send_to_a_peer_that_does_not_read_is_aborted()
    {
        var failure = new TaskCompletionSource<TransportException>();
        var stalled = new TaskCompletionSource();
        TransportListener listener = transport.Listen(Loopback, null, "test", async c =>
        {
            c.SendTimeout = TimeSpan.FromSeconds(10);
            byte[] block = new byte[1 << 20];
            ValueTask sending = c.SendAsync(block);
            while (sending.IsCompletedSuccessfully)
            {
                await sending;
                sending = c.SendAsync(block);
            }

            stalled.SetResult();
            failure.SetResult(await Assert.ThrowsAsync<TransportException>(async () => await sending));
        });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
        await stalled.Task.WaitAsync(deadline.Token);

        time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal("send stalled", (await failure.Task.WaitAsync(deadline.Token)).Reason);
        Assert.Equal(1, meters.Sum("steadycast_transport_aborts_total", "kind=send_stalled"));
    }

    [Fact]
    public async Task A_port_in_use_is_named_with_its_key()
    {
        TransportListener listener = transport.Listen(Loopback, null, "test", EchoAsync);

        IOException e = Assert.Throws<IOException>(() => transport.Listen(
            ListenAddress.Parse($"127.0.0.1:{listener.Port}"), null, "ingest.listen_addr", EchoAsync));

        Assert.Equal(
            $"ingest.listen_addr: cannot listen on 127.0.0.1:{listener.Port}: "
            + $"another program uses port {listener.Port}",
            e.Message);
    }

    [Fact]
    public async Task An_address_without_host_takes_both_families()
    {
        TransportListener listener = transport.Listen(ListenAddress.Parse(":0"), null, "test", EchoAsync);

        foreach (string host in Socket.OSSupportsIPv6 ? ["127.0.0.1", "::1"] : new[] { "127.0.0.1" })
        {
            await using TransportConnection client =
                await transport.ConnectAsync(host, listener.Port, useTls: false, cancellationToken: deadline.Token);
            await client.SendAsync("x"u8.ToArray());
            Assert.Equal("x"u8.ToArray(), await ReceiveAsync(client, 1));
        }
    }

    [Fact]
    public async Task A_failing_service_closes_its_own_connection_only()
    {
        TransportListener listener = transport.Listen(
            Loopback, null, "test", _ => throw new InvalidOperationException("a bug"));
        for (int i = 0; i < 3; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], deadline.Token));
        }
    }

    [Fact]
    public async Task Stopping_lets_connections_finish_and_awaits_them()
    {
        bool finished = false;
        var started = new TaskCompletionSource();
        TransportListener listener = transport.Listen(Loopback, null, "test", async c =>
        {
            started.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, c.Closing)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await c.SendAsync("bye"u8.ToArray());
            finished = true;
        });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
        await started.Task.WaitAsync(deadline.Token);

        Task stopping = transport.StopAsync(deadline.Token);
        byte[] answer = new byte[3];
        await client.GetStream().ReadExactlyAsync(answer, deadline.Token);
        client.Close();
        await stopping.WaitAsync(deadline.Token);

        Assert.True(finished);
        Assert.Equal("bye", Encoding.ASCII.GetString(answer));
        using var late = new TcpClient();
        await Assert.ThrowsAnyAsync<SocketException>(
            async () => await late.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token));
    }

    [Fact]
    public async Task What_does_not_finish_is_aborted_when_the_grace_ends()
    {
        var started = new TaskCompletionSource();
        string? reason = null;
        TransportListener listener = transport.Listen(Loopback, null, "test", async c =>
        {
            started.SetResult();
            try
            {
                await c.ReceiveAsync(new byte[1]);
            }
            catch (TransportException e)
            {
                reason = e.Reason;
            }
        });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, listener.Port, deadline.Token);
        await started.Task.WaitAsync(deadline.Token);

        await transport.StopAsync(new CancellationToken(canceled: true)).WaitAsync(deadline.Token);

        Assert.Equal("the server is stopping", reason);
        Assert.Equal(0, transport.ConnectionCount);
    }

    public async ValueTask DisposeAsync()
    {
        await transport.DisposeAsync();
        deadline.Dispose();
        meters.Dispose();
    }

    private static async Task EchoAsync(TransportConnection connection)
    {
        byte[] buffer = new byte[65536];
        while (await connection.ReceiveAsync(buffer) is > 0 and var count)
            await connection.SendAsync(buffer.AsMemory(0, count));
    }

    private async Task<byte[]> ReceiveAsync(TransportConnection connection, int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int received = await connection.ReceiveAsync(bytes.AsMemory(at), deadline.Token);
            Assert.NotEqual(0, received);
            at += received;
        }

        return bytes;
    }
}
