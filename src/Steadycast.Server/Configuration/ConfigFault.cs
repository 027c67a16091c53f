namespace Steadycast.Server.Configuration;

/// <summary>
/// One thing that is wrong with a configuration: which key, where it stands, what is wrong, what to do.
/// </summary>
/// <param name="Key">Dotted path: <c>switch.origins[1].url</c>; empty for the file as a whole.</param>
/// <param name="Source">Where the value, or the section that lacks it, was written.</param>
/// <param name="Message">What is wrong; never holds a secret's value.</param>
/// <param name="NextStep">What the operator does about it.</param>
internal sealed record ConfigFault(string Key, ConfigSource Source, string Message, string NextStep)
{
    public override string ToString()
    {
        var place = Source.ToString();
        var where = (Key.Length, place.Length) switch
        {
            (0, 0) => "",
            (0, _) => place + ": ",
            (_, 0) => Key + ": ",
            _ => $"{Key} ({place}): ",
        };
        return $"{where}{Message}; {NextStep}";
    }
}

/// <summary>Where a value was written: a line of the file, or a variable or flag by name.</summary>
/// <param name="Line">1-based line of the file; null when it is not from the file.</param>
/// <param name="Name"><c>environment variable X</c>, <c>--set</c>; null when it is from the file.</param>
internal readonly record struct ConfigSource(int? Line, string? Name)
{
    /// <summary>Nowhere in particular: a default, or the file as a whole.</summary>
    public static ConfigSource None => default;

    public static ConfigSource AtLine(long line) => new((int)line, null);

    public static ConfigSource Variable(string name) => new(null, "environment variable " + name);

    public static ConfigSource Flag(string key) => new(null, "--set " + key);

    /// <summary>Variables and flags hold text only, so a list is written with commas there.</summary>
    public bool IsText => Name is not null;

    public override string ToString() => Name ?? (Line is { } line ? $"line {line}" : "");
}
