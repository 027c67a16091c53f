using System.Net;
using System.Net.Sockets;
using System.Text;
using Steadycast.Protocols.Hls;
using Steadycast.Streaming.Viewing;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Viewing;

/// <summary>Every way in which an answer can fail to be one is told, and none is an exception.</summary>
public sealed class ViewerFetchTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP 200")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "HTTP 200, *")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP 200, *")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "HTTP 200, 99999999 bytes are more than 1000")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n#2000", "HTTP 200, more than 1000 bytes")]
    [InlineData("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP 206, a part was sent that was not asked for")]
    [InlineData("this is not HTTP\r\n\r\n", "*")]
    public async Task A_bad_answer_is_told_as_what_it_is(string answer, string expected)
    {
        var fetched = await GetAsync(answer, null, TimeProvider.System);
        Assert.Equal(expected == "HTTP 200", fetched.Ok);
        if (expected.EndsWith('*'))
            Assert.StartsWith(expected[..^1], fetched.ToString(), StringComparison.Ordinal);
        else
            Assert.Equal(expected, fetched.ToString());
        Assert.Equal(fetched.Ok ? "hello" : "", Encoding.ASCII.GetString(fetched.Body.Span));
    }

    [Fact]
    public async Task A_stretch_that_was_asked_for_may_come_as_206()
    {
        const string answer = "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello";
        Assert.True((await GetAsync(answer, new ByteRange(5, 10), TimeProvider.System)).Ok);
    }

    [Fact]
    public async Task Half_an_answer_times_out_by_the_clock_that_it_was_given()
    {
        var time = new ManualTime();
        const string answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
        var fetched = await GetAsync(answer, null, time, sent: () => time.Advance(TimeSpan.FromSeconds(10)));
        Assert.EndsWith("timeout", fetched.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_reset_as_it_is_made_is_told_too()
    {
        using var peer = new ResettingPeer();
        using var http = new HttpClient();
        var fetch = new ViewerFetch(http, TimeProvider.System, new ViewerOptions());
        for (var i = 0; i < ResettingPeer.Enough; i++)
        {
            var fetched = await fetch.GetAsync(peer.Address, null, 1000, TestContext.Current.CancellationToken);
            Assert.False(fetched.Ok);
        }
    }

    /// <summary>Asks a server that reads one request, sends exactly this, and closes or waits for the client.</summary>
    private static async Task<Fetched> GetAsync(string answer, ByteRange? range, TimeProvider time, Action? sent = null)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, answer.Replace("#2000", new string('x', 2000)), sent);
        using var http = new HttpClient();
        var options = new ViewerOptions { RequestTimeout = TimeSpan.FromSeconds(10) };
        var fetched = await new ViewerFetch(http, time, options).GetAsync(
            new Uri($"http://{listener.LocalEndpoint}/1.m4s"), range, 1000, TestContext.Current.CancellationToken);
        await serving;
        return fetched;
    }

    private static async Task ServeAsync(TcpListener listener, string answer, Action? sent)
    {
        using var socket = await listener.AcceptSocketAsync(CancellationToken.None);
        var request = new byte[4096];
        _ = await socket.ReceiveAsync(request, CancellationToken.None);
        await socket.SendAsync(Encoding.ASCII.GetBytes(answer), CancellationToken.None);
        if (sent is null)
            return;
        sent();
        try
        {
            _ = await socket.ReceiveAsync(request, CancellationToken.None);
        }
        catch (SocketException)
        {
            // A client that gives up may reset the connection.
        }
    }
}
