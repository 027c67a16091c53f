using System.Collections.Frozen;

namespace Steadycast.Server.Api;

/// <summary>The page at <c>/</c> of the switch: plays the stream and shows where it comes from.</summary>
internal static class PageEndpoints
{
    /// <summary>Nothing from anywhere else: the page works without internet, and no injected script does.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    private const string Immutable = "public, max-age=31536000, immutable";

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    private static readonly Lazy<FrozenDictionary<string, PageFile>> Files = new(PageFile.LoadAll);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", GetAndHead, context => Send(context, "index.html", "no-cache"));
        // The build puts a hash of the content into these names.
        routes.MapMethods("/assets/{name}", GetAndHead,
            context => Send(context, $"assets/{context.Request.RouteValues["name"]}", Immutable));
    }

    private static async Task Send(HttpContext context, string name, string cacheControl)
    {
        var (request, response) = (context.Request, context.Response);
        if (!Files.Value.TryGetValue(name, out var file))
        {
            await SendNothing(context, name);
            return;
        }

        var headers = response.Headers;
        headers.CacheControl = cacheControl;
        headers.ETag = file.ETag;
        headers.Vary = "Accept-Encoding";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        if (request.Headers.IfNoneMatch.Contains(file.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = file.ContentType;
        var body = file.Bytes;
        if (file.Gzip is { } gzip &&
            request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal))
        {
            headers.ContentEncoding = "gzip";
            body = gzip;
        }

        response.ContentLength = body.Length;
        if (HttpMethods.IsGet(request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task SendNothing(HttpContext context, string name)
    {
        if (name != "index.html")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync("Steadycast. This build has no page; the stream is at /hls/index.m3u8\n",
            context.RequestAborted);
    }
}
