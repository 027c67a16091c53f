using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Steadycast.Streaming.Origin;

/// <summary>A segment or initialisation section in memory, with everything its answers need made once.</summary>
/// <remarks>
/// Immutable; shared by every viewer. Its name is never used for other bytes, so it may be cached for ever.
/// </remarks>
internal sealed class SegmentResponse
{
    private const string Forever = "public, max-age=31536000, immutable";

    /// <summary>
    /// Kestrel's own buffer per response; writing more at once would park a slow viewer's whole segment there.
    /// </summary>
    private const int WriteSize = 64 * 1024;

    public SegmentResponse(string name, ReadOnlyMemory<byte> bytes, string sha256)
    {
        Bytes = bytes;
        Sha256 = sha256;
        ETag = $"\"{sha256}\"";
        IsInit = name.EndsWith(".mp4", StringComparison.Ordinal);
        ContentType = Path.GetExtension(name) switch
        {
            ".ts" => "video/mp2t",
            ".aac" => "audio/aac",
            ".vtt" => "text/vtt",
            _ => "video/mp4",
        };
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Lower-case hex.</summary>
    public string Sha256 { get; }

    public string ETag { get; }

    public string ContentType { get; }

    public bool IsInit { get; }

    public static string HashOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public Task WriteAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.Headers.ETag = ETag;
        response.Headers.CacheControl = Forever;
        response.Headers.AcceptRanges = "bytes";
        if (EntityTag.IsNoneMatchHit(request.Headers.IfNoneMatch, ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var wanted = HttpMethods.IsGet(request.Method) && EntityTag.IsRangeAllowed(request.Headers.IfRange, ETag)
            ? request.Headers.Range.ToString()
            : null;
        var outcome = ByteRange.Resolve(wanted, Bytes.Length, out var range);
        if (outcome == RangeOutcome.Unsatisfiable)
        {
            response.Headers.ContentRange = $"bytes */{Bytes.Length}";
            return ProblemResponse.WriteAsync(context, StatusCodes.Status416RangeNotSatisfiable, "no such bytes");
        }

        if (outcome == RangeOutcome.Part)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {range.Offset}-{range.Offset + range.Length - 1}/{Bytes.Length}";
        }

        response.ContentType = ContentType;
        response.ContentLength = range.Length;
        return HttpMethods.IsHead(request.Method)
            ? Task.CompletedTask
            : WriteBodyAsync(response.Body, Bytes.Slice(range.Offset, range.Length), context.RequestAborted);
    }

    private static async Task WriteBodyAsync(
        Stream body,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < bytes.Length; sent += WriteSize)
            await body.WriteAsync(bytes.Slice(sent, Math.Min(WriteSize, bytes.Length - sent)), cancellationToken);
    }
}
