using System.Globalization;

namespace Steadycast.Server.Faults;

internal enum FaultKind
{
    /// <summary><c>none</c></summary>
    None,

    /// <summary><c>slow 1500</c>: every answer below /hls/ comes so many milliseconds later.</summary>
    Slow,

    /// <summary><c>status 503</c>: media is answered with this status.</summary>
    Status,

    /// <summary><c>corrupt</c>: one bit of each piece of media is another; its length is right.</summary>
    Corrupt,

    /// <summary><c>truncate</c>: each piece of media ends in the middle, and the connection with it.</summary>
    Truncate,

    /// <summary><c>cut-feed</c>: a packager's connections to its ingest break, and none can be made.</summary>
    CutFeed,

    /// <summary><c>full-disk</c>: no file of this process can grow.</summary>
    FullDisk,

    /// <summary><c>clock 3600</c>: the wall clock is so many seconds ahead; monotonic time is as ever.</summary>
    Clock,
}

/// <summary>What a process is to do wrong: one line on its standard input.</summary>
/// <param name="Value">Milliseconds, a status or seconds; 0 where the kind needs none.</param>
internal sealed record Fault(FaultKind Kind, int Value = 0)
{
    /// <returns>Null for what is not a fault.</returns>
    public static Fault? Parse(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var value = 0;
        var hasValue = words.Length == 2 &&
            int.TryParse(words[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        return (words.FirstOrDefault(), words.Length) switch
        {
            ("none", 1) => new Fault(FaultKind.None),
            ("corrupt", 1) => new Fault(FaultKind.Corrupt),
            ("truncate", 1) => new Fault(FaultKind.Truncate),
            ("cut-feed", 1) => new Fault(FaultKind.CutFeed),
            ("full-disk", 1) => new Fault(FaultKind.FullDisk),
            ("slow", 2) when hasValue && value is > 0 and <= 60_000 => new Fault(FaultKind.Slow, value),
            ("status", 2) when hasValue && value is >= 400 and <= 599 => new Fault(FaultKind.Status, value),
            ("clock", 2) when hasValue && value != 0 => new Fault(FaultKind.Clock, value),
            _ => null,
        };
    }
}
