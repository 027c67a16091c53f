using System.Collections.Immutable;
using System.Globalization;

namespace Steadycast.Protocols.Amf;

/// <summary>
/// One named value of an object, in wire order; names may repeat on the wire and are kept as they came.
/// </summary>
public readonly record struct Amf0Property(string Name, Amf0Value Value);

/// <summary>One AMF 0 value; immutable, compared by content.</summary>
public sealed class Amf0Value : IEquatable<Amf0Value>
{
    public static readonly Amf0Value Null = new(Amf0Kind.Null);
    public static readonly Amf0Value Undefined = new(Amf0Kind.Undefined);
    public static readonly Amf0Value Unsupported = new(Amf0Kind.Unsupported);
    public static readonly Amf0Value True = new(Amf0Kind.Boolean) { Number = 1 };
    public static readonly Amf0Value False = new(Amf0Kind.Boolean);

    private Amf0Value(Amf0Kind kind) => Kind = kind;

    public Amf0Kind Kind { get; }

    /// <summary>
    /// Number: itself; Boolean: 1 or 0; Date: milliseconds since 1970 UTC; Reference: the index; otherwise 0.
    /// </summary>
    public double Number { get; private init; }

    /// <summary>String and Xml: the text; TypedObject: the class name; otherwise empty.</summary>
    public string Text { get; private init; } = "";

    /// <summary>Object, TypedObject and EcmaArray: the members in wire order; otherwise empty.</summary>
    public ImmutableArray<Amf0Property> Properties { get; private init; } = [];

    /// <summary>StrictArray: the elements; otherwise empty.</summary>
    public ImmutableArray<Amf0Value> Items { get; private init; } = [];

    /// <summary>The first member of that name; <see cref="Undefined"/> when there is none.</summary>
    public Amf0Value this[string name]
    {
        get
        {
            foreach (Amf0Property property in Properties)
            {
                if (property.Name == name)
                    return property.Value;
            }

            return Undefined;
        }
    }

    public bool IsString => Kind == Amf0Kind.String;
    public bool IsNumber => Kind == Amf0Kind.Number;

    public static Amf0Value Of(double number) => new(Amf0Kind.Number) { Number = number };

    public static Amf0Value Of(bool value) => value ? True : False;

    public static Amf0Value Of(string text) => new(Amf0Kind.String) { Text = text };

    public static Amf0Value Xml(string text) => new(Amf0Kind.Xml) { Text = text };

    public static Amf0Value Date(double unixMilliseconds) => new(Amf0Kind.Date) { Number = unixMilliseconds };

    /// <summary>
    /// The n-th object or array of the same message, counted from 0. Kept as it stands and never followed: no command
    /// needs one, and followed references turn a small message into a large or endless one.
    /// </summary>
    public static Amf0Value Reference(ushort index) => new(Amf0Kind.Reference) { Number = index };

    public static Amf0Value Object(params ImmutableArray<Amf0Property> properties) =>
        new(Amf0Kind.Object) { Properties = properties };

    public static Amf0Value Typed(string className, params ImmutableArray<Amf0Property> properties) =>
        new(Amf0Kind.TypedObject) { Text = className, Properties = properties };

    public static Amf0Value EcmaArray(params ImmutableArray<Amf0Property> properties) =>
        new(Amf0Kind.EcmaArray) { Properties = properties };

    public static Amf0Value StrictArray(params ImmutableArray<Amf0Value> items) =>
        new(Amf0Kind.StrictArray) { Items = items };

    public static implicit operator Amf0Value(double number) => Of(number);

    public static implicit operator Amf0Value(string text) => Of(text);

    public static implicit operator Amf0Value(bool value) => Of(value);

    public bool Equals(Amf0Value? other) =>
        other is not null
        && Kind == other.Kind
        && Number.Equals(other.Number)
        && Text == other.Text
        && Properties.SequenceEqual(other.Properties)
        && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => Equals(obj as Amf0Value);

    public override int GetHashCode() => HashCode.Combine(Kind, Number, Text, Properties.Length, Items.Length);

    public override string ToString() => Kind switch
    {
        Amf0Kind.Number or Amf0Kind.Date => Number.ToString(CultureInfo.InvariantCulture),
        Amf0Kind.Boolean => Number == 0 ? "false" : "true",
        Amf0Kind.String or Amf0Kind.Xml => Text,
        Amf0Kind.Reference => $"#{Number}",
        Amf0Kind.StrictArray => $"[{string.Join(", ", Items)}]",
        Amf0Kind.Object or Amf0Kind.EcmaArray or Amf0Kind.TypedObject =>
            $"{Text}{{{string.Join(", ", Properties.Select(p => $"{p.Name}: {p.Value}"))}}}",
        _ => Kind.ToString(),
    };
}
