using System.Buffers.Binary;
using System.Text;
using Steadycast.Streaming.Failover;

namespace Steadycast.Server.Tests.Failover;

/// <summary>Bytes that may be listed, and those that only claim to be media.</summary>
public sealed class MediaCheckTests
{
    [Fact]
    public void A_grid_of_packets_is_a_transport_stream() =>
        Assert.Equal(MediaContainer.Ts, MediaCheck.Recognise(Packets(7)));

    [Fact]
    public void A_transport_stream_that_was_cut_or_damaged_is_none()
    {
        Assert.Null(MediaCheck.Recognise(Packets(7).AsSpan(0, 1000)));
        byte[] damaged = Packets(7);
        damaged[188 * 3] = 0;
        Assert.Null(MediaCheck.Recognise(damaged));
    }

    [Fact]
    public void Fragments_and_their_data_are_fmp4() =>
        Assert.Equal(
            MediaContainer.Fmp4,
            MediaCheck.Recognise([.. Box("styp", 8), .. Box("moof", 50), .. Box("mdat", 90), .. Box("moof", 8), .. Box("mdat", 9)]));

    [Fact]
    public void A_fragment_without_its_data_is_none()
    {
        byte[] whole = [.. Box("moof", 50), .. Box("mdat", 90)];
        Assert.Null(MediaCheck.Recognise(Box("moof", 50)));
        Assert.Null(MediaCheck.Recognise(Box("mdat", 50)));
        for (int cut = 1; cut < whole.Length; cut++)
            Assert.Null(MediaCheck.Recognise(whole.AsSpan(0, cut)));
    }

    [Theory]
    [InlineData("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n")]
    [InlineData("\uFEFFWEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")]
    public void Subtitles_are_known_by_their_first_word(string text) =>
        Assert.Equal(MediaContainer.WebVtt, MediaCheck.Recognise(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Packed_audio_is_a_tag_and_frames_to_the_end()
    {
        byte[] whole = [.. Id3(63), .. Adts(100), .. Adts(2000)];

        Assert.Equal(MediaContainer.PackedAudio, MediaCheck.Recognise(whole));
        for (int cut = 1; cut < whole.Length; cut++)
            Assert.True(cut == 73 + 100 || MediaCheck.Recognise(whole.AsSpan(0, cut)) is null, $"{cut}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html><body>404 Not Found</body></html>")]
    [InlineData("Gateway timeout")]
    public void A_page_is_no_media(string page)
    {
        Assert.Null(MediaCheck.Recognise(Encoding.UTF8.GetBytes(page)));
        Assert.False(MediaCheck.IsInitialisation(Encoding.UTF8.GetBytes(page)));
    }

    [Fact]
    public void An_initialisation_section_has_a_movie_and_ends_where_its_boxes_end()
    {
        byte[] init = [.. Box("ftyp", 16), .. Box("moov", 200)];
        Assert.True(MediaCheck.IsInitialisation(init));
        Assert.False(MediaCheck.IsInitialisation(init.AsSpan(0, 100)));
        Assert.False(MediaCheck.IsInitialisation(Box("ftyp", 16)));
    }

    private static byte[] Id3(byte length) => [.. "ID3"u8, 4, 0, 0, 0, 0, 0, length, .. new byte[length]];

    private static byte[] Adts(int length) =>
    [
        0xFF, 0xF1, 0x50, (byte)(0x80 | length >> 11), (byte)(length >> 3), (byte)(length << 5 | 0x1F), 0xFC,
        .. new byte[length - 7],
    ];

    private static byte[] Packets(int count)
    {
        byte[] bytes = new byte[188 * count];
        for (int at = 0; at < bytes.Length; at += 188)
            bytes[at] = 0x47;
        return bytes;
    }

    private static byte[] Box(string type, int bodyLength)
    {
        byte[] box = new byte[8 + bodyLength];
        BinaryPrimitives.WriteInt32BigEndian(box, box.Length);
        Encoding.ASCII.GetBytes(type, box.AsSpan(4));
        return box;
    }
}
