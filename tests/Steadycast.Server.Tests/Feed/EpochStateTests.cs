using Microsoft.Extensions.Logging.Abstractions;
using Steadycast.Streaming.Feed;
using Steadycast.TestPeers;

namespace Steadycast.Server.Tests.Feed;

public sealed class EpochStateTests : IDisposable
{
    private static readonly StreamNumbers Numbers = new(59_000_001, 7, 3, 1_900_000_000_000, 2, 180_000, true, true);

    private readonly string _directory = Directory.CreateTempSubdirectory("steadycast-state-").FullName;
    private readonly TestMeters _meters = new();

    [Fact]
    public void Numbers_come_back_as_they_were_stored()
    {
        var states = States();
        Assert.Null(states.Load("live/show", out var wasLost));
        Assert.False(wasLost);
        states.Save("live/show", Numbers);
        states.Save("live", Numbers with { NextMsn = 5 });
        Assert.Equal(Numbers, States().Load("live/show", out wasLost));
        Assert.False(wasLost);
        Assert.Equal(5, States().Load("live", out _)!.NextMsn);
        Assert.Equal(["live.json", "show.json"], Files());
    }

    [Fact]
    public void Every_damage_is_seen_and_set_aside()
    {
        States().Save("live/show", Numbers);
        var path = Path.Combine(_directory, "live", "show.json");
        var good = File.ReadAllBytes(path);
        for (var at = 0; at < good.Length; at++)
        {
            var damaged = (byte[])good.Clone();
            damaged[at] ^= 1;
            File.WriteAllBytes(path, damaged);
            var loaded = States().Load("live/show", out var wasLost);

            // A flipped bit in white space, or in a name's case, may leave the same numbers; never others.
            Assert.True(wasLost ? loaded is null : loaded == Numbers);
            Assert.Equal(!wasLost, File.Exists(path));
            File.WriteAllBytes(path, good[..at]);
            Assert.Null(States().Load("live/show", out wasLost));
            Assert.True(wasLost);
        }

        Assert.Contains(Files(), file => file.StartsWith("show.json.corrupt-", StringComparison.Ordinal));
    }

    [Fact]
    public void The_numbers_of_another_stream_are_not_taken()
    {
        States().Save("a", Numbers);
        File.Copy(Path.Combine(_directory, "a.json"), Path.Combine(_directory, "b.json"));
        Assert.Null(States().Load("b", out var wasLost));
        Assert.True(wasLost);
    }

    [Fact]
    public void Numbers_that_cannot_be_stored_are_said_and_old_ones_forgotten()
    {
        var states = States();
        states.Save("show", Numbers);
        Directory.CreateDirectory(Path.Combine(_directory, "show.json.new"));
        states.Save("show", Numbers with { NextMsn = 1 });
        Assert.Contains("show", states.Fault);
        Assert.Null(States().Load("show", out _));
        Directory.Delete(Path.Combine(_directory, "show.json.new"));
        states.Save("show", Numbers);
        Assert.Null(states.Fault);
    }

    [Fact]
    public void Without_a_directory_nothing_is_kept()
    {
        var states = new EpochState(null, new ManualTime(), new FeedMetrics(_meters), NullLogger.Instance);
        states.Save("show", Numbers);
        Assert.Null(states.Load("show", out var wasLost));
        Assert.False(wasLost);
    }

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        _meters.Dispose();
    }

    private EpochState States() => new(_directory, new ManualTime(), new FeedMetrics(_meters), NullLogger.Instance);

    private List<string> Files() => [.. Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories)
        .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
