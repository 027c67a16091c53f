using FsCheck;
using FsCheck.Fluent;
using Steadycast.Protocols.Rtmp;

namespace Steadycast.Server.Tests.Feed;

/// <summary>Whatever a publisher sends, the feed keeps its promises (<see cref="CutterRun.Check"/>).</summary>
public sealed class CutterPropertyTests
{
    /// <summary>What happens, and with what number.</summary>
    private enum Act
    {
        Picture,
        Keyframe,
        Sound,
        Pause,
        Jump,
        Wrap,
        VideoConfig,
        AudioConfig,
        Publisher,
        Loss,
        Leave,
        Restart,
        Garbage,
    }

    [Fact]
    public void Any_messages_give_a_feed_that_keeps_its_promises()
    {
        var act = Gen.Frequency(
            (60, Gen.Constant(Act.Picture)), (12, Gen.Constant(Act.Keyframe)), (60, Gen.Constant(Act.Sound)),
            (6, Gen.Elements(Act.Pause, Act.Jump, Act.Wrap)),
            (4, Gen.Elements(Act.VideoConfig, Act.AudioConfig, Act.Publisher, Act.Loss, Act.Leave, Act.Garbage)),
            (1, Gen.Constant(Act.Restart)));
        var number = Gen.Choose(0, 1_000_000);
        var acts = act.SelectMany(_ => number, (what, with) => (what, with)).ArrayOf(1500);
        Prop.ForAll(Gen.Choose(1, 10).SelectMany(_ => acts, (seconds, list) => (seconds, list)).ToArbitrary(), test =>
            Run(test.seconds, test.list)).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [Fact]
    public void Any_encoder_gives_segments_that_add_up()
    {
        var encoders =
            from fps in Gen.Elements(10, 23.976, 25, 29.97, 50)
            from gops in Gen.Choose(3, 60).Select(tenths => tenths / 10.0).NonEmptyListOf()
            from rate in Gen.Elements(0, 22050, 44100, 48000)
            from late in Gen.Choose(0, 450)
            from start in Gen.Choose(int.MinValue, int.MaxValue)
            select new TestEncoder
            {
                FramesPerSecond = fps,
                Gops = [.. gops],
                SampleRate = rate,
                AudioLateMs = late,
                Start = (uint)start,
                Seconds = 40,
            };
        Prop.ForAll(encoders.ToArbitrary(), encoder =>
        {
            using var run = new CutterRun().Publish(encoder).Leave().Check();
            var published = run.Durations().Sum();
            Assert.InRange(published, 38.5, 40.5);
            Assert.DoesNotContain(run.Segments, segment => segment.Begin.Discontinuity);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static void Run(int segmentSeconds, (Act What, int With)[] acts)
    {
        var run = new CutterRun(segmentSeconds);
        var segments = run.Segments;
        try
        {
            uint video = 0, audio = 0;
            run.Publish(new TestEncoder { Seconds = 0.01 });
            foreach (var (what, with) in acts)
            {
                run.UtcMs += with % 40;
                switch (what)
                {
                    case Act.Picture or Act.Keyframe:
                        video += (uint)(with % 100);
                        run.Send(Picture(what == Act.Keyframe, video, with));
                        break;
                    case Act.Sound:
                        audio += (uint)(with % 60);
                        run.Send(new TestMessage(0, RtmpMessageType.Audio, audio, [0xAF, 1, (byte)with, 7]));
                        break;
                    case Act.Pause:
                        (video, audio) = (video + (uint)(with % 2500), audio + (uint)(with % 2500));
                        break;
                    case Act.Jump:
                        video = with % 2 == 0 ? (uint)with : video - (uint)(with % 700);
                        break;
                    case Act.Wrap:
                        (video, audio) = (uint.MaxValue - (uint)(with % 1000), uint.MaxValue - (uint)(with % 2000));
                        break;
                    case Act.VideoConfig:
                        var avc = with % 2 == 0 ? TestEncoder.Avc : TestEncoder.OtherAvc;
                        run.Send(new TestMessage(0, RtmpMessageType.Video, 0, [0x17, 0, 0, 0, 0, .. avc]));
                        break;
                    case Act.AudioConfig:
                        var rate = with % 2 == 0 ? 48000 : 44100;
                        run.Send(new TestMessage(0, RtmpMessageType.Audio, 0, TestEncoder.AudioConfig(rate)));
                        break;
                    case Act.Publisher:
                        var other = new TestEncoder { Seconds = with % 5, HasVideo = with % 3 > 0, Start = (uint)with };
                        run.Publish(other);
                        (video, audio) = ((uint)(with + (with % 5 * 1000)), (uint)(with + (with % 5 * 1000)));
                        break;
                    case Act.Loss:
                        run.Send(Picture(with % 2 == 0, video, with), afterLoss: true);
                        break;
                    case Act.Leave:
                        run.Leave(with % 100 - 20);
                        break;
                    case Act.Restart:
                        var state = run.Cutter.State;
                        var next = new CutterRun(segmentSeconds, state) { UtcMs = run.UtcMs };
                        next.Segments.AddRange(run.Segments);
                        run.Dispose();
                        (run, segments) = (next, next.Segments);
                        run.Publish(new TestEncoder { Seconds = 1, Start = (uint)with });
                        break;
                    default:
                        var bytes = new byte[with % 40];
                        new Random(with).NextBytes(bytes);
                        var type = with % 2 == 0 ? RtmpMessageType.Audio : RtmpMessageType.Video;
                        run.Send(new TestMessage(0, type, video, bytes));
                        break;
                }
            }

            run.Leave();
            run.Check();
        }
        finally
        {
            run.Dispose();
        }
    }

    private static TestMessage Picture(bool key, uint timestamp, int number)
    {
        byte[] head = [(byte)(key ? 0x17 : 0x27), 1, 0, 0, (byte)(number % 80)];
        byte[] nal = [0, 0, 0, 3, (byte)(key ? 0x65 : 0x41), (byte)number, 1];
        return new TestMessage(0, RtmpMessageType.Video, timestamp, [.. head, .. nal]);
    }
}
