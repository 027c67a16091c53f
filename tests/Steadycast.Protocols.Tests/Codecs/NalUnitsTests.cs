using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class NalUnitsTests
{
    [Fact]
    public void Units_are_walked_and_empty_ones_passed_over()
    {
        var seen = new List<string>();
        foreach (var nal in NalUnits.Of(Hex.Bytes("00000001 09 00000000 00000002 6588")))
            seen.Add(Convert.ToHexString(nal));
        Assert.Equal(["09", "6588"], seen);
    }

    [Theory]
    [InlineData("00000002 65", 0)]
    [InlineData("00000001 65 000000", 5)]
    [InlineData("FFFFFFFF 65", 0)]
    public void A_length_past_the_end_is_refused(string hex, int offset)
    {
        Assert.False(NalUnits.AreWellFormed(Hex.Bytes(hex)));
        Assert.Equal(offset, Assert.Throws<CodecFormatException>(() => Walk(Hex.Bytes(hex))).Offset);
    }

    [Fact]
    public void Lengths_of_one_and_two_bytes_become_four()
    {
        var output = new ArrayBufferWriter<byte>();
        NalUnits.WriteWithFourByteLengths(output, Hex.Bytes("0001 09 0002 6588"), 2);
        Assert.Equal("000000010900000002" + "6588", Convert.ToHexString(output.WrittenSpan));
        output.ResetWrittenCount();
        NalUnits.WriteWithFourByteLengths(output, Hex.Bytes("01 09"), 1);
        Assert.Equal("0000000109", Convert.ToHexString(output.WrittenSpan));
    }

    [Fact]
    public void Well_formed_is_what_can_be_walked() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            bytes ??= [];
            try
            {
                return Walk(bytes, 1) > 0 == NalUnits.AreWellFormed(bytes, 1);
            }
            catch (CodecFormatException)
            {
                return !NalUnits.AreWellFormed(bytes, 1);
            }
        }).QuickCheckThrowOnFailure();

    private static int Walk(byte[] bytes, int lengthSize = 4)
    {
        var count = 0;
        foreach (var _ in NalUnits.Of(bytes, lengthSize)) count++;
        return count;
    }
}
