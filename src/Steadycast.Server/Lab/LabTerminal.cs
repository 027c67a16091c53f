namespace Steadycast.Server.Lab;

/// <summary>Lines of all boxes on one terminal, each under its box's name in a colour of its own.</summary>
internal sealed class LabTerminal(TextWriter output, bool colour)
{
    private static readonly string[] Colours = ["36", "32", "92", "34", "94", "35", "33", "37"];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _colourOf = new(StringComparer.Ordinal);

    public void Line(string name, string text)
    {
        lock (_gate)
        {
            if (!_colourOf.TryGetValue(name, out var own))
                _colourOf[name] = own = Colours[_colourOf.Count % Colours.Length];
            var padded = name.PadRight(16);
            output.WriteLine(colour ? $"\e[{own}m{padded}\e[0m {text}" : $"{padded} {text}");
        }
    }

    /// <summary>The supervisor's own words.</summary>
    public void Say(string text)
    {
        lock (_gate)
            output.WriteLine(colour ? $"\e[1m{text}\e[0m" : text);
    }
}
