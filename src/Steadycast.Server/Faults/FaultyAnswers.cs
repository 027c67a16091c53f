namespace Steadycast.Server.Faults;

/// <summary>
/// Stands before the routes of a process and spoils what they answer below /hls/; everything else is left alone.
/// </summary>
internal sealed class FaultyAnswers(FaultDoor door, TimeProvider time)
{
    private static readonly string[] Media = [".m4s", ".ts", ".mp4"];

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var fault = door.Current;
        var path = context.Request.Path;
        var isMedia = Media.Any(m => path.Value?.EndsWith(m, StringComparison.Ordinal) == true);
        if (fault.Kind == FaultKind.Slow && path.StartsWithSegments("/hls", StringComparison.Ordinal))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(fault.Value), time, context.RequestAborted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else if (fault.Kind == FaultKind.Status && isMedia)
        {
            context.Response.StatusCode = fault.Value;
            return;
        }
        else if (fault.Kind is FaultKind.Corrupt or FaultKind.Truncate && isMedia)
        {
            context.Response.Body = new FaultyBody(context, fault.Kind);
        }

        await next(context);
    }
}
