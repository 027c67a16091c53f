using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Steadycast.Server.Configuration;

/// <summary>
/// Reads a YAML or JSON file (JSON is YAML) into nodes that know their lines. The only user of YamlDotNet.
/// </summary>
internal static class ConfigFile
{
    /// <summary>No configuration is this large; a device or a video handed over by mistake is.</summary>
    private const int MaxFileBytes = 1 << 20;

    /// <summary>Bounds what YAML aliases can unfold to.</summary>
    private const int MaxNodes = 50_000;

    private const int MaxDepth = 32;

    /// <summary>The root of <paramref name="path"/>, or null with at least one fault added.</summary>
    public static ConfigMap? Read(string path, List<ConfigFault> faults)
    {
        string text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxFileBytes })
            {
                faults.Add(
                    new ConfigFault("", ConfigSource.None, $"{path} is larger than 1 MiB", "is it a configuration?"));
                return null;
            }

            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var why = e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : e.Message;
            faults.Add(new ConfigFault("", ConfigSource.None, $"{path} cannot be read: {why}", "name a file that can"));
            return null;
        }

        return Parse(text, faults);
    }

    public static ConfigMap? Parse(string text, List<ConfigFault> faults)
    {
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            if (yaml.Documents.Count == 0)
                return new ConfigMap(ConfigSource.AtLine(1));
            if (yaml.Documents.Count > 1)
            {
                var second = ConfigSource.AtLine(yaml.Documents[1].RootNode.Start.Line);
                faults.Add(
                    new ConfigFault("", second, "a second document begins here", "keep one; remove the --- line"));
            }

            var budget = MaxNodes;
            var root = yaml.Documents[0].RootNode;
            switch (Convert(root, root.Start.Line, MaxDepth, ref budget))
            {
                case ConfigMap map:
                    return map;
                case ConfigScalar { Text: null }:
                    return new ConfigMap(ConfigSource.AtLine(1));
                case var other:
                    faults.Add(
                        new ConfigFault(
                            "", other.Source, "the file is not a set of sections", "begin with a role: switch:"));
                    return null;
            }
        }
        catch (YamlException e)
        {
            var reason = e.InnerException?.Message ?? e.Message;
            faults.Add(
                new ConfigFault(
                    "", ConfigSource.AtLine(e.Start.Line), $"this is not YAML: {Sentence(reason)}", "mend the line"));
            return null;
        }
    }

    private static ConfigNode Convert(YamlNode node, long line, int depth, ref int budget)
    {
        if (depth == 0 || budget-- == 0)
            throw new YamlException(node.Start, node.End, "nested or repeated too often for a configuration");
        var source = ConfigSource.AtLine(line);
        switch (node)
        {
            case YamlMappingNode mapping:
                var map = new ConfigMap(source);
                foreach (var (key, value) in mapping.Children)
                {
                    // The key's line, not the value's: a nested section begins where its name stands.
                    var name = key is YamlScalarNode { Value: { } text }
                        ? text
                        : throw new YamlException(key.Start, key.End, "a key is not a word");
                    map.Entries[name] = Convert(value, key.Start.Line, depth - 1, ref budget);
                }

                return map;
            case YamlSequenceNode sequence:
                var list = new ConfigList(source);
                foreach (var item in sequence.Children)
                    list.Items.Add(Convert(item, item.Start.Line, depth - 1, ref budget));
                return list;
            case YamlScalarNode scalar:
                return new ConfigScalar(IsNull(scalar) ? null : scalar.Value, source);
            default:
                throw new YamlException(node.Start, node.End, "an unknown kind of value");
        }
    }

    private static bool IsNull(YamlScalarNode scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null" or "Null" or "NULL";

    private static string Sentence(string text) => text.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
