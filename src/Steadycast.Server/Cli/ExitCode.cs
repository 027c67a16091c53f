namespace Steadycast.Server.Cli;

/// <summary>What the shell is told.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The answer is no: a faulty file, a seam, something in the way that one line has named.</summary>
    public const int No = 1;

    /// <summary>The command line was not understood (EX_USAGE of sysexits.h).</summary>
    public const int Usage = 64;
}
