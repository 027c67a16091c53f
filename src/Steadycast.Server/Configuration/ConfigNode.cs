namespace Steadycast.Server.Configuration;

/// <summary>One value of the configuration before it has a type, and where it was written.</summary>
internal abstract class ConfigNode(ConfigSource source)
{
    public ConfigSource Source { get; } = source;
}

/// <summary>A value; null text is YAML's null, which means "as if it were not there".</summary>
internal sealed class ConfigScalar(string? text, ConfigSource source) : ConfigNode(source)
{
    public string? Text { get; } = text;
}

internal sealed class ConfigList(ConfigSource source) : ConfigNode(source)
{
    public List<ConfigNode> Items { get; } = [];
}

internal sealed class ConfigMap(ConfigSource source) : ConfigNode(source)
{
    public Dictionary<string, ConfigNode> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Lays <paramref name="value"/> over what stands at <paramref name="path"/>, making maps and lists on the way.
    /// </summary>
    /// <remarks>A number as a path step is a position in a list: existing, or the one after the last.</remarks>
    /// <returns>False when a position is past the end of its list.</returns>
    public bool Overlay(ReadOnlySpan<string> path, ConfigScalar value)
    {
        var key = path[0];
        if (path.Length == 1)
        {
            Entries[key] = value;
            return true;
        }

        var isPosition = int.TryParse(path[1], out var position) && position >= 0;
        if (!isPosition)
        {
            if (!Entries.TryGetValue(key, out var child) || child is not ConfigMap map)
                Entries[key] = map = new ConfigMap(value.Source);
            return map.Overlay(path[1..], value);
        }

        if (!Entries.TryGetValue(key, out var listed) || listed is not ConfigList list)
            Entries[key] = list = new ConfigList(value.Source);
        if (position > list.Items.Count)
            return false;
        if (position == list.Items.Count)
            list.Items.Add(path.Length == 2 ? value : new ConfigMap(value.Source));
        else if (path.Length == 2)
            list.Items[position] = value;
        if (path.Length == 2)
            return true;
        if (list.Items[position] is not ConfigMap item)
            list.Items[position] = item = new ConfigMap(value.Source);
        return item.Overlay(path[2..], value);
    }
}
