using Steadycast.Protocols.Flv;
using Steadycast.Protocols.Rtmp;
using Steadycast.Server.Publishing;

namespace Steadycast.Server.Tests.Publishing;

public sealed class ClipReelTests
{
    /// <summary>As tools/make-test-clip promises: both tracks are exactly 32 s.</summary>
    private const int TestPictureMs = 32_000;

    [Fact]
    public void The_test_picture_loops_without_a_seam()
    {
        var reel = new ClipReel(Clip.TestPicture, loop: true);
        var video = new List<long>();
        var audio = new List<long>();
        foreach (var message in reel.Play().TakeWhile(m => m.TimeMs < 3 * TestPictureMs + 10_000))
        {
            if (message is { Type: RtmpMessageType.Video, IsHeader: false })
                video.Add(message.TimeMs);
            else if (message is { Type: RtmpMessageType.Audio, IsHeader: false })
                audio.Add(message.TimeMs);
        }

        Assert.All(Steps(video), s => Assert.InRange(s, 33, 34));
        Assert.All(Steps(audio), s => Assert.InRange(s, 21, 22));
        Assert.Equal(960, video.Count(t => t is >= TestPictureMs and < 2 * TestPictureMs));
        Assert.Equal(1500, audio.Count(t => t is >= TestPictureMs and < 2 * TestPictureMs));
    }

    [Fact]
    public void Headers_come_once_and_are_kept_for_the_next_connection()
    {
        var reel = new ClipReel(Clip.TestPicture, loop: true);

        var headers = reel.Play().TakeWhile(m => m.TimeMs < 2 * TestPictureMs).Count(m => m.IsHeader);

        Assert.Equal(reel.Headers.Count, headers);
        Assert.Contains(reel.Headers, h => h.Key == RtmpMessageType.Video);
        Assert.Contains(reel.Headers, h => h.Key == RtmpMessageType.Audio);
    }

    [Fact]
    public void Another_clip_begins_at_the_next_keyframe_with_its_own_headers()
    {
        var reel = new ClipReel(Clip.TestPicture, loop: true);
        var messages = new List<(RtmpMessageType Type, long TimeMs, bool IsHeader)>();
        foreach (var message in reel.Play().TakeWhile(m => m.TimeMs < 8000))
        {
            messages.Add((message.Type, message.TimeMs, message.IsHeader));
            if (message.TimeMs == 3000)
                reel.Show(Clip.OtherPicture);
            else if (message.TimeMs == 5000)
                reel.Show(Clip.TestPicture);
        }

        var headers = messages.Where(m => m.IsHeader && m.Type != RtmpMessageType.DataAmf0);
        Assert.Equal([0L, 0, 4000, 4000, 6000, 6000], headers.Select(m => m.TimeMs));
        var pictures = messages.Where(m => m is { Type: RtmpMessageType.Video, IsHeader: false }).Select(m => m.TimeMs);
        Assert.All(Steps([.. pictures]), s => Assert.InRange(s, 33, 34));
    }

    [Fact]
    public void A_connection_may_begin_at_every_keyframe()
    {
        var joins = new ClipReel(Clip.TestPicture, loop: false).Play().Where(m => m.IsJoin).Select(m => m.TimeMs)
            .ToArray();

        Assert.Equal(Enumerable.Range(0, 16).Select(k => k * 2000L), joins);
    }

    [Fact]
    public void Without_a_picture_any_sound_will_do()
    {
        var reel = new ClipReel(InMemory(Sound(0), Sound(21), Sound(43)), loop: false);

        Assert.Equal(3, reel.Play().Count(m => m.IsJoin));
    }

    [Fact]
    public void A_recording_that_was_cut_off_plays_up_to_the_cut()
    {
        var whole = Bytes(Sound(0), Sound(21), Sound(43));

        var reel = new ClipReel(new Clip(() => new MemoryStream(whole, 0, whole.Length - 3)), loop: false);

        Assert.Equal([0, 21], reel.Play().Select(m => m.TimeMs));
    }

    [Fact]
    public void A_clip_without_duration_is_not_looped() =>
        Assert.Single(new ClipReel(InMemory(Sound(0)), loop: true).Play());

    [Fact]
    public void What_is_no_flv_is_refused() =>
        Assert.Throws<FlvFormatException>(() =>
            new ClipReel(new Clip(() => new MemoryStream("not a video at all"u8.ToArray())), loop: false).Play()
                .Count());

    private static IEnumerable<long> Steps(List<long> times) => times.Skip(1).Zip(times, (b, a) => b - a);

    private static MediaMessage Sound(uint time) => new(RtmpMessageType.Audio, time, new byte[] { 0xAF, 1, 2, 3 });

    private static Clip InMemory(params MediaMessage[] messages)
    {
        var bytes = Bytes(messages);
        return new Clip(() => new MemoryStream(bytes));
    }

    private static byte[] Bytes(params MediaMessage[] messages)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(output, hasAudio: true, hasVideo: false);
        foreach (var message in messages)
            FlvWriter.WriteTag(output, message);
        return output.WrittenSpan.ToArray();
    }
}
