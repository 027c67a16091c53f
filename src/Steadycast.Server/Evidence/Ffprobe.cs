using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Steadycast.Server.Evidence;

/// <summary>A judge that is not ours: decodes every frame of the joined segments, where it is installed.</summary>
internal sealed class Ffprobe(string program, TimeProvider time)
{
    /// <summary>An hour of 1080p decodes in about this time; what takes longer is cut off and said so.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    private const int MaxComplaintLines = 200;

    /// <summary>Writes what it says of each file, with the command that said it.</summary>
    /// <returns>One line.</returns>
    public async Task<string> ReportAsync(
        string reportFile, string folder, IEnumerable<string> files, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var complaints = 0;
        foreach (var file in files)
        {
            string[] arguments =
                ["-v", "warning", "-count_frames", "-show_format", "-show_streams", "-of", "json", file];
            text.Append($"$ ffprobe {string.Join(' ', arguments)}\n");
            try
            {
                complaints += await RunAsync(text, folder, arguments, cancellationToken);
            }
            catch (Win32Exception)
            {
                const string Absent = "ffprobe is not installed: the joined segments were not probed";
                await File.WriteAllTextAsync(reportFile, Absent + "\n", cancellationToken);
                return Absent;
            }
        }

        await File.WriteAllTextAsync(reportFile, text.ToString(), cancellationToken);
        return complaints == 0 ? "ffprobe has no complaint" : $"ffprobe complains {complaints} times (ffprobe.txt)";
    }

    /// <returns>How many lines of complaint there were.</returns>
    private async Task<int> RunAsync(
        StringBuilder text, string folder, string[] arguments, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(either.Token);
            var errors = process.StandardError.ReadToEndAsync(either.Token);
            await process.WaitForExitAsync(either.Token);
            var complaints = (await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            foreach (var line in complaints.Take(MaxComplaintLines))
                text.Append(line).Append('\n');
            if (process.ExitCode != 0)
                text.Append($"ffprobe ended with exit code {process.ExitCode}\n");
            text.Append(await output).Append('\n');
            return complaints.Length + (process.ExitCode != 0 ? 1 : 0);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            text.Append(cancellationToken.IsCancellationRequested
                ? "stopped before its end\n"
                : $"cut off after {Deadline.TotalMinutes:0} minutes\n");
            return 1;
        }
    }
}
