namespace Steadycast.Server.Hosting;

/// <summary>
/// Lets socket completions run on the thread that saw them: a third of the cost per byte of an RTMP door.
/// </summary>
/// <remarks>
/// The runtime reads the variable when the first socket of the process is made, so setting it from inside works until
/// then (checked with .NET 10.0.12: receives complete on ".NET Sockets" instead of a pool thread). It is process-wide:
/// Kestrel still schedules its own work, HttpClient continuations do not.
/// </remarks>
internal static class InlineCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Call before the first socket; an operator's own choice is left alone.</summary>
    public static void Enable()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
            Environment.SetEnvironmentVariable(Variable, "1");
    }
}
