using System.Buffers.Binary;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

/// <summary>
/// Random lives of two publishers that send, fall silent, freeze, leave and come back, beside a model that knows
/// nothing of how the hub does it.
/// </summary>
public sealed class StandbyModelTests
{
    private const int Histories = 1500;
    private const int Steps = 150;

    private static readonly TimeSpan TakeoverAfter = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task In_any_history_one_is_on_air_for_a_reason_and_begins_with_a_keyframe()
    {
        int switches = 0, returns = 0;
        for (int seed = 0; seed < Histories; seed++)
        {
            await using var life = new Life(seed);
            for (int step = 0; step < Steps; step++)
                life.Step();
            life.CheckFeed();
            switches += life.Switches;
            returns += life.Returns;
        }

        // The histories are worth something only if they get there.
        Assert.True(switches > 2 * Histories, $"{switches} switches");
        Assert.True(returns > Histories / 10, $"{returns} returns");
    }

    private sealed class Life : IAsyncDisposable
    {
        private static readonly TimeSpan ReturnAfter = TimeSpan.FromSeconds(3);

        private readonly int seed;
        private readonly Random random;
        private readonly HubBench bench;
        private readonly Sender main = new(PublisherRole.Main);
        private readonly Sender standby = new(PublisherRole.Standby);
        private readonly List<LogMessage> feed = [];
        private readonly Subscription subscription;
        private readonly Dictionary<int, Sender> turns = [];
        private int nextId;

        public Life(int seed)
        {
            (this.seed, random) = (seed, new Random(seed));
            var policy = random.Next(4) == 0 ? StandbyReturn.Never : StandbyReturn.WhenHealthy;
            bench = new HubBench(new HubOptions
            {
                StreamGrace = TimeSpan.FromHours(1),
                Standby = new StandbyOptions
                {
                    TakeoverSeconds = TakeoverAfter.TotalSeconds,
                    ReturnSeconds = ReturnAfter.TotalSeconds,
                    Return = policy,
                },
            });
            Policy = policy;
            subscription = bench.Subscribe(SubscriptionKind.Feed);
        }

        public int Switches { get; private set; }

        public int Returns { get; private set; }

        private StandbyReturn Policy { get; }

        private TimeSpan Now => TimeSpan.FromTicks(bench.Time.GetTimestamp());

        public void Step()
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(random.Next(100, 400)));
            foreach (Sender sender in new[] { main, standby })
            {
                if (random.Next(20) == 0)
                    sender.Mood = (Mood)random.Next(6);
                Act(sender);
                Note();
            }

