using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Failover;

/// <summary>HTTP to one origin: every answer is bounded in time and size, and every failure has a name.</summary>
/// <remarks>Thread-safe. No redirects, cookies or proxies: an origin is where the configuration says it is.</remarks>
internal sealed class OriginClient : IDisposable
{
    private const int MaxStreamsBytes = 1 << 20;
    private const int MaxPlaylistBytes = 4 << 20;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromMilliseconds(300);

    /// <summary>With TLS it takes three round trips, to a place that may be far.</summary>
    private static readonly TimeSpan SecureConnectTimeout = TimeSpan.FromSeconds(2);

    private readonly HttpMessageInvoker _http;
    private readonly string _base;
    private readonly TimeProvider _time;

    public OriginClient(string name, string url, TimeProvider time)
    {
        Name = name;
        _base = url.TrimEnd('/');
        _time = time;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectTimeout = url.StartsWith("https", StringComparison.OrdinalIgnoreCase)
                ? SecureConnectTimeout
                : ConnectTimeout,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 32,
            // A name may move to another address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        });
    }

    public string Name { get; }

    public LatencyWindow Latency { get; } = new();

    public void Dispose() => _http.Dispose();

    /// <summary>The stream names that the origin lists.</summary>
    public async Task<Answer<IReadOnlyList<string>>> GetStreamsAsync(
        TimeSpan timeout,
        CancellationToken cancellationToken) =>
        await AskAsync<IReadOnlyList<string>>(
            "/streams.json",
            null,
            timeout,
            async (response, token) => ReadStreams((await ReadBoundedAsync(response, MaxStreamsBytes, token)).Span),
            cancellationToken);

    /// <summary>
    /// The stream's index, at once when its edge is above <paramref name="after"/>, else after <paramref
    /// name="wait"/>.
    /// </summary>
    /// <param name="etag">Of the index before: an unchanged one is a success without a value.</param>
    public async Task<Answer<IndexAnswer>> GetIndexAsync(
        string stream,
        long after,
        TimeSpan wait,
        TimeSpan timeout,
        string? etag,
        CancellationToken cancellationToken)
    {
        var seconds = wait.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        var path = after < 0 ? $"/{stream}/index.json" : $"/{stream}/index.json?after={after}&wait={seconds}";
        return await AskAsync<IndexAnswer>(
            path,
            etag is null ? null : headers => headers.TryAddWithoutValidation("If-None-Match", etag),
            timeout,
            async (response, token) =>
            {
                if (response.StatusCode == HttpStatusCode.NotModified)
                    return new IndexAnswer(null, etag);
                var json = await ReadBoundedAsync(response, StreamIndexJson.MaxBytes, token);
                return new IndexAnswer(StreamIndexJson.Read(json.Span), response.Headers.ETag?.ToString());
            },
            cancellationToken);
    }

    /// <summary>
    /// An object whose size is known, or the rest of one; what arrived stays in <paramref name="transfer"/>.
    /// </summary>
    public async Task<Answer<bool>> GetObjectAsync(
        string stream,
        string name,
        string sha256,
        Transfer transfer,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var offset = transfer.Received;
        return await AskAsync<bool>(
            $"/{stream}/{name}",
            offset == 0
                ? null
                : headers =>
                {
                    headers.Range = new RangeHeaderValue(offset, null);
                    headers.TryAddWithoutValidation("If-Range", $"\"{sha256}\"");
                },
            timeout,
            (response, token) => ReadObjectAsync(response, transfer, token),
            cancellationToken);
    }

    /// <summary>A playlist, whole, as it is.</summary>
    public async Task<Answer<ReadOnlyMemory<byte>>> GetTextAsync(
        Uri address, TimeSpan timeout, CancellationToken cancellationToken) =>
        await AskAsync<ReadOnlyMemory<byte>>(
            address.AbsoluteUri,
            null,
            timeout,
            (response, token) => ReadBoundedAsync(response, MaxPlaylistBytes, token),
            cancellationToken);

    /// <summary>An object of unknown size, or a stretch of one.</summary>
    /// <param name="limit">Its size may be this at most.</param>
    public async Task<Answer<ReadOnlyMemory<byte>>> GetBytesAsync(
        Uri address, long? offset, long? length, int limit, TimeSpan timeout, CancellationToken cancellationToken) =>
        await AskAsync<ReadOnlyMemory<byte>>(
            address.AbsoluteUri,
            offset is null ? null : headers => headers.Range = new RangeHeaderValue(offset, offset + length - 1),
            timeout,
            async (response, token) =>
            {
                if (offset is not null && response.Content.Headers.ContentRange?.From != offset)
                    throw new FormatException("not the range that was asked for");
                var bytes = await ReadBoundedAsync(response, limit, token);
                return length is null || bytes.Length == length
                    ? bytes
                    : throw new FormatException($"{bytes.Length} bytes instead of {length}");
            },
            cancellationToken);

