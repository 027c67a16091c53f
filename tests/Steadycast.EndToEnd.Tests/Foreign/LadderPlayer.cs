using Steadycast.EndToEnd.Tests.Page;

namespace Steadycast.EndToEnd.Tests.Foreign;

/// <summary>hls.js in Chromium on a multivariant playlist, changing its level when it is told to.</summary>
internal sealed class LadderPlayer(PlayerPage page)
{
    private const string Script =
        """
        playlist => {
          const video = document.createElement('video');
          video.muted = true;
          document.body.append(video);
          const seen = window.seen = { fatal: [], errors: [], stalls: [], levels: [], heights: [], fragments: [] };
          const hls = window.hls = new Hls({ startLevel: 0 });
          hls.on(Hls.Events.ERROR, (_, e) => (e.fatal ? seen.fatal : seen.errors).push(`${e.type} ${e.details}`));
          hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => seen.fragments.push(
            `${frag.type} ${frag.sn} cc ${frag.cc} level ${frag.level} ${frag.start.toFixed(2)}+${frag.duration.toFixed(2)} at ${video.currentTime.toFixed(1)}`));
          hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => seen.levels.push(level));
          video.addEventListener('resize', () => seen.heights.push(video.videoHeight));
          const ahead = () => {
            for (let i = 0; i < video.buffered.length; i++)
              if (video.buffered.start(i) <= video.currentTime + 0.1 && video.currentTime <= video.buffered.end(i))
                return video.buffered.end(i) - video.currentTime;
            return 0;
          };
          // Nothing to play, and the play head stands: a machine that is late with a picture that it has is no stall.
          let time = null, since = null;
          setInterval(() => {
            const now = performance.now() / 1000;
            if (video.currentTime === 0) return;
            if (time === null || video.currentTime > time + 0.01) {
              if (since !== null && now - since > 0.35) seen.stalls.push(`${(now - since).toFixed(1)} s at ${time.toFixed(1)}`);
              [time, since] = [video.currentTime, null];
            } else if (ahead() < 0.2) since ??= now;
          }, 50);
          hls.loadSource(playlist);
          hls.attachMedia(video);
          video.play();
        }
        """;

    public static async Task<LadderPlayer> OpenAsync(Browser browser, Uri master)
    {
        // A page of the same server: Chromium lets none of elsewhere ask a loopback address.
        var page = await browser.OpenAsync(new Uri(master, "streams.json"));
        await page.Page.AddScriptTagAsync(new() { Path = Path.Combine(AppContext.BaseDirectory, "players", "hls.js") });
        await page.Page.EvaluateAsync(Script, master.AbsoluteUri);
        return new LadderPlayer(page);
    }

    public Task PlayForAsync(double seconds) => page.PlayForAsync(seconds);

    /// <summary>Forgets what happened while the player joined.</summary>
    public Task BeginAsync() => page.Page.EvaluateAsync("seen.stalls = []; seen.errors = [];");

    /// <summary>The next segment that is loaded is of this level.</summary>
    public Task TakeLevelAsync(int level) => page.Page.EvaluateAsync("level => { hls.loadLevel = level; }", level);

    public async Task<LadderReport> ReportAsync() =>
        await page.Page.EvaluateAsync<LadderReport>("seen");
}

internal sealed class LadderReport
{
    public string[] Fatal { get; set; } = [];

    /// <summary>Those that the player dealt with by itself.</summary>
    public string[] Errors { get; set; } = [];

    public string[] Stalls { get; set; } = [];

    /// <summary>Each level that came on the screen.</summary>
    public int[] Levels { get; set; } = [];

    /// <summary>Each picture height that came on the screen.</summary>
    public int[] Heights { get; set; } = [];

    /// <summary>Each that came into the buffer, and when.</summary>
    public string[] Fragments { get; set; } = [];

    public override string ToString() =>
        $"fatal [{string.Join(", ", Fatal)}], errors [{string.Join(", ", Errors)}], stalls [{string.Join(", ", Stalls)}], "
        + $"levels [{string.Join(", ", Levels)}], heights [{string.Join(", ", Heights)}]";
}
