using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Steadycast.EndToEnd.Tests.Page;

/// <summary>The page as a viewer sees it, and what the browser says of its video element.</summary>
internal sealed class PlayerPage(IPage page)
{
    private const float Patience = 60_000;

    /// <summary>Everything that the page asked for.</summary>
    public ConcurrentQueue<Uri> Requests { get; } = [];

    /// <summary>Uncaught errors, and console errors other than those of failed requests.</summary>
    public ConcurrentQueue<string> Errors { get; } = [];

    public IPage Page => page;

    public async Task OpenAsync(Uri address)
    {
        page.Request += (_, request) => Requests.Enqueue(new Uri(request.Url));
        page.PageError += (_, error) => Errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("Failed to load resource", StringComparison.Ordinal))
                Errors.Enqueue(message.Text);
        };
        await page.GotoAsync(address.AbsoluteUri);
    }

    public Task<double> CurrentTimeAsync() => page.EvaluateAsync<double>("document.querySelector('video').currentTime");

    public Task<int> DecodedFramesAsync() =>
        page.EvaluateAsync<int>("document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames");

    /// <summary>Waits until the picture has moved on by so many seconds from where it is now.</summary>
    public async Task PlayForAsync(double seconds)
    {
        var from = await CurrentTimeAsync();
        await page.WaitForFunctionAsync("until => document.querySelector('video').currentTime >= until", from + seconds,
            new() { Timeout = Patience });
    }

    public async Task<string> TextAsync(string id) => (await page.Locator($"#{id}").TextContentAsync() ?? "").Trim();

    public Task WaitForTextAsync(string id, string text) => page.WaitForFunctionAsync(
        "([id, text]) => document.getElementById(id).textContent.includes(text)", new[] { id, text },
        new() { Timeout = Patience });

    public async Task ScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("STEADYCAST_SCREENSHOTS") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
    }
}
