using Microsoft.Playwright;

namespace Steadycast.EndToEnd.Tests.Page;

/// <summary>The page in real Chromium, against a switch that is only played.</summary>
[Trait("needs", "browser")]
public sealed class PageTests : IAsyncLifetime
{
    private ReplaySwitch _replay = null!;
    private Browser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _replay = await ReplaySwitch.StartAsync(TestContext.Current.CancellationToken);
        _browser = await Browser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        await _replay.DisposeAsync();
    }

    [Fact]
    public async Task Plays_without_a_stall_and_says_where_from()
    {
        var page = await _browser.OpenAsync(_replay.Address);
        await page.PlayForAsync(2);
        var frames = await page.DecodedFramesAsync();
        await page.PlayForAsync(6);

        Assert.InRange(await page.DecodedFramesAsync() - frames, 100, int.MaxValue);
        Assert.Equal("0", await page.TextAsync("stalls"));
        Assert.Equal("primary", await page.TextAsync("active"));
        Assert.Equal("mystream", await page.TextAsync("stream"));
        Assert.Equal("live", await page.TextAsync("state"));
        Assert.Equal("1280×720", await page.TextAsync("picture"));
        Assert.StartsWith("hls.js ", await page.TextAsync("player"), StringComparison.Ordinal);
        Assert.InRange(double.Parse((await page.TextAsync("latency")).Split(' ')[0]), 2, 20);
        Assert.All(page.Requests, r => Assert.True(r.Scheme == "blob" || r.Authority == _replay.Address.Authority));
        Assert.Empty(page.Errors);
        await page.ScreenshotAsync("playing-dark");
        await page.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        await page.ScreenshotAsync("playing-light");
        await page.Page.SetViewportSizeAsync(390, 844);
        await page.ScreenshotAsync("playing-phone");
        Assert.True(await page.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }

    [Fact]
    public async Task Starts_muted_and_turns_sound_on_at_a_press()
    {
        var page = await _browser.OpenAsync(_replay.Address);
        await page.PlayForAsync(1);
        Assert.True(await page.Page.EvaluateAsync<bool>("document.querySelector('video').muted"));
        await page.Page.Locator("#unmute").ClickAsync();
        Assert.False(await page.Page.EvaluateAsync<bool>("document.querySelector('video').muted"));
        await page.Page.Locator("#unmute").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        await page.PlayForAsync(1);
    }

    [Fact]
    public async Task Tells_of_a_switch_to_another_origin()
    {
        var page = await _browser.OpenAsync(_replay.Address);
        await page.PlayForAsync(1);
        await page.WaitForTextAsync("active", "primary");
        (_replay.Active, _replay.PrimaryState) = ("backup", "down");
        await page.WaitForTextAsync("active", "backup");
        await page.WaitForTextAsync("log", "Switched from primary to backup.");
        await page.WaitForTextAsync("log", "primary is down.");
        await page.WaitForTextAsync("origins", "connection refused");
        await page.PlayForAsync(2);
        Assert.Equal("0", await page.TextAsync("stalls"));
        await page.ScreenshotAsync("switched");
    }

    [Fact]
    public async Task Waits_for_a_stream_that_is_not_there_yet()
    {
        _replay.Empty = true;
        var page = await _browser.OpenAsync(_replay.Address);
        await page.WaitForTextAsync("notice", "Waiting for the stream.");
        await page.ScreenshotAsync("waiting");
        _replay.Empty = false;
        await page.PlayForAsync(2);
        await page.WaitForTextAsync("log", "The stream is back.");
        Assert.True(await page.Page.Locator("#notice").IsHiddenAsync());
    }

    [Fact]
    public async Task Comes_back_by_itself_when_the_switch_was_away_until_the_buffer_ran_dry()
    {
        var page = await _browser.OpenAsync(_replay.Address);
        await page.PlayForAsync(2);
        _replay.Broken = true;
        await page.WaitForTextAsync("log", "The switch does not answer.");
        await page.WaitForTextAsync("log", "The picture stands still.");
        await page.WaitForTextAsync("state", "stalled");
        await page.ScreenshotAsync("stalled");
        _replay.Broken = false;
        await page.WaitForTextAsync("log", "The picture moves again after");
        await page.PlayForAsync(3);
        await page.WaitForTextAsync("log", "The switch answers again.");
        await page.WaitForTextAsync("state", "live");
        Assert.Equal("1", await page.TextAsync("stalls"));
        await page.ScreenshotAsync("recovered");
    }
}
