using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Amf;

namespace Steadycast.Protocols.Tests.Amf;

public sealed class Amf0Tests
{
    /// <summary>Value and bytes; the reader and the writer both must agree.</summary>
    public static TheoryData<string, Amf0Value, string> Values => new()
    {
        { "number", 3.5, "00 400C000000000000" },
        { "negative zero", -0.0, "00 8000000000000000" },
        { "not a number", double.NaN, "00 FFF8000000000000" },
        { "true", true, "01 01" },
        { "false", false, "01 00" },
        { "string", "live", "02 0004 6C697665" },
        { "empty string", "", "02 0000" },
        { "string of two-byte letters", "ção", "02 0005 C3A7C3A36F" },
        { "null", Amf0Value.Null, "05" },
        { "undefined", Amf0Value.Undefined, "06" },
        { "unsupported", Amf0Value.Unsupported, "0D" },
        { "reference", Amf0Value.Reference(258), "07 0102" },
        { "empty object", Amf0Value.Object(), "03 000009" },
        { "object", Amf0Value.Object(new("app", "live"), new("n", 1.0)),
            "03 0003 617070 02 0004 6C697665 0001 6E 00 3FF0000000000000 000009" },
        { "object in object", Amf0Value.Object(new Amf0Property("a", Amf0Value.Object(new Amf0Property("b", true)))),
            "03 0001 61 03 0001 62 01 01 000009 000009" },
        { "member without a name", Amf0Value.Object(new Amf0Property("", true)), "03 0000 01 01 000009" },
        { "typed object", Amf0Value.Typed("T", new Amf0Property("a", Amf0Value.Null)), "10 0001 54 0001 61 05 000009" },
        { "ecma array",
            Amf0Value.EcmaArray(new Amf0Property("w", 2.0)), "08 00000001 0001 77 00 4000000000000000 000009" },
        { "strict array", Amf0Value.StrictArray("av01", Amf0Value.Null), "0A 00000002 02 0004 61763031 05" },
        { "empty strict array", Amf0Value.StrictArray(), "0A 00000000" },
        { "date", Amf0Value.Date(1000), "0B 408F400000000000 0000" },
        { "xml", Amf0Value.Xml("<a/>"), "0F 00000004 3C612F3E" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Values_read_and_write_as_in_the_table(string name, Amf0Value value, string hex)
    {
        byte[] bytes = Hex.Bytes(hex);
        var reader = new Amf0Reader(bytes);

        Assert.Equal(value, reader.ReadValue());
        Assert.True(reader.AtEnd, name);
        Assert.Equal(bytes, Write(value));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void Every_cut_is_a_fault_and_not_a_wait(string name, Amf0Value value, string hex)
    {
        byte[] bytes = Hex.Bytes(hex);
        Assert.NotNull(value);
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            byte[] part = bytes[..cut];
            Assert.True(Fault(part) is not null, $"{name} cut at {cut}");
        }
    }

    [Fact]
    public void Long_strings_are_strings()
    {
        string text = new('x', 70_000);
        byte[] bytes = Write(text);

        Assert.Equal(0x0C, bytes[0]);
        Assert.Equal(text, new Amf0Reader(bytes, new Amf0Limits(8, 256, 100_000)).ReadString());
    }

    [Theory]
    [InlineData("08 00000000 0001 77 05 000009", 1)]
    [InlineData("08 FFFFFFFF 0001 77 05 000009", 1)]
    public void The_count_of_an_ecma_array_is_only_a_hint(string hex, int members) =>
        Assert.Equal(members, new Amf0Reader(Hex.Bytes(hex)).ReadValue().Properties.Length);

    [Theory]
    [InlineData("11 05", "AMF 3")]
    [InlineData("04 0000", "reserved marker 0x04")]
    [InlineData("0E", "reserved marker 0x0e")]
    [InlineData("09", "unknown marker 0x09")]
    [InlineData("FF", "unknown marker 0xff")]
    [InlineData("0A FFFFFFFF 05", "array of 4294967295 values")]
    [InlineData("0A 00000010 05", "array of 16 values in 1 bytes")]
    [InlineData("0C FFFFFFFF 41", "string of 4294967295 bytes")]
    [InlineData("02 1001 41", "string of 4097 bytes")]
    [InlineData("02 0010 41", "15 bytes short")]
    public void Faults_say_what_and_where(string hex, string fault) =>
        Assert.Contains(fault, Fault(Hex.Bytes(hex)), StringComparison.Ordinal);

    [Fact]
    public void Depth_and_number_of_values_have_limits()
    {
        Assert.Null(Fault(Nested(8)));
        Assert.Contains("deeper than 8", Fault(Nested(9)), StringComparison.Ordinal);

        byte[] many = [.. Enumerable.Repeat((byte)5, 257)];
        Assert.Contains("more than 256", Fault(many), StringComparison.Ordinal);
        Assert.Null(Fault(many[..256]));
    }

    [Fact]
    public void A_wanted_kind_that_is_not_there_is_a_fault()
    {
        Assert.Throws<Amf0FormatException>(() => new Amf0Reader([5]).ReadString());
        Assert.Throws<Amf0FormatException>(() => new Amf0Reader([5]).ReadNumber());
    }

    [Fact]
    public void Members_are_found_by_name()
    {
        var value = Amf0Value.Object(new("a", 1.0), new("a", 2.0));

        Assert.Equal(1, value["a"].Number);
        Assert.Equal(Amf0Value.Undefined, value["b"]);
        Assert.Equal(Amf0Value.Undefined, Amf0Value.Null["b"]);
    }

    [Fact]
    public void What_is_written_is_read_back() =>
        Prop.ForAll(AnyValue(3).ToArbitrary(), value =>
        {
            byte[] bytes = Write(value);
            var reader = new Amf0Reader(bytes, new Amf0Limits(8, 100_000, 65_535));
            return reader.ReadValue().Equals(value) && reader.AtEnd;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_bytes_are_values_or_a_format_exception() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            // Low bytes are markers, so they are made frequent.
            byte[] biased = [.. (bytes ?? []).Select(b => b < 160 ? (byte)(b % 18) : b)];
            Fault(biased);
        }).QuickCheckThrowOnFailure();

    private static Gen<Amf0Value> AnyValue(int depth)
    {
        Gen<string> text = ArbMap.Default.GeneratorFor<NonNull<string>>()
            .Select(s => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(s.Get)));
        var leaves = Gen.OneOf(
            ArbMap.Default.GeneratorFor<double>().Select(Amf0Value.Of),
            ArbMap.Default.GeneratorFor<bool>().Select(Amf0Value.Of),
            text.Select(Amf0Value.Of),
            text.Select(Amf0Value.Xml),
            ArbMap.Default.GeneratorFor<ushort>().Select(Amf0Value.Reference),
            ArbMap.Default.GeneratorFor<double>().Select(Amf0Value.Date),
            Gen.Elements(Amf0Value.Null, Amf0Value.Undefined, Amf0Value.Unsupported));
        if (depth == 0)
            return leaves;

        Gen<Amf0Property[]> members =
            text.SelectMany(n => AnyValue(depth - 1).Select(v => new Amf0Property(n, v))).ArrayOf(3);
        return Gen.OneOf(
            leaves,
            members.Select(m => Amf0Value.Object([.. m])),
            members.Select(m => Amf0Value.EcmaArray([.. m])),
            text.SelectMany(n => members.Select(m => Amf0Value.Typed(n, [.. m]))),
            AnyValue(depth - 1).ArrayOf(3).Select(i => Amf0Value.StrictArray([.. i])));
    }

    private static byte[] Nested(int depth)
    {
        var value = Amf0Value.Null;
        for (int i = 0; i < depth; i++)
            value = Amf0Value.StrictArray(value);
        return Write(value);
    }

    private static byte[] Write(Amf0Value value)
    {
        var output = new ArrayBufferWriter<byte>();
        new Amf0Writer(output).WriteValue(value);
        return output.WrittenSpan.ToArray();
    }

    private static string? Fault(byte[] bytes)
    {
        try
        {
            var reader = new Amf0Reader(bytes);
            do
                reader.ReadValue();
            while (!reader.AtEnd);
            return null;
        }
        catch (Amf0FormatException e)
        {
            Assert.InRange(e.Offset, 0, bytes.Length);
            return e.Message;
        }
    }
}
