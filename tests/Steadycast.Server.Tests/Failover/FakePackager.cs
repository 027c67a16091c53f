using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Steadycast.Protocols.Hls;

namespace Steadycast.Server.Tests.Failover;

/// <summary>A segment as it truly is: whose, and which stretch of the source.</summary>
/// <param name="Life">Counts the packager's restarts.</param>
internal sealed record TrueSegment(
    string Origin, int Life, long Msn, double Start, double End, bool Discontinuity, string FileName)
{
    public string Sha256 { get; } = HashOf($"{Origin} {Life} {Msn}");

    /// <summary>Of what a rung of the ladder has of it.</summary>
    public string Sha256Of(Rung rung) => rung.Name.Length == 0 ? Sha256 : HashOf($"{Origin} {Life} {Msn} {rung.Name}");

    private static string HashOf(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>One media playlist of several.</summary>
/// <param name="Name">Its file name without the ending; empty: the packager has this one playlist only.</param>
/// <param name="Height">0 for an audio rendition.</param>
internal sealed record Rung(string Name, int Height);

/// <summary>
/// A packager of another make, and the web server before it: it cuts where it likes, counts as it likes, and when it
/// starts again it may count from 0 and use the same names for other bytes. Knows nothing of the switch.
/// </summary>
internal sealed class FakePackager(string name, double phase, double duration)
{
    private const int WindowLength = 6;

    private readonly Dictionary<string, TrueSegment> disk = new(StringComparer.Ordinal);
    private readonly List<TrueSegment> listed = [];
    private double cutAt = phase;
    private long next = 100;
    private int life;
    private bool breaks;
    private ImmutableArray<TrueSegment>? older;
    private readonly Dictionary<Rung, (ImmutableArray<TrueSegment> Window, double Duration, bool Ts, byte[] Text)> written = [];
    private byte[]? multivariant;

    public string Name => name;

    public double Duration { get; set; } = duration;

    /// <summary>From the end of a segment in the source to its being listed.</summary>
    public double Latency { get; set; }

    /// <summary>Null: no EXT-X-PROGRAM-DATE-TIME; else how far its clock is off, in seconds.</summary>
    public double? ClockOff { get; set; } = 0;

    public bool Running { get; set; } = true;

    /// <summary>The web server answers.</summary>
    public bool Reachable { get; set; } = true;

    /// <summary>Its segments cannot be had, though they are listed.</summary>
    public bool LosesMedia { get; set; }

    /// <summary>A cache in between answers with the playlist as it is now, from now on.</summary>
    public bool AnswersFromCache
    {
        get => older is not null;
        set => older = value && listed.Count > 0 ? [.. Window(late: false)] : null;
    }

    public bool IsTransportStream { get; set; } = true;

    /// <summary>What it makes of each segment; more than one are offered by a multivariant playlist.</summary>
    public ImmutableArray<Rung> Ladder { get; init; } = [new("", 0)];

    /// <summary>One of its media playlists is written a segment later than the others.</summary>
    public bool IsUneven { get; set; }

    public Rung RungOf(string fileName) =>
        Ladder.Length == 1 ? Ladder[0] : Ladder.First(r => fileName.StartsWith(r.Name + "_", StringComparison.Ordinal));

    /// <summary>Makes what it would have made by now.</summary>
    public void Produce(double now)
    {
        while (cutAt + Duration + Latency <= now)
        {
            if (Running)
            {
                string file = $"seg_{next:00000}.{(IsTransportStream ? "ts" : "m4s")}";
                disk[file] = new TrueSegment(name, life, next++, cutAt, cutAt + Duration, breaks, file);
                listed.Add(disk[file]);
                breaks = false;
            }

            cutAt += Duration;
        }
    }

    /// <summary>It is killed and comes up again; what it listed is forgotten, unless it appends.</summary>
    /// <param name="from">The number that it begins with, when it does not append.</param>
    public void Restart(bool append, long from = 0)
    {
        life++;
        Running = true;
        breaks = append;
        if (append)
            return;
        // The files stay on the disk, under names that will be used again.
        next = from;
        listed.Clear();
    }

    public TrueSegment? OnDisk(string fileName) =>
        disk.GetValueOrDefault(Ladder.Length == 1 ? fileName : fileName[(fileName.IndexOf('_') + 1)..]);

    public byte[] Multivariant() => multivariant ??= WriteMultivariant();

    private byte[] WriteMultivariant()
    {
        bool hasAudio = Ladder.Any(r => r.Height == 0);
        return Encoding.UTF8.GetBytes(PlaylistWriter.Write(new MultivariantPlaylist
        {
            Version = 6,
            Variants =
            [
                .. Ladder.Where(r => r.Height > 0).Select(r => new VariantStream
                {
                    Uri = r.Name + ".m3u8",
                    Bandwidth = r.Height * 4000,
                    Width = r.Height * 16 / 9,
                    Height = r.Height,
                    Audio = hasAudio ? "sound" : null,
                }),
            ],
            Renditions =
            [
                .. Ladder.Where(r => r.Height == 0)
                    .Select(r => new Rendition("AUDIO", "sound", r.Name, r.Name + ".m3u8", Default: true)),
            ],
        }));
    }

    public byte[] Playlist() => Playlist(Ladder[0]);

    /// <summary>The very same bytes while nothing has changed.</summary>
    public byte[] Playlist(Rung rung)
    {
        ImmutableArray<TrueSegment> window = older ?? Window(late: IsUneven && rung == Ladder[^1]);
        if (!written.TryGetValue(rung, out var last) || last.Duration != Duration || last.Ts != IsTransportStream
            || !last.Window.SequenceEqual(window))
            written[rung] = last = (window, Duration, IsTransportStream, Write(rung, window));
        return last.Text;
    }

    private byte[] Write(Rung rung, ImmutableArray<TrueSegment> window)
    {
        string prefix = rung.Name.Length == 0 ? "" : rung.Name + "_";
        return Encoding.UTF8.GetBytes(PlaylistWriter.Write(new MediaPlaylist
        {
            Version = 3,
            TargetDurationSeconds = (int)Math.Round(Duration),
            MediaSequence = window.IsEmpty ? next : window[0].Msn,
            IndependentSegments = true,
            Segments =
            [
                .. window.Select(s => new MediaSegment
                {
                    Uri = prefix + s.FileName,
                    Duration = TimeSpan.FromSeconds(s.End - s.Start),
                    Discontinuity = s.Discontinuity,
                    Map = IsTransportStream ? null : new MediaMap("init.mp4"),
                    ProgramDateTime = ClockOff is { } off ? SplicedWorld.Epoch.AddSeconds(s.Start + off) : null,
                }),
            ],
        }));
    }

    private ImmutableArray<TrueSegment> Window(bool late)
    {
        int end = Math.Max(0, listed.Count - (late ? 1 : 0));
        int begin = Math.Max(0, end - WindowLength);
        return [.. listed.GetRange(begin, end - begin)];
    }
}