    private static async Task<bool> ReadObjectAsync(
        HttpResponseMessage response,
        Transfer transfer,
        CancellationToken cancellationToken)
    {
        var headers = response.Content.Headers;
        // 200 to a question for the rest: everything, from the beginning.
        var at = response.StatusCode == HttpStatusCode.PartialContent ? transfer.Received : 0;
        if (at > 0 && headers.ContentRange?.From != at)
            throw new FormatException("not the range that was asked for");
        if (headers.ContentLength != transfer.Length - at)
            throw new FormatException($"{headers.ContentLength} bytes instead of {transfer.Length - at}");
        var bytes = transfer.Begin(at);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        while (transfer.Received < transfer.Length)
        {
            var read = await body.ReadAsync(bytes.AsMemory(transfer.Received), cancellationToken);
            if (read == 0)
                throw new EndOfStreamException($"ended at {transfer.Received} of {transfer.Length} bytes");
            transfer.Received += read;
        }

        return true;
    }

    /// <param name="target">A whole address, or a path below the origin's.</param>
    private async Task<Answer<T>> AskAsync<T>(
        string target,
        Action<HttpRequestHeaders>? headers,
        TimeSpan timeout,
        Func<HttpResponseMessage, CancellationToken, Task<T>> read,
        CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        Answer<T> Failed(OriginFault fault, string error, int status = 0) =>
            new(fault, default, error, status, _time.GetElapsedTime(started));

        using var deadline = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, target[0] == '/' ? _base + target : target);
            headers?.Invoke(request.Headers);
            using var response = await _http.SendAsync(request, both.Token);
            var status = (int)response.StatusCode;
            if (status is not (200 or 206 or 304))
                return Failed(FaultOf(status), $"status {status}", status);
            var value = await read(response, both.Token);
            return new Answer<T>(OriginFault.None, value, "", status, _time.GetElapsedTime(started));
        }
        catch (FormatException e)
        {
            return Failed(OriginFault.Garbage, e.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Failed(OriginFault.Cancelled, "cancelled");
        }
        catch (OperationCanceledException e)
        {
            // The deadline, or SocketsHttpHandler's own for connecting.
            return Failed(OriginFault.Timeout, (e.InnerException as TimeoutException)?.Message ?? "no answer in time");
        }
        catch (HttpRequestException e)
        {
            var fault = e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                ? OriginFault.Refused
                : OriginFault.Reset;
            return Failed(fault, e.Message);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // SocketsHttpHandler lets the second one through when the peer resets a connection as it is made.
            return Failed(OriginFault.Reset, e.Message);
        }
    }

    private static OriginFault FaultOf(int status) => status switch
    {
        404 or 410 => OriginFault.NotFound,
        >= 500 => OriginFault.ServerError,
        _ => OriginFault.Status,
    };

    private static async Task<ReadOnlyMemory<byte>> ReadBoundedAsync(
        HttpResponseMessage response,
        int limit,
        CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > limit)
            throw new FormatException($"more than {limit} bytes");
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[Math.Min(limit, (int)(response.Content.Headers.ContentLength ?? 16 * 1024)) + 1];
        for (var count = 0; ;)
        {
            var read = await body.ReadAsync(buffer.AsMemory(count), cancellationToken);
            count += read;
            if (read == 0)
                return buffer.AsMemory(0, count);
            if (count > limit)
                throw new FormatException($"more than {limit} bytes");
            if (count == buffer.Length)
                Array.Resize(ref buffer, Math.Min(buffer.Length * 2, limit + 1));
        }
    }

    private static List<string> ReadStreams(ReadOnlySpan<byte> json)
    {
        var names = new List<string>();
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            foreach (var name in document.RootElement.GetProperty("streams").EnumerateArray())
            {
                if (name.GetString() is { } text && ObjectName.IsStream(text))
                    names.Add(text);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException($"streams.json: {e.Message}", e);
        }

        return names;
    }
}

/// <summary>What came of a request.</summary>
/// <param name="Value">Only without a fault.</param>
/// <param name="Error">What the fault was, in words; no address and no header of the request in it.</param>
/// <param name="Status">The HTTP status; 0 when there was none.</param>
[DebuggerDisplay("{Fault} {Status} {Error}")]
internal readonly record struct Answer<T>(OriginFault Fault, T? Value, string Error, int Status, TimeSpan Elapsed);

/// <param name="Index">Null: the same as before.</param>
internal sealed record IndexAnswer(StreamIndex? Index, string? ETag);
