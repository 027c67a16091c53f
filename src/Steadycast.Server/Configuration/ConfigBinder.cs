using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Steadycast.Server.Configuration;

/// <summary>Nodes to options records; collects every fault instead of stopping at the first.</summary>
internal sealed class ConfigBinder(IReadOnlyDictionary<string, string> environment, List<ConfigFault> faults)
{
    /// <summary>Where each bound key was written, for checks that look at more than one key.</summary>
    public Dictionary<string, ConfigSource> Sources { get; } = new(StringComparer.Ordinal);

    /// <summary>A record of <paramref name="type"/>; faulty keys keep their defaults.</summary>
    /// <param name="ignored">Keys that someone else has answered already.</param>
    public object BindSection(ConfigMap map, Type type, string path, IReadOnlySet<string>? ignored = null)
    {
        Sources[path] = map.Source;
        var shape = OptionsShape.Of(type);
        var values = new Dictionary<OptionsProperty, object?>();
        foreach (var (key, node) in map.Entries)
        {
            if (ignored?.Contains(key) == true)
                continue;
            var property = shape.Properties.FirstOrDefault(p => p.Key == key);
            if (property is null)
                AddUnknown(key, node, path, shape);
            else if (BindValue(node, property, Join(path, key), out var value))
                values[property] = value;
        }

        foreach (var missing in shape.Properties.Where(p => p.IsRequired && !map.Entries.ContainsKey(p.Key)))
            faults.Add(new ConfigFault(Join(path, missing.Key), map.Source, "is missing", $"add {missing.Key}:"));
        return shape.Create(values);
    }

    private bool BindValue(ConfigNode node, OptionsProperty property, string path, out object? value)
    {
        Sources[path] = node.Source;
        value = null;
        switch (property.Kind)
        {
            case ValueKind.Section:
                value = BindNested(node, property.Type, path);
                break;
            case ValueKind.List:
                value = BindList(node, property, path);
                break;
            case var _ when node is ConfigScalar { Text: null }:
                return false;
            default:
                value = BindScalar(node, property.Type, property.Kind, property.IsSecret, path);
                break;
        }

        return value is not null && IsValid(value, property, path, node.Source);
    }

    private object? BindNested(ConfigNode node, Type type, string path)
    {
        switch (node)
        {
            case ConfigMap map:
                return BindSection(map, type, path);
            case ConfigScalar { Text: null }:
                return BindSection(new ConfigMap(node.Source), type, path);
            default:
                faults.Add(
                    new ConfigFault(
                        path, node.Source, "is a section, not a value", "write its keys below it, indented"));
                return null;
        }
    }

    private object? BindList(ConfigNode node, OptionsProperty property, string path)
    {
        var element = property.ElementType!;
        var kind = ValueKinds.Of(element, property.Info.Name);
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
        if (node is ConfigScalar { Text: null })
            return list;
        // One word is a list of one; the environment has commas between several.
        if (node is ConfigScalar text && kind != ValueKind.Section)
        {
            var split = new ConfigList(node.Source);
            string[] parts = node.Source.IsText
                ? text.Text!.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                : [text.Text!];
            split.Items.AddRange(parts.Select(p => new ConfigScalar(p, node.Source)));
            node = split;
        }

        if (node is not ConfigList items)
        {
            faults.Add(
                new ConfigFault(
                    path, node.Source, "is a list, not a single value", "write each entry after a dash: - entry"));
            return null;
        }

        for (var i = 0; i < items.Items.Count; i++)
        {
            var itemPath = $"{path}[{i}]";
            var item = kind == ValueKind.Section
                ? BindNested(items.Items[i], element, itemPath)
                : BindScalar(items.Items[i], element, kind, isSecret: false, itemPath);
            if (item is not null)
                list.Add(item);
        }

        return list;
    }

    private object? BindScalar(ConfigNode node, Type type, ValueKind kind, bool isSecret, string path)
    {
        if (node is not ConfigScalar { Text: { } written })
        {
            faults.Add(
                new ConfigFault(
                    path, node.Source, "is a single value, not a list or a section",
                    "write one value after the colon"));
            return null;
        }

        if (Secrets.Resolve(written, environment, out var fetched, out var secretFault) is not { } text)
        {
            faults.Add(new ConfigFault(path, node.Source, secretFault!.Value.Message, secretFault.Value.NextStep));
            return null;
        }

        var value = ScalarReader.Read(text, type, kind, out var fault, out var nextStep);
        if (value is null)
        {
            var shown = fetched || isSecret ? "the value" : $"\"{text}\"";
            faults.Add(new ConfigFault(path, node.Source, $"{shown} {fault}", nextStep!));
        }

        return value;
    }

    private bool IsValid(object value, OptionsProperty property, string path, ConfigSource source)
    {
        var before = faults.Count;
        foreach (var rule in property.Info.GetCustomAttributes<ValidationAttribute>())
        {
            if (rule.IsValid(value))
                continue;
            faults.Add(rule switch
            {
                RangeAttribute range => new ConfigFault(path, source,
                    $"{Shown(value, property)} is out of range",
                    $"write a value from {Shown(range.Minimum, property)} to {Shown(range.Maximum, property)}"),
                RequiredAttribute => new ConfigFault(path, source, "is empty", "write a value"),
                _ => new ConfigFault(
                    path, source, rule.FormatErrorMessage(property.Key).TrimEnd('.'), "see the reference page"),
            });
        }

        return faults.Count == before;
    }

    private static string Shown(object value, OptionsProperty property) => property.Kind == ValueKind.Size
        ? ScalarReader.WriteSize(Convert.ToInt64(value, CultureInfo.InvariantCulture))
        : ScalarReader.Write(value);

    private void AddUnknown(string key, ConfigNode node, string path, OptionsShape shape)
    {
        var nearest = NearestKey.Find(key, shape.Properties.Select(p => p.Key));
        var nextStep = nearest is null
            ? "the keys here are " + string.Join(", ", shape.Properties.Select(p => p.Key))
            : $"did you mean {nearest}?";
        faults.Add(new ConfigFault(Join(path, key), node.Source, "is not a known key", nextStep));
    }

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
