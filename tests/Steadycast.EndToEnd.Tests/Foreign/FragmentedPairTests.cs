using static Steadycast.Streaming.Viewing.SeamKind;

namespace Steadycast.EndToEnd.Tests.Foreign;

/// <summary>As <see cref="ForeignPairTests"/>, with fMP4 in place of MPEG-TS.</summary>
public sealed class FragmentedPairTests(FragmentedPairUnderTest pair, ITestOutputHelper output)
    : IClassFixture<FragmentedPairUnderTest>
{
    [Fact]
    public async Task A_stopped_origin_costs_one_discontinuity_and_every_segment_has_its_initialisation_section()
    {
        await pair.HealAsync();

        var report = await pair.WatchAsync(async () =>
        {
            await pair.PassAsync(2);
            await pair.StopAsync($"origin-{await pair.ActiveAsync()}");
            await pair.PassAsync(5);
        });

        output.WriteLine(report.ToText());
        Assert.Equal("fmp4", report.Container);
        Assert.True(report.Counts.All(c => c.Value == 0 || c.Key is Discontinuity or StalePlaylist), report.ToText());
        Assert.Equal(1, report.Counts[Discontinuity]);
    }
}
