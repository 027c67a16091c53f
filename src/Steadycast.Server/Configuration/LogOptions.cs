namespace Steadycast.Server.Configuration;

/// <summary>The <c>log</c> section: what the process says of itself, one line each, on standard output.</summary>
public sealed record LogOptions
{
    /// <summary>
    /// <c>text</c> is for people, <c>json</c> for a collector (one object per line). Absent: text on a terminal, json
    /// when the output goes anywhere else, since then a program reads it.
    /// </summary>
    public LogFormat? Format { get; init; }

    /// <summary>
    /// The least that is written. Default <c>information</c>: what an operator would tell a colleague.
    /// </summary>
    public LogVerbosity Level { get; init; } = LogVerbosity.Information;
}

/// <summary>How a log line looks.</summary>
public enum LogFormat
{
    Text,
    Json,
}

/// <summary>How much is logged.</summary>
public enum LogVerbosity
{
    Trace,
    Debug,
    Information,
    Warning,
    Error,
}
