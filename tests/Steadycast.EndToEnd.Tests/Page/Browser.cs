using Microsoft.Playwright;

namespace Steadycast.EndToEnd.Tests.Page;

/// <summary>Debian's Chromium with a fresh profile; one page per test.</summary>
/// <remarks>Set STEADYCAST_SCREENSHOTS to a folder to see what the tests saw.</remarks>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--autoplay-policy=user-gesture-required",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowserContext _context;
    private readonly string _profile;

    private Browser(IPlaywright playwright, IBrowserContext context, string profile) =>
        (_playwright, _context, _profile) = (playwright, context, profile);

    public static async Task<Browser> StartAsync()
    {
        var freshProfile = Directory.CreateTempSubdirectory("steadycast-chromium-").FullName;
        var driver = await Playwright.CreateAsync();
        var chromium = await driver.Chromium.LaunchPersistentContextAsync(freshProfile, new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = Arguments,
            ViewportSize = new() { Width = 1360, Height = 900 },
            ColorScheme = ColorScheme.Dark,
        });
        return new Browser(driver, chromium, freshProfile);
    }

    public async Task<PlayerPage> OpenAsync(Uri address)
    {
        var page = new PlayerPage(await _context.NewPageAsync());
        await page.OpenAsync(address);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        _playwright.Dispose();
        Directory.Delete(_profile, recursive: true);
    }
}
