using System.Text.Json;
using Microsoft.Net.Http.Headers;
using Steadycast.Server.Telemetry;

namespace Steadycast.Server.Hosting;

/// <summary>What every process answers about itself on each of its HTTP addresses.</summary>
internal sealed class HealthEndpoints(RoleHost host, MetricStore metrics)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/livez", ["GET", "HEAD"], Live);
        routes.MapMethods("/readyz", ["GET", "HEAD"], Ready);
        routes.MapMethods("/healthz", ["GET", "HEAD"], Summary);
        routes.MapMethods("/metrics", ["GET", "HEAD"], Metrics);
    }

    /// <summary>Answers at all: that is what it says.</summary>
    private static Task Live(HttpContext context) =>
        Write(context, 200, "text/plain; charset=utf-8", "ok\n"u8.ToArray());

    private Task Ready(HttpContext context)
    {
        var reasons = host.Reasons();
        if (reasons.Count == 0)
            return WriteJson(context, 200, "application/json", new { ready = true });
        return WriteJson(context, 503, "application/problem+json", new
        {
            type = "about:blank",
            title = "Not ready",
            status = 503,
            detail = string.Join(' ', reasons),
            ready = false,
            reasons,
        });
    }

    private Task Summary(HttpContext context)
    {
        var reasons = host.Reasons();
        var summary = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["ready"] = reasons.Count == 0,
            ["reasons"] = reasons,
            ["roles"] = host.Roles.Select(r => r.Name).ToArray(),
            ["version"] = BuildInfo.Version,
        };
        foreach (var (key, value) in host.Roles.SelectMany(r => r.Health().Summary))
            summary[key] = value;
        return WriteJson(context, reasons.Count == 0 ? 200 : 503, "application/json", summary);
    }

    private Task Metrics(HttpContext context)
    {
        var accept = context.Request.Headers[HeaderNames.Accept].ToString();
        var text = new PrometheusText(PrometheusText.Accepts(accept));
        ProcessMetrics.Write(text);
        text.Gauge("steadycast_role_ready", host.Roles.Select(r => (new KeyValuePair<string, object?>("role", r.Name),
            r.Health().Ready ? 1.0 : 0.0)));

        metrics.Scrape(text);
        return Write(context, 200, text.ContentType, System.Text.Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static Task WriteJson<T>(HttpContext context, int status, string contentType, T value) =>
        Write(context, status, contentType, JsonSerializer.SerializeToUtf8Bytes(value, JsonSerializerOptions.Web));

    private static Task Write(HttpContext context, int status, string contentType, byte[] body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.Headers[HeaderNames.CacheControl] = "no-store";
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