            feed.AddRange(Messages(subscription));
        }

        /// <summary>
        /// Each turn on air is an unbroken piece of what its publisher sent, and its pictures begin with a keyframe.
        /// </summary>
        public void CheckFeed()
        {
            foreach (var turn in feed.GroupBy(m => m.PublicationNumber))
            {
                Sender sender = turns[turn.Key];
                foreach (RtmpMessageType type in new[] { RtmpMessageType.Video, RtmpMessageType.Audio })
                {
                    int[] ids = [.. turn.Where(m => m.Type == type && !m.IsSequenceHeader).Select(IdOf)];
                    if (ids.Length == 0)
                        continue;
                    List<int> sent = [.. sender.Sent.Where(s => s.Type == type).Select(s => s.Id)];
                    Assert.True(
                        ids.SequenceEqual(sent.Skip(sent.IndexOf(ids[0])).Take(ids.Length)),
                        $"seed {seed}, turn {turn.Key}, {type}: {string.Join(' ', ids)}");
                    Assert.True(
                        type == RtmpMessageType.Audio || sender.Sent.Single(s => s.Id == ids[0]).IsKeyframe,
                        $"seed {seed}, turn {turn.Key}: begins with no keyframe");
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            subscription.Dispose();
            await bench.DisposeAsync();
        }

        private void Act(Sender sender)
        {
            if (sender.Publication is null)
            {
                if (sender.Mood is not Mood.Gone)
                    Come(sender);
                return;
            }

            switch (sender.Mood)
            {
                case Mood.Gone:
                    Go(sender);
                    break;
                case Mood.Silent:
                    break;
                case Mood.SoundOnly:
                    Send(sender, RtmpMessageType.Audio, false, sender.Clock += 20);
                    break;
                case Mood.ClockStopped:
                    Send(sender, RtmpMessageType.Video, random.Next(5) == 0, sender.Clock);
                    break;
                default:
                    Send(sender, RtmpMessageType.Audio, false, sender.Clock += 20);
                    Send(sender, RtmpMessageType.Video, random.Next(5) == 0, sender.Clock += 20);
                    break;
            }
        }

        private void Come(Sender sender)
        {
            var info = new PublisherInfo(sender.Role.ToString(), Role: sender.Role);
            Assert.Equal(PublishOutcome.Accepted, bench.Hub.Publish(Show, info, out Publication? publication));
            sender.Begin(publication!, Now);
            AppendHeaders(publication!, sender.Clock);
            sender.LastProgress = sender.SteadySince = Now;
        }

        private void Go(Sender sender)
        {
            sender.Publication!.Dispose();
            sender.Publication = null;
        }

        private void Send(Sender sender, RtmpMessageType type, bool isKeyframe, uint at)
        {
            Sender? onAir = OnAir();
            int before = Stream()?.Switches ?? 0;
            int id = nextId++;
            MediaMessage message = type == RtmpMessageType.Audio ? Sound(at, 20)
                : isKeyframe ? Keyframe(at) : Picture(at);
            byte[] payload = message.Payload.ToArray();
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(payload.Length - 4), id);
            bool isNews = sender.Took(type, at, isKeyframe, Now, TakeoverAfter);
            sender.Sent.Add((id, type, isKeyframe));
            TimeSpan still = onAir is null ? TimeSpan.Zero : Now - onAir.LastProgress;
            bool wasWaiting = onAir is not null && onAir != sender;

            Assert.True(sender.Publication!.Append(message with { Payload = payload }));

            bool switched = (Stream()?.Switches ?? 0) != before;
            bool isWell = Now - sender.LastProgress < TakeoverAfter && sender.HasKeyframe;
            bool mustSwitch = wasWaiting && isWell && still >= TakeoverAfter;
            bool mayReturn = wasWaiting && isWell && isNews && isKeyframe && sender.Role == PublisherRole.Main
                && Policy == StandbyReturn.WhenHealthy && Now - sender.SteadySince >= ReturnAfter;
            Assert.True(
                switched ? mustSwitch || mayReturn : !mustSwitch,
                $"seed {seed}: {sender.Role} {type} {(switched ? "took over" : "waits")}, {still} still");
        }

        private void Note()
        {
            LiveStream? stream = Stream();
            if (main.Publication is null && standby.Publication is null)
            {
                Assert.Null(stream?.Publication);
                return;
            }

            Sender? onAir = OnAir();
            Assert.True(onAir is not null, $"seed {seed}: nobody is on air");
            if (!turns.TryAdd(onAir.Publication!.Number, onAir))
                return;
            (main.HasKeyframe, standby.HasKeyframe) = (false, false);
            if (stream!.Switches > Switches && stream.LastSwitch!.Reason == SwitchReason.Returned)
                Returns++;
            Switches = stream.Switches;
        }

        private Sender? OnAir() => new[] { main, standby }.FirstOrDefault(s => s.Publication?.IsOnAir == true);

        private LiveStream? Stream() => bench.Hub.Find(Show);

        private static int IdOf(LogMessage message) => BinaryPrimitives.ReadInt32BigEndian(message.Payload.Span[^4..]);
    }

    private enum Mood
    {
        Well,
        WellToo,
        Silent,
        SoundOnly,
        ClockStopped,
        Gone,
    }

    private sealed class Sender(PublisherRole role)
    {
        private bool isNew;
        private uint newest;

        public PublisherRole Role => role;

        public Mood Mood { get; set; }

        public Publication? Publication { get; set; }

        public uint Clock { get; set; }

        public List<(int Id, RtmpMessageType Type, bool IsKeyframe)> Sent { get; } = [];

        public TimeSpan LastProgress { get; set; }

        public TimeSpan SteadySince { get; set; }

        /// <summary>Of a waiting one: whether a keyframe came since it waits.</summary>
        public bool HasKeyframe { get; set; }

        private bool HasVideo { get; set; }

        public void Begin(Publication publication, TimeSpan now)
        {
            (Publication, isNew, HasVideo, HasKeyframe) = (publication, true, false, false);
            (LastProgress, SteadySince) = (now, now);
        }

        public bool Took(RtmpMessageType type, uint at, bool isKeyframe, TimeSpan now, TimeSpan gap)
        {
            HasKeyframe |= isKeyframe;
            bool isVideo = type == RtmpMessageType.Video;
            if (HasVideo && !isVideo)
                return false;
            bool isNews = isNew || (isVideo && !HasVideo) || at != newest;
            HasVideo |= isVideo;
            if (!isNews)
                return false;
            if (isNew || now - LastProgress >= gap)
                SteadySince = now;
            (isNew, newest, LastProgress) = (false, at, now);
            return true;
        }
    }
}
