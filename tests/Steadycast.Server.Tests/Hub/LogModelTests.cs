using FsCheck;
using FsCheck.Fluent;
using Steadycast.Streaming.Hub;
using static Steadycast.Server.Tests.Hub.HubBench;

namespace Steadycast.Server.Tests.Hub;

/// <summary>
/// The hub against a list that forgets nothing: whatever happens, every player reads what the list says.
/// </summary>
public sealed class LogModelTests
{
    [Fact]
    public void Every_player_reads_what_the_model_says() =>
        Prop.ForAll<byte[]>(steps => Run(steps)).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(400));

    private static void Run(byte[] steps)
    {
        var bench = new HubBench();
        var model = new Model();
        var players = new List<(Subscription Real, ModelPlayer Expected)>();
        Publication? publication = null;
        byte id = 0;
        foreach (byte step in steps)
        {
            uint at = id++;
            byte variant = (byte)(step >> 7);
            switch (step % 12)
            {
                case 0:
                    publication?.Dispose();
                    publication = bench.Publish();
                    model.NewPublication();
                    break;
                case 1 when publication is not null:
                    publication.Dispose();
                    publication = null;
                    model.NewPublication();
                    break;
                case 2:
                    publication?.Append(Data([.. Metadata, variant], at));
                    model.Header(publication, 'M', variant);
                    break;
                case 3:
                    publication?.Append(Video([.. VideoHeader, variant], at));
                    model.Header(publication, 'V', variant);
                    break;
                case 4:
                    publication?.Append(Audio([.. AudioHeader, variant], at));
                    model.Header(publication, 'h', variant);
                    break;
                case 5:
                    publication?.Append(Keyframe(at, 6 + (variant * 70_000), fill: id));
                    model.Keyframe(publication, id);
                    break;
                case 6 or 7:
                    publication?.Append(Picture(at, 6 + (variant * 9_000), fill: id));
                    model.Picture(publication, id);
                    break;
                case 8:
                    publication?.Append(Sound(at, 6, fill: id));
                    model.Sound(publication, id);
                    break;
                case 9 when players.Count < 10:
                    players.Add((bench.Subscribe(), model.Join()));
                    break;
                default:
                    if (players.Count > 0)
                        Compare(players[step % players.Count]);
                    break;
            }
        }

        players.ForEach(Compare);
    }

    private static void Compare((Subscription Real, ModelPlayer Expected) player) => Assert.Equal(
        string.Join(' ', player.Expected.Read()),
        string.Join(' ', Bytes(player.Real).Select(Describe)));

    private static string Describe(ParsedMessage m)
    {
        string letter = m.ToString()[..1];
        return (letter == "H" ? "V" : letter) + m.Payload[^1];
    }

    private sealed class Model
    {
        private bool hasVideo;
        private bool videoStarted;

        public List<string> Log { get; } = [];

        public SortedDictionary<int, string> Headers { get; private set; } = [];

        /// <summary>Where to begin, and the headers in force there.</summary>
        public (int At, string[] Headers)? JoinPoint { get; private set; }

        public bool IsIdle { get; private set; } = true;

        public void NewPublication()
        {
            (hasVideo, videoStarted, IsIdle, JoinPoint) = (false, false, true, null);
            Headers = [];
        }

        public ModelPlayer Join() => new(this);

        public void Header(Publication? publication, char letter, byte variant)
        {
            if (publication is null)
                return;
            if (letter == 'V')
                SeeVideo();
            Headers["MVh".IndexOf(letter)] = $"{letter}{variant}";
            Add($"{letter}{variant}");
        }

        public void Keyframe(Publication? publication, byte id)
        {
            if (publication is null)
                return;
            SeeVideo();
            videoStarted = true;
            JoinPoint = (Log.Count, [.. Headers.Values]);
            Add($"K{id}");
        }

        public void Picture(Publication? publication, byte id)
        {
            if (publication is null)
                return;
            SeeVideo();
            if (videoStarted)
                Add($"P{id}");
        }

        public void Sound(Publication? publication, byte id)
        {
            if (publication is null)
                return;
            if (!hasVideo)
                JoinPoint = (Log.Count, [.. Headers.Values]);
            Add($"A{id}");
        }

        private void SeeVideo()
        {
            if (!hasVideo)
                JoinPoint = null;
            hasVideo = true;
        }

        private void Add(string message)
        {
            IsIdle = false;
            Log.Add(message);
        }
    }

    private sealed class ModelPlayer
    {
        private readonly Model model;
        private readonly List<string> first = [];
        private int? next;

        public ModelPlayer(Model model)
        {
            this.model = model;
            if (model.IsIdle)
                next = model.Log.Count;
            else
                TryJoin();
        }

        public List<string> Read()
        {
            if (next is null)
                TryJoin();
            if (next is null)
                return [];
            List<string> read = [.. first, .. model.Log.Skip(next.Value)];
            first.Clear();
            next = model.Log.Count;
            return read;
        }

        private void TryJoin()
        {
            if (model.JoinPoint is not { } point)
                return;
            next = point.At;
            first.AddRange(point.Headers);
        }
    }
}
