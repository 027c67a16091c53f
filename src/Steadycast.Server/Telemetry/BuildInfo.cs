using System.Reflection;
using System.Runtime.InteropServices;

namespace Steadycast.Server.Telemetry;

/// <summary>What runs: for <c>version</c>, the metrics and the User-Agent.</summary>
internal static class BuildInfo
{
    private static readonly string[] Parts =
        (typeof(BuildInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "0.0.0")
        .Split('+', 2);

    public static string Version => Parts[0];

    /// <summary>The commit that was built, or "unknown" outside a checkout.</summary>
    public static string Commit => Parts.Length > 1 ? Parts[1] : "unknown";

    public static string Runtime => RuntimeInformation.FrameworkDescription;
}
