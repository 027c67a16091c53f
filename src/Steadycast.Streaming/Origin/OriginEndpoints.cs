using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steadycast.Streaming.Segments;

namespace Steadycast.Streaming.Origin;

/// <summary>
/// Everything below <c>/hls/</c>, the same toward viewers, caches and switches, whether an origin or the switch stands
/// behind it: seamless-failover section 9.
/// </summary>
/// <remarks>
/// <c>/hls/{stream}/{file}</c>, <c>/hls/{file}</c> for the default stream, <c>/hls/streams.json</c>;
/// <c>index.json?after=N</c> holds the answer until the edge is above N, at most 10 s (or <c>wait</c> seconds).
/// </remarks>
internal sealed class OriginEndpoints(IHlsLibrary library, string cors, DoorMetrics metrics)
{
    private const string Prefix = "/hls/";
    private const string StreamsFile = "streams.json";

    /// <summary>
    /// Two switches and a monitor for each of a thousand streams, and some; the next is answered at once.
    /// </summary>
    private const int MaxWaiting = 4096;

    private const double MaxWaitSeconds = 10;

    public void Map(IEndpointRouteBuilder routes) => routes.Map("/hls/{**path}", HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        WriteCrossOriginHeaders(context);
        var method = context.Request.Method;
        if (HttpMethods.IsOptions(method))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var kind = "none";
        try
        {
            if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
            {
                kind = await AnswerAsync(context);
                return;
            }

            context.Response.Headers.Allow = "GET, HEAD, OPTIONS";
            await ProblemResponse.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "read only");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            kind = "aborted";
        }
        finally
        {
            var sent = HttpMethods.IsHead(method) ? 0 : context.Response.ContentLength ?? 0;
            metrics.Answered(kind, context.Response.StatusCode, sent);
        }
    }

    private void WriteCrossOriginHeaders(HttpContext context)
    {
        if (cors.Length == 0)
            return;
        var headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = cors;
        headers["Timing-Allow-Origin"] = cors;
        if (!HttpMethods.IsOptions(context.Request.Method))
        {
            headers.AccessControlExposeHeaders =
                "Date,Age,ETag,Content-Length,Content-Range,X-Stream-State,"
                + "X-Manifest-Last-Sequence,X-Manifest-Last-Updated";
            return;
        }

        headers.AccessControlAllowMethods = "GET, HEAD, OPTIONS";
        headers.AccessControlAllowHeaders = "Range, If-Range, If-None-Match";
        headers.AccessControlMaxAge = "86400";
    }

    /// <returns>What kind of thing was asked for, for the count.</returns>
    private async Task<string> AnswerAsync(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "").AsSpan();
        path = path.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? path[Prefix.Length..] : [];
        if (path is StreamsFile)
        {
            await WriteStreamsAsync(context);
            return "streams";
        }

        var slash = path.LastIndexOf('/');
        var name = path[(slash + 1)..].ToString();
        var stream = slash < 0 ? library.DefaultStream : path[..slash].ToString();
        if (name is ObjectName.MultivariantPlaylist or ObjectName.Index || ObjectName.IsMediaPlaylist(name))
            return await WritePlaylistAsync(context, stream, name);
        if (!ObjectName.IsObject(name))
        {
            await ProblemResponse.WriteAsync(context, StatusCodes.Status404NotFound, "no such object");
            return "none";
        }

        var found = stream is null ? null : await library.FindObjectAsync(stream, name, context.RequestAborted);
        if (found is null)
        {
            await ProblemResponse.WriteAsync(context, StatusCodes.Status404NotFound, "no such segment, or no longer");
            return "segment";
        }

        await found.WriteAsync(context);
        return found.IsInit ? "init" : "segment";
    }

    private async Task<string> WritePlaylistAsync(HttpContext context, string? stream, string name)
    {
        var kind = name switch
        {
            ObjectName.MultivariantPlaylist => "multivariant_playlist",
            ObjectName.Index => "index",
            _ => "media_playlist",
        };
        if (stream is null && library.Streams.Count > 1)
        {
            await ProblemResponse.WriteAsync(context, 404, "there are several streams: /hls/streams.json names them");
            return kind;
        }

        if (stream is not null && kind != "index")
            await library.CatchUpAsync(stream, context.RequestAborted);
        RenderedStream? rendered = null;
        var state = stream is null ? StreamState.Cold : library.Find(stream, out rendered);
        var isPoll = kind == "index" && state != StreamState.Unknown;
        if (isPoll && context.Request.Query.TryGetValue("after", out var after))
        {
            if (!long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var edge))
            {
                await ProblemResponse.WriteAsync(context, 400, "after: not a sequence number");
                return kind;
            }

            if (stream is not null && (rendered is null || rendered.Index.Edge <= edge))
            {
                await WaitAsync(context, stream, edge);
                state = library.Find(stream, out rendered);
            }
        }

        if (rendered is null)
        {
            await WriteAbsentAsync(context, state);
            return kind;
        }

        var playlist = kind switch
        {
            "index" => rendered.Json,
            "multivariant_playlist" => rendered.Multivariant,
            _ => rendered.FindMedia(name),
        };
        if (playlist is null)
        {
            await ProblemResponse.WriteAsync(context, StatusCodes.Status404NotFound, "no such playlist");
            return kind;
        }

        rendered.WriteManifestHeaders(context.Response.Headers, state);
        await playlist.WriteAsync(context);
        return kind;
    }

    private async Task WaitAsync(HttpContext context, string stream, long edge)
    {
        var seconds = MaxWaitSeconds;
        var wait = context.Request.Query["wait"];
        if (double.TryParse(wait, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var asked))
            seconds = Math.Min(asked, MaxWaitSeconds);
        if (!metrics.TryBeginWait(MaxWaiting))
            return;
        try
        {
            await library.WaitAsync(stream, edge, TimeSpan.FromSeconds(seconds), context.RequestAborted);
        }
        finally
        {
            metrics.EndWait();
        }
    }

    private static Task WriteAbsentAsync(HttpContext context, StreamState state)
    {
        if (state == StreamState.Unknown)
            return ProblemResponse.WriteAsync(context, StatusCodes.Status404NotFound, "no such stream");
        context.Response.Headers.RetryAfter = "1";
        return ProblemResponse.WriteAsync(
            context, StatusCodes.Status503ServiceUnavailable, "nothing has been published yet");
    }

    private Task WriteStreamsAsync(HttpContext context)
    {
        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (library.DefaultStream is { } name)
                json.WriteString("default", name);
            json.WriteStartArray("streams");
            foreach (var stream in library.Streams.Order(StringComparer.Ordinal))
                json.WriteStringValue(stream);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        var response = context.Response;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-cache";
        response.ContentLength = buffer.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(buffer.ToArray(), context.RequestAborted).AsTask();
    }
}
