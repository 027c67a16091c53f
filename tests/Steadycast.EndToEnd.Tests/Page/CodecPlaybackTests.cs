using Steadycast.EndToEnd.Tests.Packaging;
using Steadycast.Protocols.Rtmp;
using Steadycast.Streaming.Packaging;

namespace Steadycast.EndToEnd.Tests.Page;

/// <summary>hls.js in real Chromium plays what the chain makes of codecs beside H.264 and AAC.</summary>
[Trait("needs", "browser")]
public sealed class CodecPlaybackTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("steadycast-codecs").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. MadeMedia.ForChromium.Select(kind => kind.Media.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Picture_and_sound_play_without_a_stall(string name)
    {
        var (media, container) = MadeMedia.ForChromium.Single(kind => kind.Media.Name == name);
        var segments = Package(await (media with { Seconds = 60 }).MakeAsync(_folder, Cancel), container);
        await using var replay = await ReplaySwitch.StartAsync(segments, Cancel);
        await using var browser = await Browser.StartAsync();
        var page = await browser.OpenAsync(replay.Address);
        await page.PlayForAsync(2);
        var (frames, sound) = (await page.DecodedFramesAsync(), await SoundAsync(page));
        await page.PlayForAsync(6);

        Assert.InRange(await page.DecodedFramesAsync() - frames, 150, int.MaxValue);
        Assert.True(await SoundAsync(page) > sound, "no sound was decoded");
        Assert.Equal("0", await page.TextAsync("stalls"));
        Assert.Equal("322×182", await page.TextAsync("picture"));
        Assert.Empty(page.Errors);
    }

    private static List<PackagedSegment> Package(IReadOnlyList<MediaMessage> messages, Container container)
    {
        using var packager = new HlsPackager(container);
        var segments = new List<PackagedSegment>();
        foreach (var record in Stamping.Stamp(messages, 0))
        {
            packager.Add(record, out var segment);
            if (segment is not null) segments.Add(segment);
        }

        // The last one ends with the sound, not at a keyframe.
        segments.RemoveAt(segments.Count - 1);
        Assert.All(segments, segment => Assert.Equal(180_000, segment.Record.Duration));
        return segments;
    }

    private static Task<long> SoundAsync(PlayerPage page) =>
        page.Page.EvaluateAsync<long>("document.querySelector('video').webkitAudioDecodedByteCount");
}
