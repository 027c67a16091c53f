using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Steadycast.Protocols.Hls;

namespace Steadycast.Streaming.Viewing;

/// <summary>One GET with a deadline and a bound; every way to fail is a value, none an exception.</summary>
internal sealed class ViewerFetch(HttpClient http, TimeProvider time, ViewerOptions options)
{
    public async Task<Fetched> GetAsync(
        Uri address, ByteRange? range, int maxBytes, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.RequestTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var status = 0;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (range is { } r)
                request.Headers.Range = new RangeHeaderValue(r.Offset, r.Offset + r.Length - 1);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            status = (int)response.StatusCode;
            if (response.StatusCode != HttpStatusCode.OK && !(range is not null && status == 206))
                return new Fetched(status, status == 206 ? "a part was sent that was not asked for" : null, default);
            var declared = response.Content.Headers.ContentLength;
            if (declared > maxBytes)
                return new Fetched(status, $"{declared} bytes are more than {maxBytes}", default);

            using var body = new MemoryStream((int)(declared ?? 0));
            var buffer = new byte[64 << 10];
            await using var stream = await response.Content.ReadAsStreamAsync(either.Token);
            while (await stream.ReadAsync(buffer, either.Token) is var count and > 0)
            {
                if (body.Length + count > maxBytes)
                    return new Fetched(status, $"more than {maxBytes} bytes", default);
                body.Write(buffer, 0, count);
            }

            return declared is { } whole && body.Length != whole
                ? new Fetched(status, $"short body, {body.Length} of {whole} bytes", default)
                : new Fetched(status, null, body.ToArray());
        }
        catch (OperationCanceledException)
        {
            return new Fetched(status, deadline.IsCancellationRequested ? "timeout" : "cancelled", default);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            // SocketsHttpHandler lets the last one through when the peer resets a connection as it is made.
            return new Fetched(status, e.InnerException?.Message ?? e.Message, default);
        }
    }
}
