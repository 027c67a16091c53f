using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Steadycast.Server.Configuration;

/// <summary>Text of the file to values: numbers, durations, sizes, choices.</summary>
internal static partial class ScalarReader
{
    /// <summary>The value, or null with what is wrong and what to write instead.</summary>
    public static object? Read(string text, Type type, ValueKind kind, out string? fault, out string? nextStep)
    {
        (fault, nextStep) = (null, null);
        switch (kind)
        {
            case ValueKind.Text:
                return text;
            case ValueKind.Flag:
                if (text is "true" or "false")
                    return text == "true";
                (fault, nextStep) = ("is neither true nor false", "write true or false");
                return null;
            case ValueKind.Integer or ValueKind.Size:
                if (!TryReadInteger(text, type, kind, out var whole, out fault, out nextStep))
                    return null;
                return type == typeof(long) ? whole : (object)(int)whole;
            case ValueKind.Number:
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                    && double.IsFinite(number))
                    return number;
                (fault, nextStep) = ("is not a number", "write a number such as 0.5");
                return null;
            case ValueKind.Duration:
                if (TryReadDuration(text, out var duration))
                    return duration;
                (fault, nextStep) = ("is not a duration", "write a number with its unit: 500ms, 30s, 5m, 1h30m");
                return null;
            case ValueKind.Choice:
                if (Choices(type).TryGetValue(text, out var choice))
                    return choice;
                fault = "is not one of the choices";
                nextStep = "write " + string.Join(", ", Choices(type).Keys);
                return null;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a single value.");
        }
    }

    /// <summary>The names of an enum as the file has them.</summary>
    public static IReadOnlyDictionary<string, object> Choices(Type type) =>
        Enum.GetNames(type)
            .ToDictionary(
                JsonNamingPolicy.SnakeCaseLower.ConvertName, n => Enum.Parse(type, n), StringComparer.Ordinal);

    /// <summary>As the file would have it; for the schema, the reference page and messages.</summary>
    public static string Write(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        Enum choice => JsonNamingPolicy.SnakeCaseLower.ConvertName(choice.ToString()),
        TimeSpan duration => WriteDuration(duration),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>A size in the largest unit that it is a multiple of.</summary>
    public static string WriteSize(long bytes) => bytes switch
    {
        > 0 when bytes % (1L << 30) == 0 => $"{bytes >> 30}GiB",
        > 0 when bytes % (1L << 20) == 0 => $"{bytes >> 20}MiB",
        > 0 when bytes % (1L << 10) == 0 => $"{bytes >> 10}KiB",
        _ => Write(bytes),
    };

    private static bool TryReadInteger(
        string text, Type type, ValueKind kind, out long number, out string? fault, out string? nextStep)
    {
        (fault, nextStep) = (null, null);
        if (kind == ValueKind.Size)
        {
            if (!TryReadSize(text, out number))
            {
                (fault, nextStep) = ("is not a size", "write a number of bytes, or one with its unit: 64KiB, 16MiB");
                return false;
            }
        }
        else if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            (fault, nextStep) = ("is not a whole number", "write a whole number such as 60");
            return false;
        }

        if (type == typeof(long) || number is >= int.MinValue and <= int.MaxValue)
            return true;
        (fault, nextStep) = ("is too large", "write a number below 2147483648");
        return false;
    }

    private static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var match = DurationForm().Match(text);
        if (!match.Success || text.Length == 0)
            return false;
        var seconds = Part(match, "d") * 86400 + Part(match, "h") * 3600 + Part(match, "m") * 60 + Part(match, "s")
            + Part(match, "ms") / 1000;
        if (seconds > TimeSpan.MaxValue.TotalSeconds / 2)
            return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static double Part(Match match, string group) =>
        match.Groups[group] is { Success: true, Value: var value }
            ? double.Parse(value, CultureInfo.InvariantCulture)
            : 0;

    private static bool TryReadSize(string text, out long bytes)
    {
        bytes = 0;
        var match = SizeForm().Match(text);
        if (!match.Success
            || !long.TryParse(match.Groups["n"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;
        long unit = match.Groups["unit"].Value switch
        {
            "KiB" => 1L << 10,
            "MiB" => 1L << 20,
            "GiB" => 1L << 30,
            "KB" or "kB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => 1,
        };
        if (number > long.MaxValue / unit)
            return false;
        bytes = number * unit;
        return true;
    }

    private static string WriteDuration(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } => $"{duration.TotalMilliseconds:0.###}ms",
        { TotalMinutes: < 2 } or { Seconds: not 0 } => $"{duration.TotalSeconds:0.###}s",
        { TotalHours: < 2 } or { Minutes: not 0 } => $"{duration.TotalMinutes:0}m",
        _ => $"{duration.TotalHours:0}h",
    };

    [GeneratedRegex(
        @"^((?<d>\d{1,9})d)?((?<h>\d{1,9})h)?((?<m>\d{1,9})m(?!s))?((?<s>\d{1,9}(\.\d{1,6})?)s)?((?<ms>\d{1,9})ms)?$",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DurationForm();

    [GeneratedRegex(
        @"^(?<n>\d{1,18})\s?(?<unit>KiB|MiB|GiB|kB|KB|MB|GB|B)?$", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex SizeForm();
}
