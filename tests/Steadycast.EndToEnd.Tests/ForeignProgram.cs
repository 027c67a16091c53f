using System.ComponentModel;
using System.Diagnostics;

namespace Steadycast.EndToEnd.Tests;

/// <summary>Runs ffmpeg, ffprobe and the like to their end.</summary>
internal static class ForeignProgram
{
    /// <summary>Returns what the program wrote; failure, absence and more than a minute fail the test.</summary>
    public static async Task<(string Out, string Error)> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var (code, output, error) = await TryAsync(program, arguments, cancellationToken);
        Assert.True(code == 0, $"{program} ended with {code}: {error}");
        return (output, error);
    }

    /// <summary>As <see cref="RunAsync"/>, where the exit code is what is to be tested.</summary>
    /// <param name="patience">A minute, unless the program is known to take longer.</param>
    public static async Task<(int Code, string Out, string Error)> TryAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
            },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            Assert.Fail($"{program} cannot be started ({e.Message}); install the Debian package {PackageOf(program)}");
        }

        process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(
            patience ?? TimeSpan.FromMinutes(1), TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(either.Token);
            var error = process.StandardError.ReadToEndAsync(either.Token);
            await process.WaitForExitAsync(either.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static string PackageOf(string program) => program switch
    {
        "ffprobe" => "ffmpeg",
        "gst-launch-1.0" => "gstreamer1.0-tools (and gstreamer1.0-plugins-base, -good, -bad, -ugly)",
        _ => program,
    };
}
