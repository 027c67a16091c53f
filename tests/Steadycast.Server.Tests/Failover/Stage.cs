using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Server.Tests.Origin;
using Steadycast.Streaming.Failover;
using Steadycast.Streaming.Segments;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Failover;

/// <summary>
/// Two origins that can be made to fail, a real switch over them, and a strict reader in front of it.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    public const int Window = 6;

    private readonly string? stateDir;
    private SegmentStores? stores;
    private RoleDoor? door;

    private Stage(FakeOrigin primary, FakeOrigin backup, string? stateDir) =>
        (Primary, Backup, this.stateDir) = (primary, backup, stateDir);

    public SyntheticStream Stream { get; private init; } = new("live/show");

    public string? ApiToken { get; private init; }

    public FakeOrigin Primary { get; }

    public FakeOrigin Backup { get; }

    public SwitchRole Role { get; private set; } = null!;

    public TestMeters Meters { get; private set; } = null!;

    public HttpClient Http => door!.Http;

    public StrictReader Reader { get; private set; } = null!;

    /// <summary>The newest segment that the source has made.</summary>
    public long Edge { get; private set; } = SyntheticStream.Base + Window - 1;

    /// <summary>Both origins list a window; the switch serves it.</summary>
    public static async Task<Stage> OpenAsync(
        string? stateDir = null, bool publish = true, string? apiToken = null)
    {
        var stream = new SyntheticStream("live/show");
        FakeOrigin primary = await FakeOrigin.StartAsync(stream);
        FakeOrigin backup = await FakeOrigin.StartAsync(stream);
        var stage = new Stage(primary, backup, stateDir) { Stream = stream, ApiToken = apiToken };
        if (publish)
        {
            stage.Primary.Publish(SyntheticStream.Base, stage.Edge);
            stage.Backup.Publish(SyntheticStream.Base, stage.Edge);
        }

        await stage.StartSwitchAsync();
        if (publish)
            await stage.Reader.UntilAsync(stage.Edge);
        return stage;
    }

    public async Task StartSwitchAsync()
    {
        Meters = new TestMeters();
        stores = new SegmentStores(TimeProvider.System, NullLoggerFactory.Instance, Meters);
        var options = new SwitchOptions
        {
            PrimaryBaseUrl = Primary.Url,
            BackupBaseUrl = Backup.Url,
            CheckIntervalSeconds = 0.1,
            RequiredWindows = 20,
            StateDir = stateDir,
            ApiToken = ApiToken,
        };
        Role = new SwitchRole(options, stores, TimeProvider.System, NullLoggerFactory.Instance, Meters);
        door = await RoleDoor.OpenAsync(Role);
        Reader ??= new StrictReader(Http, Stream);
    }

    public async Task KillSwitchAsync()
    {
        await door!.DisposeAsync();
        await stores!.DisposeAsync();
        Meters.Dispose();
    }

    /// <summary>The switch again, from its disk, before the same viewer.</summary>
    public async Task RestartSwitchAsync()
    {
        await KillSwitchAsync();
        await StartSwitchAsync();
        Reader.Http = Http;
    }

    /// <summary>The next segment, on one or both origins; returns when the viewer has it.</summary>
    public async Task AdvanceAsync(bool primary = true, bool backup = true)
    {
        Make(primary, backup);
        await Reader.UntilAsync(Edge);
    }

    /// <summary>The next segment, on one or both origins.</summary>
    public void Make(bool primary = true, bool backup = true)
    {
        Edge++;
        if (primary)
            Primary.Publish(Edge - Window + 1, Edge);
        if (backup)
            Backup.Publish(Edge - Window + 1, Edge);
    }

    /// <summary>What <c>/healthz</c> would show.</summary>
    public string? ActiveOrigin => (string?)Role.Health().Summary["active_origin"];

    public async Task UntilActiveIsAsync(string origin)
    {
        for (int round = 0; round < 300 && ActiveOrigin != origin; round++)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(origin, ActiveOrigin);
    }

    public async ValueTask DisposeAsync()
    {
        await KillSwitchAsync();
        await Primary.DisposeAsync();
        await Backup.DisposeAsync();
    }
}
