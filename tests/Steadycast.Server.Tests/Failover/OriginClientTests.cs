using System.Net;
using System.Net.Sockets;
using System.Text;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Whatever an origin does with a connection, the client has an answer with a name for it, in time.</summary>
public sealed class OriginClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task An_answer_that_breaks_off_anywhere_is_a_failure_with_a_name(bool isReset, bool isReused)
    {
        using var deadline = new CancellationTokenSource(Patience);
        byte[] whole = Answer();
        using var peer = new TcpListener(IPAddress.Loopback, 0);
        peer.Start();
        using var client = new OriginClient("o", $"http://127.0.0.1:{Port(peer)}/hls", TimeProvider.System);
        // RFC 9112 section 9.3.1: a used connection that ends before its answer begins is replaced without a word.
        int first = isReused ? 1 : 0;
        int cut = first;
        Task accepting = AcceptAsync();

        for (cut = first; cut < whole.Length; cut += cut < 400 ? 1 : 97)
        {
            if (isReused)
                Assert.Equal(OriginFault.None, (await AskAsync()).Fault);

            Answer<IndexAnswer> broken = await AskAsync();

            Assert.True(
                broken.Fault is OriginFault.Reset or OriginFault.Garbage or OriginFault.Refused,
                $"cut at {cut}: {broken.Fault} {broken.Error}");
        }

        await deadline.CancelAsync();
        await accepting;

        async Task<Answer<IndexAnswer>> AskAsync() => await client.GetIndexAsync(
            "live/show", 1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20), null, deadline.Token);

        async Task AcceptAsync()
        {
            var serving = new List<Task>();
            try
            {
                while (true)
                    serving.Add(ServeAsync(await peer.AcceptSocketAsync(deadline.Token)));
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(serving);
            }
        }

        async Task ServeAsync(Socket connection)
        {
            using Socket closing = connection;
            if (isReused)
            {
                if (!await TryReadRequestAsync(connection, deadline.Token))
                    return;
                await connection.SendAsync(whole, deadline.Token);
            }

            if (!await TryReadRequestAsync(connection, deadline.Token))
                return;
            await connection.SendAsync(whole.AsMemory(0, cut), deadline.Token);
            if (isReset)
                connection.LingerState = new LingerOption(true, 0);
        }
    }

    [Fact]
    public async Task A_connection_that_is_reset_as_it_is_made_is_a_failure_with_a_name()
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var peer = new ResettingPeer();
        using var client = new OriginClient("o", $"{peer.Address}hls", TimeProvider.System);

        for (int i = 0; i < ResettingPeer.Enough; i++)
        {
            Answer<IReadOnlyList<string>> answer = await client.GetStreamsAsync(
                TimeSpan.FromSeconds(20), deadline.Token);

            Assert.True(
                answer.Fault is OriginFault.Reset or OriginFault.Refused, $"{i}: {answer.Fault} {answer.Error}");
        }
    }

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static byte[] Answer()
    {
        byte[] body = StreamIndexJson.Write(new SyntheticStream("live/show").Index(1_000, 1_010));
        string head = $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nContent-Type: application/json\r\n"
            + "ETag: \"ab7ee44bf552c645\"\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    /// <returns>False when the client closed the connection, or the test is over.</returns>
    private static async Task<bool> TryReadRequestAsync(Socket connection, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[4096];
        string read = "";
        try
        {
            while (!read.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                int count = await connection.ReceiveAsync(buffer, cancellationToken);
                if (count == 0)
                    return false;
                read += Encoding.ASCII.GetString(buffer, 0, count);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        return true;
    }
}
