using System.Globalization;
using System.Text;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

/// <summary>The tables of the reference page, made from the options records.</summary>
internal static class ConfigReference
{
    public static string Tables()
    {
        var page = new StringBuilder();
        foreach (var section in OptionsShape.Of(typeof(SteadycastOptions)).Properties)
            Section(page, section.Key, section.Type);
        return page.ToString();
    }

    private static void Section(StringBuilder page, string path, Type type)
    {
        page.Append($"## {path}\n\n{OptionsDoc.Of(type)}\n\n| key | value | default | meaning |\n|---|---|---|---|\n");
        var shape = OptionsShape.Of(type);
        foreach (var property in shape.Properties)
            page.Append($"| `{property.Key}` | {Value(property)} | {Default(property)} | {Meaning(property)} |\n");
        page.Append('\n');
        foreach (var nested in shape.Properties)
        {
            if (nested.Kind == ValueKind.Section)
                Section(page, $"{path}.{nested.Key}", nested.Type);
            else if (nested.ElementType is { } element && ValueKinds.Of(element, nested.Key) == ValueKind.Section)
                Section(page, $"{path}.{nested.Key}[]", element);
        }
    }

    private static string Value(OptionsProperty property) => property.Kind switch
    {
        ValueKind.Text => "text",
        ValueKind.Flag => "`true`, `false`",
        ValueKind.Integer => "whole number" + Range(property),
        ValueKind.Number => "number" + Range(property),
        ValueKind.Duration => "duration",
        ValueKind.Size => "size" + SizeRange(property),
        ValueKind.Choice => string.Join(", ", ScalarReader.Choices(property.Type).Keys.Select(k => $"`{k}`")),
        ValueKind.Section => "section",
        _ => "list",
    };

    private static string Range(OptionsProperty property) => property.Range is { } range
        ? $", {ScalarReader.Write(range.Minimum)} to {ScalarReader.Write(range.Maximum)}"
        : "";

    private static string SizeRange(OptionsProperty property)
    {
        static string Size(object bound) =>
            ScalarReader.WriteSize(Convert.ToInt64(bound, CultureInfo.InvariantCulture));
        return property.Range is { } range ? $", {Size(range.Minimum)} to {Size(range.Maximum)}" : "";
    }

    private static string Default(OptionsProperty property)
    {
        if (property.IsRequired)
            return "required";
        if (property.Kind is ValueKind.List)
            return "empty";
        if (property is { Kind: ValueKind.Size, Default: not null })
            return $"`{ScalarReader.WriteSize(Convert.ToInt64(property.Default, CultureInfo.InvariantCulture))}`";
        return property.Default is null || property.Kind is ValueKind.Section
            ? ""
            : $"`{ScalarReader.Write(property.Default)}`";
    }

    private static string Meaning(OptionsProperty property)
    {
        var meaning = OptionsDoc.Of(property);
        if (property.Kind == ValueKind.Choice)
        {
            var choices = Enum.GetNames(property.Type)
                .Select(n => (Name: n, Doc: OptionsDoc.OfChoice(property.Type, n)))
                .Where(c => c.Doc.Length > 0)
                .Select(c => $"`{System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(c.Name)}`: {c.Doc}");
            meaning = string.Join(' ', choices.Prepend(meaning));
        }

        return meaning.Replace("|", @"\|", StringComparison.Ordinal);
    }
}
