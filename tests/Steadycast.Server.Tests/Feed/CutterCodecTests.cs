using Steadycast.Protocols.Codecs;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Feed;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Codecs beside H.264 and AAC, and what happens when they change.</summary>
public sealed class CutterCodecTests
{
    private const string Av1 = "81000c000a0b000000043d06d402f80040";
    private const string OtherAv1 = "81004c000a0b000000043d06d4daf94040";

    private static readonly byte[] OpusHead = Convert.FromHexString("4F707573486561640102380180BB0000000000");

    [Theory]
    [InlineData(Av1, true)]
    [InlineData(Av1, false)]
    // Announced without a sequence header: the keyframes bring it.
    [InlineData("81000c00", true)]
    public void AV1_is_joined_at_keyframes_that_have_their_sequence_header(string announced, bool headerInKeyframes)
    {
        var header = headerInKeyframes ? Convert.FromHexString(Av1)[4..] : [];
        using var run = new CutterRun().Publish([.. Av1Stream(announced, header, 0, 10)]).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 4), run.Durations());
        foreach (var segment in run.Segments)
        {
            var track = Assert.Single(segment.Begin.Tracks);
            Assert.Equal(Av1, Convert.ToHexStringLower(track.Record.Span));
            Assert.Equal((322, 182), (TrackDescription.Of(track).Width, TrackDescription.Of(track).Height));
            // The header, no temporal delimiter.
            Assert.Equal(Convert.FromHexString(Av1)[4..], segment.AccessUnits[0].Payload[..13].ToArray());
            Assert.Equal(0x32, segment.AccessUnits[1].Payload.Span[0]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Another_sequence_header_is_another_configuration_announced_or_not(bool announced)
    {
        var before = Av1Stream(Av1, Convert.FromHexString(Av1)[4..], 0, 9);
        var after = Av1Stream(OtherAv1, Convert.FromHexString(OtherAv1)[4..], 9, 9).Skip(announced ? 0 : 1);
        using var run = new CutterRun().Publish([.. before, .. after]).Check();
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(9 * CutterRun.Second, changed.Begin.Time);
        Assert.Equal(OtherAv1, Convert.ToHexStringLower(changed.Begin.Tracks[0].Record.Span));
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.TargetDurationSeconds).Distinct());
    }

    [Fact]
    public void A_record_that_is_announced_again_does_not_take_back_what_a_keyframe_said()
    {
        var messages = Av1Stream("81000c00", Convert.FromHexString(Av1)[4..], 0, 10).ToList();
        foreach (var at in (int[])[2010, 4500])
            messages.Add(Message(at, RtmpMessageType.Video, [0x90, .. "av01"u8, .. Convert.FromHexString("81000c00")]));
        using var run = new CutterRun().Publish([.. messages.OrderBy(message => message.AtMs)]).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 4), run.Durations());
        Assert.DoesNotContain(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(0, run.Cutter.Counters.Drops.Sum());
    }

    [Fact]
    public void A_picture_that_only_claims_to_be_a_keyframe_is_none()
    {
        var messages = Av1Stream(Av1, [], 0, 10).Select(message => message.AtMs is 2000 or 6000
            ? message with { Payload = [0x91, .. "av01"u8, 0x32, 3, 0x30, 1, 2] }
            : message);
        using var run = new CutterRun().Publish([.. messages]).Check();
        Assert.All(run.Segments, segment => Assert.True(segment.AccessUnits[0].IsKeyframe));
        Assert.DoesNotContain(run.Segments, segment => segment.Begin.Time is 2 * CutterRun.Second);
    }

    [Fact]
    public void Broken_AV1_is_counted_and_left_out()
    {
        using var run = new CutterRun().Publish([.. Av1Stream(Av1, [], 0, 5)]);
        byte[][] broken = [[0xB2, 1, 0], [0x32, 9, 0x10], [0x12, 0], [0x0A, 1, 0xFF, 0x32, 1, 0x10]];
        foreach (var body in broken)
            run.Send(new TestMessage(5000, RtmpMessageType.Video, 5000, [0x91, .. "av01"u8, .. body]));
        run.Leave().Check();
        Assert.Equal(broken.Length, run.Cutter.Counters.Drops[(int)FeedDrop.Malformed]);
    }

    [Theory]
    [InlineData(new[] { 960 })]
    [InlineData(new[] { 480, 960, 1920 })]
    [InlineData(new[] { 120 })]
    public void Opus_counts_the_samples_of_each_packet(int[] lengths)
    {
        var messages = new List<TestMessage> { Message(0, RtmpMessageType.Audio, [0x90, .. "Opus"u8, .. OpusHead]) };
        for (var (n, samples) = (0, 0L); samples < 480_000; n++)
        {
            var length = lengths[n % lengths.Length];
            var toc = length switch { 120 => 0x80, 480 => 0x00, 960 => 0x08, _ => 0x10 };
            messages.Add(Message(samples / 48, RtmpMessageType.Audio, [0x91, .. "Opus"u8, (byte)toc, 1, 2, 3]));
            samples += length;
        }

        messages.Add(Message(10_000, RtmpMessageType.Audio, [0x91, .. "Opus"u8, 0x9B, 0x07]));
        using var run = new CutterRun().Publish(messages).Check();
        Assert.Equal(0, run.Cutter.Counters.AudioResnaps);
        Assert.Equal(1, run.Cutter.Counters.Drops[(int)FeedDrop.Malformed]);
        var units = run.Segments.SelectMany(segment => segment.AccessUnits).ToList();
        Assert.All(units.Zip(units.Skip(1)), pair => Assert.Equal(
            pair.First.SamplePosition + OpusPacket.SamplesOf(pair.First.Payload.Span), pair.Second.SamplePosition));
    }

    [Theory]
    [InlineData("2F", "FFFB9064", 417, 44100, 1152)]
    [InlineData("2F", "FFFB94C4", 384, 48000, 1152)]
    [InlineData("912E6D7033", "FFFB9064", 417, 44100, 1152)]
    [InlineData("2A", "FFF340C4", 104, 22050, 576)]
    // FLV's own number for 8 kHz.
    [InlineData("EE", "FFE318C4", 72, 8000, 576)]
    public void MP3_needs_no_configuration_record(string head, string header, int length, int rate, int samples)
    {
        var frame = new byte[length];
        Convert.FromHexString(header).CopyTo(frame, 0);
        var messages = Mp3Stream(Convert.FromHexString(head), frame, rate, samples, 0, 10);
        using var run = new CutterRun().Publish([.. messages]).Check();
        Assert.InRange(run.Segments.Count, 3, 5);
        Assert.Equal(0, run.Cutter.Counters.AudioResnaps);
        Assert.Equal(0, run.Cutter.Counters.Drops.Sum());
        var track = TrackDescription.Of(Assert.Single(run.Segments[0].Begin.Tracks));
        Assert.Equal(("mp4a.40.34", rate), (track.CodecsString, track.SampleRate));
        var units = run.Segments[0].AccessUnits;
        Assert.Equal(samples, units[1].SamplePosition - units[0].SamplePosition);
    }

    [Fact]
    public void MP3_of_another_rate_is_another_configuration()
    {
        byte[] frame = [0xFF, 0xFB, 0x90, 0x64, .. new byte[413]];
        byte[] other = [0xFF, 0xFB, 0x94, 0x64, .. new byte[380]];
        using var run = new CutterRun().Publish(
            [.. Mp3Stream([0x2F], frame, 44100, 1152, 0, 9), .. Mp3Stream([0x2F], other, 48000, 1152, 9, 9)]).Check();
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(48000, TrackDescription.Of(changed.Begin.Tracks[0]).SampleRate);
    }

    [Fact]
    public void Other_parameter_sets_in_a_keyframe_are_another_configuration_announced_or_not()
    {
        var other = H264Config.Parse(TestEncoder.OtherAvc);
        byte[] sets =
        [
            .. other.SequenceParameterSets.Concat(other.PictureParameterSets)
                .SelectMany(set => (byte[])[0, 0, 0, (byte)set.Length, .. set.Span]),
        ];
        var messages = new TestEncoder { RepeatsConfig = true }.Messages().Select(message =>
            message.AtMs < 10_000 || message.Payload is not [0x17, 1, ..]
                ? message
                : message with { Payload = [.. message.Payload[..5], .. sets, .. message.Payload[5..]] });
        using var run = new CutterRun().Publish([.. messages]).Check();
        Assert.Equal(Enumerable.Repeat(2.0, 9), run.Durations());
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(10 * CutterRun.Second, changed.Begin.Time);
        Assert.Equal(TestEncoder.OtherAvc, changed.Begin.Tracks[0].Record.ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_a_message_with_several_tracks_the_first_one_is_found_wherever_it_stands(bool last)
    {
        var messages = new TestEncoder { HasVideo = false }.Messages().Select(message =>
        {
            var isHeader = message.Payload[1] == 0;
            var body = message.Payload[2..];
            byte[] own = [0, 0, 0, (byte)body.Length, .. body];
            byte[] other = [1, 0, 0, (byte)body.Length, .. body];
            // Multitrack | many tracks of one codec, and what is in them | the codec | each track with its size.
            return message with
            {
                Payload =
                [
                    0x95, (byte)(0x10 | (isHeader ? 0 : 1)), .. "mp4a"u8, .. last ? other : own, .. last ? own : other,
                ],
            };
        }).ToList();
        using var plain = new CutterRun().Publish(new TestEncoder { HasVideo = false }).Check();
        using var run = new CutterRun().Publish(messages).Check();
        Assert.Equal(plain.Segments.SelectMany(First), run.Segments.SelectMany(First));
        Assert.Equal(plain.Durations(), run.Durations());

        static IEnumerable<(long, string)> First(StampedSegment segment) => segment.AccessUnits
            .Where(unit => unit.TrackId == 2).Select(unit => (unit.Dts, Convert.ToHexString(unit.Payload.Span)));
    }

    [Fact]
    public void A_publisher_that_returns_with_another_codec_keeps_the_target_duration()
    {
        using var run = new CutterRun().Publish(new TestEncoder { Seconds = 9.5 }).Leave(1);
        run.Publish([.. Av1Stream(Av1, [], 0, 10)]).Leave().Check();
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(Codec.Av1, changed.Begin.Tracks[0].Codec);
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Publisher]);
    }

    [Fact]
    public void A_codec_may_change_in_mid_stream()
    {
        var first = new TestEncoder { Seconds = 9 }.Messages();
        var then = Av1Stream(Av1, [], 9, 9).Concat(new TestEncoder { Seconds = 18, HasVideo = false }.Messages()
            .Where(message => message.AtMs >= 9000)).OrderBy(message => message.AtMs);
        using var run = new CutterRun().Publish([.. first, .. then]).Check();
        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal([Codec.Av1, Codec.Aac], changed.Begin.Tracks.Select(track => track.Codec));
        Assert.Equal(9 * CutterRun.Second, changed.Begin.Time);
        Assert.Equal(1, run.Cutter.Counters.Discontinuities[(int)DiscontinuityCause.Tracks]);
        Assert.Single(run.Segments.Select(segment => segment.Begin.Epoch.TargetDurationSeconds).Distinct());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sound_and_picture_that_change_together_are_one_seam_even_if_the_old_sound_goes_past_the_new_picture(
        bool pictureIsFirst)
    {
        // Its sound is two frames ahead, as an encoder's may be.
        var first = new TestEncoder { Seconds = 9.03 }.Messages()
            .Where(message => message.Type == RtmpMessageType.Audio || message.AtMs < 9000);
        var then = new TestEncoder { Seconds = 9, Start = 9000, VideoConfig = TestEncoder.OtherAvc }.Messages()
            .Select(message => message with
            {
                AtMs = message.AtMs + 9000,
                Payload = message.Payload is [0xAF, 0, ..] ? [0xAF, 0, 0x11, 0x88] : message.Payload,
            });

        // ffmpeg says the sound's configuration with its first frame when it is copied from ADTS.
        if (pictureIsFirst)
            then = then.OrderBy(message => message.AtMs).ThenBy(message => message.Type == RtmpMessageType.Audio);

        using var run = new CutterRun().Publish([.. first, .. then]).Check();

        var changed = Assert.Single(run.Segments, segment => segment.Begin.Discontinuity);
        Assert.Equal(9 * CutterRun.Second, changed.Begin.Time);
        Assert.Equal([0x11, 0x88], changed.Begin.Tracks[1].Record.ToArray());
        Assert.Equal(2, run.Cutter.Counters.Drops[(int)FeedDrop.WaitingForTrackChange]);
    }

    [Fact]
    public void Damage_costs_frames_and_nothing_else()
    {
        byte[] mp3 = [0xFF, 0xFB, 0x90, 0x64, .. new byte[413]];
        List<TestMessage>[] streams =
        [
            [.. Av1Stream(Av1, Convert.FromHexString(Av1)[4..], 0, 8), .. new TestEncoder { HasVideo = false }.Messages()],
            [.. new TestEncoder { IsHevc = true, RepeatsConfig = true, SampleRate = 0 }.Messages()],
            [.. new TestEncoder { RepeatsConfig = true }.Messages()],
            [.. Mp3Stream([0x2F], mp3, 44100, 1152, 0, 8)],
            [.. Mp3Stream([0x91, .. ".mp3"u8], mp3, 44100, 1152, 0, 8), .. Av1Stream("81000c00", [], 0, 8)],
        ];
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var messages = streams[seed % streams.Length].OrderBy(message => message.AtMs).Select(message =>
            {
                var bytes = (byte[])message.Payload.Clone();
                for (var n = random.Next(10) == 0 ? random.Next(1, 4) : 0; n > 0; n--)
                    bytes[random.Next(Math.Min(bytes.Length, 60))] ^= (byte)(1 << random.Next(8));
                return message with { Payload = random.Next(40) == 0 ? bytes[..random.Next(bytes.Length)] : bytes };
            });
            using var run = new CutterRun().Publish([.. messages]).Leave().Check();
        }
    }

    /// <summary>25 pictures a second, a keyframe every two; a temporal delimiter before each.</summary>
    private static IEnumerable<TestMessage> Av1Stream(string record, byte[] headerInKeyframes, int from, int seconds)
    {
        yield return Message(from * 1000, RtmpMessageType.Video, [0x90, .. "av01"u8, .. Convert.FromHexString(record)]);
        for (var n = 0; n < seconds * 25; n++)
        {
            var isKey = n % 50 == 0;
            var at = (from * 1000) + (n * 40);
            byte[] frame = [0x32, 4, isKey ? (byte)0x10 : (byte)0x30, (byte)n, (byte)(n >> 8), 0x80];
            yield return Message(at, RtmpMessageType.Video,
                [isKey ? (byte)0x91 : (byte)0xA1, .. "av01"u8, 0x12, 0, .. isKey ? headerInKeyframes : [], .. frame]);
        }
    }

    private static IEnumerable<TestMessage> Mp3Stream(
        byte[] head, byte[] frame, int rate, int samples, int from, int seconds)
    {
        for (long n = 0; n * samples / rate < seconds; n++)
        {
            var at = (from * 1000) + (n * samples * 1000 / rate);
            yield return Message(at, RtmpMessageType.Audio, [.. head, .. frame]);
        }
    }

    private static TestMessage Message(long at, RtmpMessageType type, byte[] payload) =>
        new(at, type, (uint)at, payload);
}
