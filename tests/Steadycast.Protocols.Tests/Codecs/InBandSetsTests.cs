using System.Buffers.Binary;
using Steadycast.Protocols.Codecs;

namespace Steadycast.Protocols.Tests.Codecs;

public sealed class InBandSetsTests
{
    // High profile by x264, and Baseline.
    private const string High =
        "0164000dffe100196764000dacd941519e226c04400000fa40003a9803c50a658001000668ebe3cb22c0fdf8f800";
    private const string Baseline =
        "0142c00dffe100186742c00dd90141fb0110000003001000000303c0f142a48001000568cb83cb20";

    // x265's sets in ffmpeg's record, without its SEI.
    private const string Hevc =
        "0101600000009000000000003cf000fcfdf8f800000f02210001002942010101600000030090000003000003003ca00a480b9c95965" +
        "66924caf01680800001f480003a980422000100074401c172b46240";

    private static readonly byte[] OtherHevcSps =
        Hex.Bytes("420101016000000300900000030000030078a003c08010e58d92454b92f016a02020208000001f480003a98040");

    private static readonly byte[] Slice = [0x65, 0x88, 0x84];

    [Theory]
    [InlineData(High, Baseline)]
    [InlineData(Baseline, High)]
    public void Other_sets_of_H264_make_the_record_that_their_encoder_would_have_sent(string before, string after)
    {
        var sets = H264Config.Parse(Hex.Bytes(after));
        var picture = Nals([.. sets.SequenceParameterSets, .. sets.PictureParameterSets, Slice]);
        Assert.Equal(after, Convert.ToHexStringLower(InBandSets.FindRecord(Track(Codec.H264, before), picture)!));
    }

    [Fact]
    public void Sets_that_the_record_has_change_nothing()
    {
        var sets = H264Config.Parse(Hex.Bytes(High));
        Assert.Null(InBandSets.FindRecord(
            Track(Codec.H264, High), Nals([.. sets.SequenceParameterSets, .. sets.PictureParameterSets, Slice])));
        Assert.Null(InBandSets.FindRecord(Track(Codec.H264, High), Nals([Slice])));
        // Another picture parameter set alone changes nothing that a playlist or a player has to know.
        Assert.Null(InBandSets.FindRecord(Track(Codec.H264, High), Nals([Hex.Bytes("68cb83cb20"), Slice])));
    }

    [Fact]
    public void Kinds_that_the_picture_has_none_of_stay_the_records()
    {
        var sets = H264Config.Parse(Hex.Bytes(Baseline));
        var record = InBandSets.FindRecord(Track(Codec.H264, High), Nals([sets.SequenceParameterSets[0], Slice]));
        var made = H264Config.Parse(record);
        Assert.Equal(H264Config.Parse(Hex.Bytes(High)).PictureParameterSets[0].ToArray(),
            made.PictureParameterSets[0].ToArray());
        Assert.Equal((320, 240), (made.Sps.Width, made.Sps.Height));
    }

    [Fact]
    public void Other_sets_of_H265_make_a_record_that_says_what_they_say()
    {
        var known = H265Config.Parse(Hex.Bytes(Hevc));
        var picture = Nals([OtherHevcSps, Hex.Bytes("2601AABB")]);
        var record = InBandSets.FindRecord(Track(Codec.H265, Hevc), picture)!;
        var made = H265Config.Parse(record);
        Assert.Equal(H265Sps.Parse(OtherHevcSps), made.Sps);
        Assert.Equal(known.VideoParameterSets.Length, made.VideoParameterSets.Length);
        Assert.Equal(known.PictureParameterSets[0].ToArray(), made.PictureParameterSets[0].ToArray());
        // Profile, tier, compatibility and constraints as x265 wrote them into its own record; 4:2:0 of 8 bits.
        Assert.Equal(Hex.Bytes(Hevc)[..12], record[..12]);
        Assert.Equal(new byte[] { 0xFD, 0xF8, 0xF8 }, record[16..19]);
        Assert.Equal(known.NalLengthSize, made.NalLengthSize);
    }

    [Fact]
    public void A_set_that_cannot_be_read_is_refused() => Assert.Throws<CodecFormatException>(
        () => InBandSets.FindRecord(Track(Codec.H264, High), Nals([Hex.Bytes("67"), Slice])));

    private static TrackDescription Track(Codec codec, string record) =>
        TrackDescription.Of(new TrackConfig(1, codec, Hex.Bytes(record)));

    private static byte[] Nals(params ReadOnlyMemory<byte>[] nals)
    {
        var unit = new List<byte>();
        foreach (var nal in nals)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, nal.Length);
            unit.AddRange([.. length, .. nal.Span]);
        }

        return [.. unit];
    }
}
