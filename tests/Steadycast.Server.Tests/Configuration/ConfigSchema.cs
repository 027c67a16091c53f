using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

/// <summary>
/// The JSON schema of the configuration file, made from the options records: what an editor completes from.
/// </summary>
internal static class ConfigSchema
{
    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Text()
    {
        var schema = Section(typeof(SteadycastOptions));
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", "Steadycast configuration");
        return schema.ToJsonString(Format).ReplaceLineEndings("\n") + "\n";
    }

    private static JsonObject Section(Type type)
    {
        var shape = OptionsShape.Of(type);
        var properties = new JsonObject();
        foreach (var property in shape.Properties)
            properties[property.Key] = Property(property);
        var section = new JsonObject
        {
            ["description"] = OptionsDoc.Of(type),
            ["type"] = new JsonArray("object", "null"),
            ["properties"] = properties,
            ["additionalProperties"] = false,
        };
        var required = shape.Properties.Where(p => p.IsRequired).Select(p => (JsonNode)p.Key).ToArray();
        if (required.Length > 0)
            section["required"] = new JsonArray(required);
        return section;
    }

    private static JsonObject Property(OptionsProperty property)
    {
        var value = property.Kind switch
        {
            ValueKind.Section => Section(property.Type),
            ValueKind.List => List(property),
            _ => Scalar(property.Type, property.Kind),
        };
        value["description"] = OptionsDoc.Of(property);
        if (property.Default is not null and not "" && property.Kind is not (ValueKind.Section or ValueKind.List))
            value["default"] = Default(property);
        if (property.Range is { } range && value["anyOf"] is JsonArray forms)
        {
            forms[0]!["minimum"] = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
            forms[0]!["maximum"] = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
        }

        return value;
    }

    private static JsonObject List(OptionsProperty property)
    {
        var element = property.ElementType!;
        var kind = ValueKinds.Of(element, property.Info.Name);
        return new JsonObject
        {
            ["type"] = kind == ValueKind.Section
                ? new JsonArray("array", "null") : new JsonArray("array", "string", "null"),
            ["items"] = kind == ValueKind.Section ? Section(element) : Scalar(element, kind),
        };
    }

    private static JsonObject Scalar(Type type, ValueKind kind) => kind switch
    {
        ValueKind.Text => new JsonObject { ["type"] = "string" },
        ValueKind.Flag => WithText(new JsonObject { ["type"] = "boolean" }),
        ValueKind.Integer => WithText(new JsonObject { ["type"] = "integer" }),
        ValueKind.Number => WithText(new JsonObject { ["type"] = "number" }),
        ValueKind.Choice =>
            new JsonObject { ["enum"] = new JsonArray([.. ScalarReader.Choices(type).Keys.Select(k => (JsonNode)k)]) },
        ValueKind.Duration =>
            new JsonObject { ["type"] = "string", ["pattern"] = @"^(\d+(\.\d+)?(ms|s|m|h|d))+$|^\$\{|^file:" },
        ValueKind.Size => new JsonObject { ["type"] = new JsonArray("integer", "string") },
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Any value may come from a variable or a file.</summary>
    private static JsonObject WithText(JsonObject form) => new()
    {
        ["anyOf"] = new JsonArray(form, new JsonObject { ["type"] = "string", ["pattern"] = @"^\$\{|^file:" }),
    };

    private static JsonNode? Default(OptionsProperty property) => property.Kind switch
    {
        ValueKind.Flag => (bool)property.Default!,
        ValueKind.Integer => Convert.ToInt64(property.Default, CultureInfo.InvariantCulture),
        ValueKind.Number => Convert.ToDouble(property.Default, CultureInfo.InvariantCulture),
        _ => ScalarReader.Write(property.Default),
    };
}
