using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class Av1Tests
{
    // From SVT-AV1 1.4 by way of ffmpeg's MP4; 10 bits and 8.
    private const string TenBits = "81004c000a0b000000043d06d4daf94040";
    private const string EightBits = "81000c000a0b000000043d06d402f80040";

    private const string Header = "0a0b000000043d06d402f80040";
    private const string OtherHeader = "0a0b000000043d06d4daf94040";
    private const string KeyFrame = "3203 10AABB";
    private const string InterFrame = "3203 30AABB";
    private const string HiddenKeyFrame = "3203 00AABB";

    private static readonly Av1Config Config = Av1Config.Parse(Hex.Bytes(EightBits));
    private static readonly Av1Config Bare = Av1Config.Parse(Hex.Bytes("81000c00"));

    [Theory]
    [InlineData(TenBits)]
    [InlineData(EightBits)]
    public void A_record_follows_from_its_sequence_header(string record)
    {
        var config = Av1Config.Parse(Hex.Bytes(record));
        Assert.Equal(record, Convert.ToHexStringLower(Av1Config.RecordOf(config.SequenceHeader.Span)));
    }

    [Fact]
    public void A_record_without_a_sequence_header_has_no_size()
    {
        Assert.Equal((0, 0, true), (Bare.Width, Bare.Height, Bare.SequenceHeader.IsEmpty));
        Assert.Equal((322, 182), (Config.Width, Config.Height));
    }

    [Theory]
    // Temporal delimiters and padding go; what had no size gets one; a key frame without a header gets the record's.
    [InlineData("1200" + Header + KeyFrame, Header + KeyFrame, true)]
    [InlineData("1200" + KeyFrame + "7A0180", Header + KeyFrame, true)]
    [InlineData("10" /* no size: all that is left */, null, false)]
    [InlineData("1200" + InterFrame, InterFrame, false)]
    [InlineData("3010AABB", Header + KeyFrame, true)]
    [InlineData(InterFrame + "3430AABB", InterFrame + "363002AABB", false)]
    [InlineData(Header + HiddenKeyFrame, Header + HiddenKeyFrame, false)]
    // HDR metadata stays, a user's own goes.
    [InlineData(InterFrame + "2A0301AA80" + "2A0306AA80", InterFrame + "2A0301AA80", false)]
    // show_existing_frame.
    [InlineData("1A01 88", "1A0188", false)]
    // A header of a frame, then its tiles.
    [InlineData("1A01 10 2202 AABB", Header + "1A01102202AABB", true)]
    [InlineData(Header, null, false)]
    [InlineData("", null, false)]
    public void A_temporal_unit_becomes_a_sample(string unit, string? sample, bool isRandomAccess)
    {
        var read = Av1Sample.TryRead(Hex.Bytes(unit), Config, out var made);
        Assert.Equal(sample is not null, read);
        if (sample is null) return;
        Assert.Equal(Hex.Bytes(sample), made.Bytes.ToArray());
        Assert.Equal(isRandomAccess, made.IsRandomAccess);
    }

    [Fact]
    public void Without_a_sequence_header_anywhere_nobody_can_join()
    {
        Assert.True(Av1Sample.TryRead(Hex.Bytes(KeyFrame), Bare, out var blind));
        Assert.False(blind.IsRandomAccess);
        Assert.True(Av1Sample.TryRead(Hex.Bytes(OtherHeader + KeyFrame), Bare, out var told));
        Assert.True(told.IsRandomAccess);
        Assert.Equal(Hex.Bytes(OtherHeader)[2..], told.SequenceHeader.ToArray());
    }

    [Theory]
    [InlineData("B2")]
    [InlineData("3205 10AA")]
    [InlineData("36")]
    [InlineData("32 FFFFFFFFFFFFFFFF01")]
    [InlineData("32 80")]
    public void What_is_not_made_of_OBUs_is_refused(string hex) =>
        Assert.Throws<CodecFormatException>(() => Av1Sample.TryRead(Hex.Bytes(hex), Config, out _));

    [Fact]
    public void Sizes_of_any_length_are_written_as_they_are_read()
    {
        foreach (var length in (int[])[0, 1, 127, 128, 16_383, 16_384, 3_000_000])
        {
            var output = new ArrayBufferWriter<byte>();
            new Av1Obu(0x30, 0, new byte[length]).Write(output);
            var obus = Av1Obus.Of(output.WrittenSpan);
            Assert.True(obus.MoveNext());
            Assert.Equal((length, Av1Obu.Frame), (obus.Current.Payload.Length, obus.Current.Type));
            Assert.False(obus.MoveNext());
        }
    }

    [Fact]
    public void Any_bytes_are_a_sample_or_a_format_exception() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            try
            {
                Av1Sample.TryRead(bytes ?? [], Config, out _);
                Av1SequenceHeader.Parse(bytes ?? []);
            }
            catch (CodecFormatException)
            {
                // The one exception that a reader may throw.
            }
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000));
}
