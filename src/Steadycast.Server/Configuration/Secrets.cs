using System.Text;

namespace Steadycast.Server.Configuration;

/// <summary>
/// <c>${NAME}</c> anywhere in a value is an environment variable, <c>file:PATH</c> as a whole value is that file's
/// text; <c>$${NAME}</c> is the characters <c>${NAME}</c>.
/// </summary>
internal static class Secrets
{
    private const int MaxSecretFileBytes = 64 * 1024;

    /// <summary>The value, or null with a fault that names the variable or the file but no content.</summary>
    /// <param name="fetched">Whether any of it came from elsewhere, so that it must not be shown.</param>
    public static string? Resolve(
        string text, IReadOnlyDictionary<string, string> environment, out bool fetched,
        out (string Message, string NextStep)? fault)
    {
        (fetched, fault) = (false, null);
        if (text.StartsWith("file:", StringComparison.Ordinal))
        {
            fetched = true;
            return ReadFile(text["file:".Length..], out fault);
        }

        if (!text.Contains("${", StringComparison.Ordinal))
            return text;
        var result = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            var open = text.IndexOf("${", at, StringComparison.Ordinal);
            if (open < 0)
            {
                result.Append(text, at, text.Length - at);
                break;
            }

            var close = text.IndexOf('}', open);
            if (close < 0)
            {
                fault = ("has ${ without }", "write ${NAME}, or $${ for the characters themselves");
                return null;
            }

            if (open > at && text[open - 1] == '$')
            {
                result.Append(text, at, open - 1 - at).Append(text, open, close + 1 - open);
                at = close + 1;
                continue;
            }

            var name = text[(open + 2)..close];
            if (!environment.TryGetValue(name, out var value))
            {
                fault = ($"asks for the environment variable {name}, which is not set", $"set {name}");
                return null;
            }

            fetched = true;
            result.Append(text, at, open - at).Append(value);
            at = close + 1;
        }

        return result.ToString();
    }

    private static string? ReadFile(string path, out (string Message, string NextStep)? fault)
    {
        fault = null;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxSecretFileBytes })
                fault = ($"asks for the file {path}, which is larger than 64 KiB",
                    "name a file that holds only the secret");
            else if (File.ReadAllText(path).TrimEnd('\r', '\n') is { Length: > 0 } text)
                return text;
            else
                fault = ($"asks for the file {path}, which is empty", "write the secret into it");
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            fault = ($"asks for the file {path}, which cannot be read", "create it, or let this user read it");
        }

        return null;
    }
}
