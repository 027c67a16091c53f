namespace Steadycast.Server.Cli;

/// <summary>Colour where a person reads, none where a program does.</summary>
internal static class Terminal
{
    private static readonly bool Plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public static string Good(string text) => Paint(text, "32", Console.IsOutputRedirected);

    public static string Bad(string text) => Paint(text, "31", Console.IsOutputRedirected);

    public static string Bold(string text) => Paint(text, "1", Console.IsOutputRedirected);

    public static string Dim(string text) => Paint(text, "2", Console.IsOutputRedirected);

    /// <summary>One line on standard error.</summary>
    public static void Fault(string text) =>
        Console.Error.WriteLine(Paint("steadycast:", "31", Console.IsErrorRedirected) + " " + text);

    private static string Paint(string text, string colour, bool redirected) =>
        Plain || redirected ? text : $"\e[{colour}m{text}\e[0m";
}
