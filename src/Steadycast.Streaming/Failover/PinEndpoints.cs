using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steadycast.Streaming.Origin;

namespace Steadycast.Streaming.Failover;

/// <summary>
/// <c>POST</c> and <c>DELETE /api/switch/{stream}/pin</c>: an operator prefers an origin, or no longer.
/// </summary>
/// <remarks>
/// With a token, whoever has it. Without one, this machine only: a request that a proxy passed on is not from here, and
/// a page in a browser cannot send JSON to another site without asking first, which is not answered.
/// </remarks>
internal sealed class PinEndpoints(
    string? token, Func<string, HlsSwitch?> find, Func<HlsSwitch, object> report)
{
    private const string Suffix = "/pin";
    private const int MaxBodyBytes = 4096;

    /// <summary>A loop that does not answer in this time never will.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/api/switch/{**path}", PinAsync);
        routes.MapDelete("/api/switch/{**path}", ReleaseAsync);
    }

    private async Task PinAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } hls)
            return;
        if (!context.Request.HasJsonContentType())
        {
            await ProblemResponse.WriteAsync(
                context, StatusCodes.Status415UnsupportedMediaType, "write Content-Type: application/json");
            return;
        }

        if (await ReadOriginAsync(context) is { } origin)
            await SetAsync(context, hls, origin);
        else
            await ProblemResponse.WriteAsync(
                context, StatusCodes.Status400BadRequest, "the body is not {\"origin\":\"NAME\"}");
    }

    private async Task ReleaseAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } hls)
            await SetAsync(context, hls, origin: null);
    }

    /// <summary>The stream that is meant, for those who may; null when the answer is written.</summary>
    private async Task<HlsSwitch?> FindAsync(HttpContext context)
    {
        if (!IsAllowed(context))
        {
            var status = token is null ? StatusCodes.Status403Forbidden : StatusCodes.Status401Unauthorized;
            if (token is not null)
                context.Response.Headers.WWWAuthenticate = "Bearer";
            await ProblemResponse.WriteAsync(context, status, token is null
                ? "from this machine only, as long as switch.api_token is not set"
                : "send the token: Authorization: Bearer …");
            return null;
        }

        var path = (string?)context.Request.RouteValues["path"] ?? "";
        if (path.EndsWith(Suffix, StringComparison.Ordinal) && find(path[..^Suffix.Length]) is { } hls)
            return hls;
        await ProblemResponse.WriteAsync(context, StatusCodes.Status404NotFound, "no such stream");
        return null;
    }

    private bool IsAllowed(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (token is null)
            return context.Connection.RemoteIpAddress is { } from && IPAddress.IsLoopback(from)
                && !headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("Forwarded");
        const string scheme = "Bearer ";
        var sent = headers.Authorization.ToString();
        return sent.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(
                SHA256.HashData(Encoding.UTF8.GetBytes(sent[scheme.Length..].Trim())),
                SHA256.HashData(Encoding.UTF8.GetBytes(token)));
    }

    private static async Task<string?> ReadOriginAsync(HttpContext context)
    {
        if (context.Request.ContentLength is null or > MaxBodyBytes)
            return null;
        try
        {
            using var body = await JsonDocument.ParseAsync(
                context.Request.Body, cancellationToken: context.RequestAborted);
            return body.RootElement.ValueKind == JsonValueKind.Object
                && body.RootElement.TryGetProperty("origin", out var origin)
                && origin.ValueKind == JsonValueKind.String
                ? origin.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task SetAsync(HttpContext context, HlsSwitch hls, string? origin)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(Patience);
        try
        {
            if (!await hls.PinAsync(origin, deadline.Token))
            {
                await ProblemResponse.WriteAsync(
                    context, StatusCodes.Status404NotFound, $"no origin is named {origin}");
                return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException
                                  && !context.RequestAborted.IsCancellationRequested)
        {
            await ProblemResponse.WriteAsync(
                context, StatusCodes.Status503ServiceUnavailable, "the switch is stopping, or did not answer in time");
            return;
        }

        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(
            JsonSerializer.SerializeToUtf8Bytes(report(hls)), context.RequestAborted);
    }
}
