using System.Text.RegularExpressions;
using System.Xml.Linq;
using Steadycast.Server.Configuration;

namespace Steadycast.Server.Tests.Configuration;

/// <summary>The doc comments of options, as plain text with back-quoted code.</summary>
internal static partial class OptionsDoc
{
    private static readonly Dictionary<string, XElement> Members = AppDomain.CurrentDomain.GetAssemblies()
        .Where(a => a.GetName().Name is "steadycast" or "Steadycast.Streaming" or "Steadycast.Protocols")
        .Append(typeof(SteadycastOptions).Assembly)
        .Append(typeof(SteadycastOptions).GetProperty("Switch")!.PropertyType.Assembly)
        .Distinct()
        .Select(a => XDocument.Load(Path.ChangeExtension(a.Location, ".xml")))
        .SelectMany(x => x.Descendants("member"))
        .ToDictionary(m => (string)m.Attribute("name")!, StringComparer.Ordinal);

    public static string Of(OptionsProperty property)
    {
        var type = property.Info.DeclaringType!;
        return property.Parameter is null
            ? Text(Find($"P:{Name(type)}.{property.Info.Name}")?.Element("summary"))
            : Text(Find($"T:{Name(type)}")?.Elements("param")
                .FirstOrDefault(p => (string?)p.Attribute("name") == property.Info.Name));
    }

    public static string Of(Type type) => Text(Find($"T:{Name(type)}")?.Element("summary"));

    public static string OfChoice(Type type, string name) => Text(Find($"F:{Name(type)}.{name}")?.Element("summary"));

    private static XElement? Find(string member) => Members.GetValueOrDefault(member);

    private static string Name(Type type) => type.FullName!.Replace('+', '.');

    private static string Text(XElement? element)
    {
        if (element is null)
            return "";
        foreach (var code in element.Descendants("c").ToArray())
            code.ReplaceWith(new XText($"`{code.Value}`"));
        foreach (var see in element.Descendants("see").ToArray())
            see.ReplaceWith(new XText(((string?)see.Attribute("cref") ?? "").Split('.')[^1]));
        return Spaces().Replace(element.Value.Trim(), " ");
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
