using System.Runtime.CompilerServices;

namespace Steadycast.TestPeers;

/// <summary>
/// Expected output in a file of the folder <c>Golden</c> beside the test, so that a change shows in the diff.
/// </summary>
public static class GoldenFile
{
    /// <summary>Set to 1, the files are written anew instead of compared with.</summary>
    public const string RewriteVariable = "STEADYCAST_GOLDEN_REWRITE";

    /// <summary>What is expected; with the variable set, <paramref name="actual"/> is that from now on.</summary>
    public static string Expected(string name, string actual, [CallerFilePath] string test = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(test)!, "Golden", name);
        if (Environment.GetEnvironmentVariable(RewriteVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        return File.Exists(path)
            ? File.ReadAllText(path)
            : throw new FileNotFoundException($"Run the test once with {RewriteVariable}=1 and review the file.", path);
    }
}
