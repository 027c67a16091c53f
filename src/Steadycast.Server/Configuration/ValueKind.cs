namespace Steadycast.Server.Configuration;

/// <summary>How a value is written in the file.</summary>
internal enum ValueKind
{
    Text,
    Flag,
    Integer,
    Number,

    /// <summary><c>30s</c>, <c>5m</c>, <c>1h30m</c>, <c>200ms</c>.</summary>
    Duration,

    /// <summary><c>64KiB</c>: an integer property whose name ends in Bytes.</summary>
    Size,

    /// <summary>One of an enum's names, in snake_case.</summary>
    Choice,
    List,

    /// <summary>A nested options record.</summary>
    Section,
}

internal static class ValueKinds
{
    public static ValueKind Of(Type declared, string name)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (type == typeof(string))
            return ValueKind.Text;
        if (type == typeof(bool))
            return ValueKind.Flag;
        if (type == typeof(TimeSpan))
            return ValueKind.Duration;
        if (type == typeof(int) || type == typeof(long))
            return name.EndsWith("Bytes", StringComparison.Ordinal) ? ValueKind.Size : ValueKind.Integer;
        if (type == typeof(double))
            return ValueKind.Number;
        if (type.IsEnum)
            return ValueKind.Choice;
        if (ElementOf(type) is not null)
            return ValueKind.List;
        return type.IsClass
            ? ValueKind.Section
            : throw new NotSupportedException($"{name}: the configuration file has no form for {type.Name}.");
    }

    public static Type? ElementOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
            ? type.GetGenericArguments()[0]
            : null;
}
