using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Steadycast.Streaming.Origin;

/// <summary>A playlist (or index) as it is sent: rendered, hashed and compressed once, however many ask.</summary>
internal sealed class PlaylistResponse
{
    private readonly byte[] _plain;
    private readonly byte[] _gzip;
    private readonly string _etag;
    private readonly string _gzipETag;
    private readonly string _contentType;
    private readonly string _cacheControl;

    public PlaylistResponse(byte[] body, string contentType, string cacheControl)
    {
        _plain = body;
        _gzip = Compress(body);
        var hash = SegmentResponse.HashOf(body);
        _etag = $"\"{hash}\"";
        _gzipETag = $"\"{hash}-gz\"";
        _contentType = contentType;
        _cacheControl = cacheControl;
    }

    public ReadOnlyMemory<byte> Body => _plain;

    public string ETag => _etag;

    public Task WriteAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var zipped = AcceptsGzip(request.Headers.AcceptEncoding);
        response.Headers.ETag = zipped ? _gzipETag : _etag;
        response.Headers.CacheControl = _cacheControl;
        response.Headers.Vary = "Accept-Encoding";
        if (EntityTag.IsNoneMatchHit(request.Headers.IfNoneMatch, zipped ? _gzipETag : _etag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var body = zipped ? _gzip : _plain;
        if (zipped)
            response.Headers.ContentEncoding = "gzip";
        response.ContentType = _contentType;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>
    /// Whether gzip is named and not refused (<c>q=0</c>); <c>*</c> alone is not taken as a wish for it.
    /// </summary>
    internal static bool AcceptsGzip(StringValues header)
    {
        foreach (var line in header)
        {
            foreach (var item in line.AsSpan().Split(','))
            {
                var coding = line.AsSpan(item).Trim();
                if (!coding.StartsWith("gzip", StringComparison.OrdinalIgnoreCase))
                    continue;
                var rest = coding[4..].TrimStart();
                if (rest.IsEmpty)
                    return true;
                if (rest[0] == ';')
                    return rest[1..].Trim().TrimEnd("0.") is not "q=";
            }
        }

        return false;
    }

    private static byte[] Compress(byte[] body)
    {
        var buffer = new MemoryStream(body.Length / 4 + 64);
        using (var zip = new GZipStream(buffer, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(body);
        return buffer.ToArray();
    }
}
