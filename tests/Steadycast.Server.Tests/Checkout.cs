using System.Runtime.CompilerServices;

namespace Steadycast.Server.Tests;

/// <summary>
/// The repository that the tests were built from; for tests that read sources, documents and examples.
/// </summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    /// <summary>
    /// Compares a file of the repository with what the program says it should be. With STEADYCAST_UPDATE=1 the file is
    /// rewritten instead, to be reviewed in the diff.
    /// </summary>
    public static void AssertFileIs(string path, string expected)
    {
        var file = Path.Combine(Root, path);
        if (Environment.GetEnvironmentVariable("STEADYCAST_UPDATE") == "1")
            File.WriteAllText(file, expected);
        Assert.Equal(expected, File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "");
    }

    private static string Find([CallerFilePath] string here = "")
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(here) ?? "/" })
        {
            for (var at = start; at is not null; at = Path.GetDirectoryName(at))
            {
                if (File.Exists(Path.Combine(at, "Steadycast.slnx")))
                    return at;
            }
        }

        throw new DirectoryNotFoundException("The tests do not run from a checkout.");
    }
}
