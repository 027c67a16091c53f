using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;

namespace Steadycast.Server.Configuration;

/// <summary>What an options record asks for: the binder, the schema and the reference page all read this.</summary>
internal sealed class OptionsShape
{
    private static readonly ConcurrentDictionary<Type, OptionsShape> Known = new();

    private readonly ConstructorInfo _constructor;

    private OptionsShape(Type type)
    {
        Type = type;
        _constructor = type.GetConstructors()
            .Where(c => c.GetParameters() is not [{ } only] || only.ParameterType != type)
            .OrderBy(c => c.GetParameters().Length)
            .First();
        var parameters = _constructor.GetParameters();
        var nullability = new NullabilityInfoContext();
        var defaults = parameters.Length == 0 ? _constructor.Invoke(null) : null;
        Properties =
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(p => p.CanWrite)
                .Select(p => new OptionsProperty(
                    p,
                    Array.Find(parameters, x => x.Name == p.Name),
                    nullability.Create(p).WriteState == NullabilityState.Nullable,
                    defaults is null ? null : p.GetValue(defaults))),
        ];
    }

    public Type Type { get; }

    public IReadOnlyList<OptionsProperty> Properties { get; }

    public static OptionsShape Of(Type type) => Known.GetOrAdd(type, static t => new OptionsShape(t));

    /// <summary>An instance with <paramref name="values"/>; what is not among them keeps its default.</summary>
    public object Create(IReadOnlyDictionary<OptionsProperty, object?> values)
    {
        var arguments = _constructor.GetParameters().Select(p =>
            Properties.FirstOrDefault(x => x.Parameter == p) is { } property
            && values.TryGetValue(property, out var value) ? value : p.HasDefaultValue ? p.DefaultValue : null);
        var instance = _constructor.Invoke([.. arguments]);
        foreach (var (property, value) in values)
        {
            if (property.Parameter is null)
                property.Info.SetValue(instance, value);
        }

        return instance;
    }
}

/// <summary>One key of a section.</summary>
/// <param name="Info">The property behind it.</param>
/// <param name="Parameter">Its constructor parameter, in a positional record.</param>
/// <param name="IsNullable">Whether it may be absent without having a default.</param>
/// <param name="Default">The default; null when there is none.</param>
internal sealed record OptionsProperty(PropertyInfo Info, ParameterInfo? Parameter, bool IsNullable, object? Default)
{
    /// <summary>As written in the file: snake_case.</summary>
    public string Key { get; } = JsonNamingPolicy.SnakeCaseLower.ConvertName(Info.Name);

    /// <summary>Without its Nullable.</summary>
    public Type Type { get; } = Nullable.GetUnderlyingType(Info.PropertyType) ?? Info.PropertyType;

    public ValueKind Kind { get; } = ValueKinds.Of(Info.PropertyType, Info.Name);

    public Type? ElementType => ValueKinds.ElementOf(Type);

    public bool IsRequired =>
        Info.GetCustomAttribute<RequiredAttribute>() is not null
        || (Parameter is { HasDefaultValue: false } && !IsNullable && Kind != ValueKind.List);

    public RangeAttribute? Range => Info.GetCustomAttribute<RangeAttribute>();

    /// <summary>Whether the value never appears in a message.</summary>
    public bool IsSecret => ElementType is null
        && (Info.Name.EndsWith("Key", StringComparison.Ordinal)
            || Info.Name.EndsWith("Secret", StringComparison.Ordinal)
            || Info.Name.EndsWith("Password", StringComparison.Ordinal)
            || Info.Name.EndsWith("Token", StringComparison.Ordinal));
}
